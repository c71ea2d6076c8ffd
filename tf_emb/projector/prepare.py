"""From what users have to what is shown: rows chosen, numbers checked and made float32."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_emb.projector import metadata
from tf_emb.projector.rows import choose, left_out, rank
from tf_emb.projector.tables import Given, Normalize, as_float32, read, report_zeros

By = str | Sequence[float] | np.ndarray | None


@dataclass(frozen=True)
class Chosen:
    """What is shown.

    Attributes:
        tensors: float32, shape (rows, dim), by name.
        labels: of length rows.
        columns: each of length rows.
        rows: the number of every row in what was given, int64.
        total: how many rows were given.
        said: in words, which rows were chosen.
    """

    tensors: dict[str, np.ndarray]
    labels: list[str]
    columns: dict[str, Any]
    rows: np.ndarray
    total: int
    said: str

    def metadata(self) -> bytes:
        """Return the metadata file."""
        return metadata.encode(self.labels, self.columns, rows=self.rows.tolist())

    def colour(self) -> str:
        """Return the column that colours the points best: a few categories, or the logarithm of counts."""
        for name, values in self.columns.items():
            if np.asarray(values).dtype.kind not in "iuf" and len(set(map(str, values))) <= metadata.COLOURS:
                return name
        return "log10 count" if "count" in self.columns else ""


def prepare(
    vectors: Any, labels: Sequence[str] | None, columns: Mapping[str, metadata.Column] | None, *,
    name: str, top: int | None, include: Iterable[str], by: By, normalize: Normalize,
) -> Chosen:  # fmt: skip
    """Return what to show of what was given, the arguments of `log_projection`.

    Raises:
        ValueError: something would be shown wrongly.
    """
    given = read(vectors, labels, name)
    known = _with_counts(dict(columns or {}), given)
    _check_lengths(known, len(given.labels))
    ranks, ranked_by = rank(by, given.counts, known, len(given.labels))
    rows = choose(given.labels, ranks, top, include)
    shown = take(given.labels, rows)
    several = isinstance(vectors, Mapping)
    tensors = {}
    for key, table in given.tensors.items():
        what = f"vectors[{key!r}]" if several else "vectors"
        tensors[key] = as_float32(what, take(table, rows), shown, normalize)
        report_zeros(what, tensors[key], shown)
    said = left_out(given.labels, rows, ranks, ranked_by)
    return Chosen(tensors, shown, {k: take(v, rows) for k, v in known.items()}, rows, len(given.labels), said)


def _with_counts(columns: dict[str, Any], given: Given) -> dict[str, Any]:
    return columns if given.counts is None or "count" in columns else {**columns, "count": given.counts}


def _check_lengths(columns: Mapping[str, Any], rows: int) -> None:
    for name, values in columns.items():
        if np.shape(values) != (rows,):
            raise ValueError(
                f"`columns[{name!r}]` must have one value for each of {rows} labels; got {np.shape(values)}. "
                "Cut both alike."
            )


def take(values: Any, rows: np.ndarray) -> Any:
    """Return the values of some rows: an array of an array, a list of anything else."""
    if len(rows) == len(values):  # all of them, in their order: no copy of a large table
        return values if isinstance(values, np.ndarray) else list(values)
    if isinstance(values, np.ndarray):
        return values[rows]
    return [values[i] for i in rows]
