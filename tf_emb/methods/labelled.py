"""What every method returns: a label and a vector a row, and what else is known of it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


@dataclass(frozen=True)
class LabelledVectors:
    """Vectors with labels.

    Attributes:
        labels: shape (rows,), text.
        matrix: float32, shape (rows, dim).
        columns: more about every row by name, each of length rows: its class, its count ...

    Raises:
        ValueError: the lengths differ.
    """

    labels: Sequence[str]
    matrix: np.ndarray
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {"labels": len(self.labels)} | {name: len(column) for name, column in self.columns.items()}
        for name, size in sizes.items():
            if size != len(self.matrix):
                raise ValueError(
                    f"`{name}` must have {len(self.matrix)} entries, one a row of `matrix`; got {size}. "
                    "Give every row one."
                )

    def keyed(self) -> "KeyedVectors":
        """Return them as gensim's KeyedVectors, for most_similar and files; the labels must be different."""
        from tf_emb.vectors import to_keyed_vectors

        return to_keyed_vectors(self.labels, self.matrix)

    def project(self, logdir: str | os.PathLike[str], **kwargs: Any) -> Path:
        """Log them as a new run of TensorBoard's Embedding Projector; `kwargs` are those of `log_projection`."""
        from tf_emb.projector.log import log_projection

        return log_projection(logdir, self.matrix, list(self.labels), columns=self.columns, **kwargs)
