"""What users have (`Vectors`, KeyedVectors, arrays, Keras layers) as named tables that share their labels."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tf_emb.vectors import Vectors, as_vectors

Normalize = Literal["auto"] | bool
SPHERIZED = 50  # from this dim on the page centres and normalises by itself ("Spherize data"); below it cannot


def read(vectors: Any, labels: Sequence[str] | None, name: str) -> dict[str, Vectors]:
    """Return what `log_projection` was given, by name; all with the same labels and columns.

    Raises:
        ValueError: a table is not one, labels are missing, or lengths differ.
    """
    named = dict(vectors) if isinstance(vectors, Mapping) else {name: vectors}
    if not named:
        raise ValueError("`vectors` must hold at least one table; got an empty mapping. Pass {'words': w}.")
    labelled = next((as_vectors(of) for of in named.values() if hasattr(of, "index_to_key")), None)
    if labels is None and labelled is None:
        raise ValueError("`labels` must be given, one per row, unless `vectors` has them; got None.")
    texts = list(map(_string, labelled.labels if labels is None else labels))  # type: ignore[union-attr]
    columns = {} if labelled is None else labelled.columns
    several = isinstance(vectors, Mapping)
    tables = {k: _table(f"vectors[{k!r}]" if several else "vectors", v, len(texts)) for k, v in named.items()}
    return {k: Vectors(texts, table, columns, dtype=None) for k, table in tables.items()}


def _string(label: Any) -> str:
    return label if isinstance(label, str) else "" if label is None else str(label)


def _table(what: str, value: Any, rows: int) -> np.ndarray:
    """Return one table as an array of shape (rows, dim)."""
    try:
        array = np.asarray(_array_of(what, value))
        if array.dtype.kind in "OUS":
            raise TypeError(f"dtype {array.dtype}")
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{what}` must be numbers in rows of one length; got {error}.") from None
    if array.ndim != 2 or array.shape[1] < 2 or len(array) != rows:
        raise ValueError(
            f"`{what}` must have shape (rows, dim), one row per label ({rows}), dim 2 or more; got {array.shape}. "
            "Cut both to the same rows, and add a column of zeros to a dim of 1."
        )
    return array


def _array_of(what: str, value: Any) -> Any:
    """Return the array of `Vectors`, KeyedVectors, a Keras layer or model part, or a variable, or `value` itself."""
    if hasattr(value, "index_to_key"):
        return value.vectors
    if hasattr(value, "weights") and hasattr(value, "built"):
        return _layer_table(what, value)
    return value.numpy() if hasattr(value, "numpy") else value


def _layer_table(what: str, layer: Any) -> Any:
    """Return the table of a Keras layer, whatever its backend."""
    table = getattr(layer, "embeddings", None)
    matrices = [weight for weight in layer.weights if len(weight.shape) == 2] if table is None else [table]
    if not layer.built or len(matrices) != 1:
        raise ValueError(
            f"a layer {layer.name!r} that is {'' if layer.built else 'not '}built and has {len(matrices)} tables "
            f"in `{what}`; pass a built layer with one table, or the table"
        )
    return matrices[0].numpy() if hasattr(matrices[0], "numpy") else matrices[0]


def as_float32(what: str, table: np.ndarray, labels: Sequence[str], normalize: Normalize) -> np.ndarray:
    """Return a table as little-endian float32, refusing what the page cannot show.

    Args:
        what: the table, for errors.
        table: shape (rows, dim).
        labels: of the rows, for errors.
        normalize: whether every row is divided by its length; "auto" does so below `SPHERIZED` dimensions.
    """
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused below, with its row
        matrix = np.ascontiguousarray(table, "<f4")
    check_finite(what, matrix, labels)
    matrix = served(matrix, normalize)
    if matrix.shape[1] == 2:  # the page's 3D PCA shows nothing of two dimensions; a zero changes no distance
        matrix = np.pad(matrix, ((0, 0), (0, 1)))
    return matrix


def served(matrix: np.ndarray, normalize: Normalize = "auto") -> np.ndarray:
    """Return the rows that the page gets: at length 1 below `SPHERIZED` dimensions, or always, or never."""
    if normalize not in ("auto", True, False):
        raise ValueError(f"`normalize` must be 'auto', True or False; got {normalize!r}. 'auto' suits the page.")
    return unit_rows(matrix) if normalize is True or (normalize and matrix.shape[1] < SPHERIZED) else matrix


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    """Return float32 rows of length 1, computed in float64; rows of zeros stay."""
    wide = matrix.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(lengths > 0, lengths, 1)).astype("<f4")


def check_finite(what: str, values: np.ndarray, labels: Sequence[str]) -> None:
    """Refuse NaN and Inf: in a tensor they hang the page's PCA, in a column they spoil the colours."""
    if np.isfinite(values.sum(dtype=np.float64)):
        return
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row = bad[0, 0]
        raise ValueError(
            f"`{what}` must be finite; got {values[tuple(bad[0])]} in row {row}, label {labels[row]!r} "
            f"(such rows: {len(np.unique(bad[:, 0]))}). Fill them in, or leave them out."
        )


def report_zeros(what: str, matrix: np.ndarray, labels: Sequence[str]) -> None:
    """Warn about rows of zeros, which have no cosine with any other row."""
    zeros = np.flatnonzero(~matrix.any(axis=1))
    if len(zeros):
        text = f"`{what}` has {len(zeros)} rows of zeros, the first in row {zeros[0]}, label "
        text += f"{labels[zeros[0]]!r}. Their neighbours are meaningless."
        warnings.warn(text, stacklevel=_outside())


def _outside() -> int:
    """Return the stack level of the first caller outside this package, to whom a warning should point."""
    import sys

    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("tf_emb.projector"):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    return level
