"""From what users have to what is shown: choose rows, check numbers, make them float32."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_emb.projector import metadata
from tf_emb.projector.tables import Normalize, as_float32, read, report_zeros
from tf_emb.vectors import Vectors
from tf_emb.vectors.vectors import take

By = str | Sequence[float] | np.ndarray | None
MAX_ROWS = 100_000  # the page asks for this many rows, the first ones, and shows no more


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
    vectors: Any,
    labels: Sequence[str] | None,
    columns: Mapping[str, metadata.Column] | None,
    *,
    name: str,
    top: int | None,
    include: Iterable[str],
    by: By,
    normalize: Normalize,
) -> Selection:
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
