"""From what users have to what is shown: choose rows, check numbers, make them float32."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_emb.projector import metadata
from tf_emb.projector.rows import choose, left_out, rank
from tf_emb.projector.tables import Normalize, as_float32, read, report_zeros
from tf_emb.vectors import Vectors
from tf_emb.vectors.vectors import take

By = str | Sequence[float] | np.ndarray | None


@dataclass(frozen=True)
class Selection:
    """The rows that are shown.

    Attributes:
        tables: by name, float32, all with the same labels and columns.
        rows: the number of every row in what was given, int64.
        total: how many rows were given.
        said: in words, which rows were chosen.
    """

    tables: dict[str, Vectors]
    rows: np.ndarray
    total: int
    said: str

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """The tables as arrays of shape (rows, dim), by name."""
        return {name: of.matrix for name, of in self.tables.items()}

    @property
    def labels(self) -> list[str]:
        """The labels, of length rows."""
        return next(iter(self.tables.values())).labels

    @property
    def columns(self) -> dict[str, Any]:
        """What else is known of the rows, each of length rows."""
        return next(iter(self.tables.values())).columns

    def metadata(self) -> bytes:
        """Return the metadata file."""
        return metadata.encode(self.labels, self.columns, rows=self.rows.tolist())

    def colour(self) -> str:
        """Return the column that colours the points best: one of few categories, or the logarithm of counts."""
        for name, values in self.columns.items():
            if np.asarray(values).dtype.kind not in "iuf" and len(set(map(str, values))) <= metadata.COLOURS:
                return name
        return "log10 count" if "count" in self.columns else ""


def prepare(
    vectors: Any, labels: Sequence[str] | None, columns: Mapping[str, metadata.Column] | None, *,
    name: str, top: int | None, include: Iterable[str], by: By, normalize: Normalize,
) -> Selection:  # fmt: skip
    """Return what to show of what was given, the arguments of `log_projection`.

    Raises:
        ValueError: something would be shown wrongly.
    """
    given = read(vectors, labels, name)
    first = next(iter(given.values()))
    known = _joined(dict(columns or {}), first)
    ranks, ranked_by = rank(by, known, len(first))
    rows = choose(first.labels, ranks, top, include)
    shown, values = take(first.labels, rows), {k: take(v, rows) for k, v in known.items()}
    several = isinstance(vectors, Mapping)
    tables = {}
    for key, of in given.items():
        what = f"vectors[{key!r}]" if several else "vectors"
        matrix = as_float32(what, take(of.matrix, rows), shown, normalize)
        report_zeros(what, matrix, shown)
        tables[key] = Vectors(shown, matrix, values, dtype=None)
    return Selection(tables, rows, len(first), left_out(first.labels, rows, ranks, ranked_by))


def _joined(columns: dict[str, Any], given: Vectors) -> dict[str, Any]:
    """Return the columns that were passed, then those that the vectors have beside them."""
    for name, values in columns.items():
        if np.shape(values) != (len(given),):
            raise ValueError(
                f"`columns[{name!r}]` must have one value for each of {len(given)} labels; got {np.shape(values)}. "
                "Cut both to the same rows."
            )
    return columns | {name: values for name, values in given.columns.items() if name not in columns}
