"""Labels and a table as gensim's `KeyedVectors`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from tf_emb.vectors.rows import Rows, checked, repeated

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


def to_keyed_vectors(
    labels: Sequence[str], matrix: ArrayLike, counts: Sequence[int] | np.ndarray | None = None
) -> "KeyedVectors":
    """Return row i of `matrix` under `labels[i]`.

    `tf_emb.Embedding.from_keyed_vectors` makes a Keras layer of it.

    Args:
        labels: shape (rows,), each different.
        matrix: shape (rows, dim), kept as float32, in a copy.
        counts: shape (rows,), occurrences; gensim's attribute "count".

    Raises:
        ValueError: a label occurs twice, or the lengths differ.
    """
    rows = checked(labels, matrix, counts)
    check_different(labels)
    return keyed(rows._replace(table=rows.table.copy(), counts=None if counts is None else np.array(rows.counts)))


def keyed(rows: Rows) -> "KeyedVectors":
    """Return the rows, their arrays not copied, as KeyedVectors."""
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(rows.table.shape[1])
    # Not add_vectors: a call a row, and gensim 4.4's `extras` unpacks its keys and fails.
    vectors.vectors = rows.table
    vectors.index_to_key = list(rows.labels)
    vectors.key_to_index = {label: i for i, label in enumerate(vectors.index_to_key)}
    if rows.counts is not None:
        vectors.expandos["count"] = rows.counts
    return vectors


def rows_of(vectors: "KeyedVectors") -> Rows:
    """Return what `keyed` was given."""
    return checked(vectors.index_to_key, vectors.vectors, vectors.expandos.get("count"))


def check_different(labels: Sequence[str]) -> None:
    """Refuse a label that occurs twice."""
    twice = repeated(labels)
    if twice:
        (first, second), names = twice[0], {labels[row] for _, row in twice}
        raise ValueError(
            f"`labels` must be different; got {labels[first]!r} in rows {first} and {second}, and {len(names)} "
            "such labels in all. Keep one row a label."
        )
