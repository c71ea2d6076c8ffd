"""Which rows the page gets: the most frequent ones, and those that were asked for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

MAX_ROWS = 100_000  # the page asks for this many rows, the first ones, and shows no more


def rank(
    by: str | Sequence[float] | np.ndarray | None, columns: Mapping[str, Any], rows: int
) -> tuple[np.ndarray | None, str]:
    """Return the numbers by which rows are chosen, larger first, and their name; None to keep the order given.

    Args:
        by: the name of a column, numbers of shape (rows,), or None: the column "count" if there is one.
        columns: by name.
        rows: how many rows there are.

    Raises:
        ValueError: `by` names no column of numbers, or has another length.
    """
    if by is None and "count" not in columns:
        return None, ""
    name = by if isinstance(by, str) else "count"
    numbers = np.asarray(columns.get(name) if by is None or isinstance(by, str) else by)
    if numbers.shape != (rows,) or numbers.dtype.kind not in "iuf":
        said = repr(by) if isinstance(by, str) else "numbers"
        raise ValueError(
            f"`by` must be the name of a column of numbers, or {rows} numbers; got {said} "
            f"of shape {numbers.shape}, dtype {numbers.dtype}. The columns are {list(columns)}."
        )
    return numbers, name


def choose(labels: Sequence[str], ranks: np.ndarray | None, top: int | None, include: Iterable[str]) -> np.ndarray:
    """Return the rows to show, ascending: the `top` with the largest `ranks`, or the first; and those of `include`.

    Raises:
        ValueError: `top` is out of range, or `include` names a label that is not there.
    """
    limit = min(len(labels), MAX_ROWS) if top is None else top
    if not 2 <= limit <= MAX_ROWS or len(labels) < 2:
        raise ValueError(
            f"`top` must leave 2 to {MAX_ROWS} rows, or the page shows none or not all; got {top} of "
            f"{len(labels)} rows. Pass a smaller `top`, or more rows."
        )
    named = _rows_of(labels, list(include))
    order = np.arange(len(labels)) if ranks is None else np.argsort(-ranks.astype(np.float64), kind="stable")
    rest = order[~np.isin(order, named)][: max(limit - len(named), 0)]
    return np.sort(np.concatenate([named, rest]))


def _rows_of(labels: Sequence[str], wanted: list[str]) -> np.ndarray:
    """Return every row whose label is wanted."""
    if not wanted:
        return np.array([], np.int64)
    missing = [word for word in wanted if word not in set(labels)]
    if missing:
        raise ValueError(
            f"`include` must name labels; got {missing[0]!r}, which is none of {len(labels)} labels "
            f"({len(missing)} such words). Correct or drop them."
        )
    words = set(wanted)
    return np.array([i for i, label in enumerate(labels) if label in words], np.int64)


def left_out(labels: Sequence[str], rows: np.ndarray, ranks: np.ndarray | None, name: str) -> str:
    """Say which rows are shown and which are not."""
    if len(rows) == len(labels):
        return f"{len(rows):,} rows"
    out = np.setdiff1d(np.arange(len(labels)), rows)
    how = "the first of the table" if ranks is None else f"the largest by {name}"
    best = out if ranks is None else out[np.argsort(-ranks[out].astype(np.float64), kind="stable")]
    words = ", ".join(labels[i] for i in best[:3])
    return f"{len(rows):,} of {len(labels):,} rows, {how}; left out: {len(out):,}, such as {words}"
