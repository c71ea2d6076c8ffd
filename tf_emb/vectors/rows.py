"""What every format reads and writes: labels, a table and, where there are any, counts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Rows(NamedTuple):
    """A table by rows.

    Attributes:
        labels: shape (rows,).
        table: float32, shape (rows, dim).
        counts: int64, shape (rows,), or None where nothing is known of them.
    """

    labels: Sequence[str]
    table: np.ndarray
    counts: np.ndarray | None = None


def checked(labels: Sequence[str], matrix: object, counts: object = None) -> Rows:
    """Return the rows as they are kept, float32 and int64; an array that is so already is not copied.

    Raises:
        ValueError: the lengths differ, or `matrix` does not have two axes.
    """
    table = np.asarray(matrix, np.float32)
    _check_rows("matrix", table, 2, labels)
    if counts is None:
        return Rows(labels, table)
    numbers = np.asarray(counts)
    _check_rows("counts", numbers, 1, labels)
    return Rows(labels, table, numbers.astype(np.int64, copy=False))


def repeated(labels: Sequence[str]) -> list[tuple[int, int]]:
    """Return, for every row whose label stood in an earlier one, that first row and the row."""
    first: dict[str, int] = {}
    return [(first[label], i) for i, label in enumerate(labels) if first.setdefault(label, i) != i]


def _check_rows(what: str, values: np.ndarray, ndim: int, labels: Sequence[str]) -> None:
    """Refuse an array that does not have one entry a label."""
    if values.ndim != ndim or len(values) != len(labels):
        shape = f"({len(labels)}, dim)" if ndim == 2 else f"({len(labels)},)"
        raise ValueError(f"`{what}` must have shape {shape}, one row a label; got {values.shape}. Cut both alike.")
