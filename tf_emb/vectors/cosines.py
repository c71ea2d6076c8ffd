"""Cosines of one or many vectors with every row of a table, without a copy of it, and the largest of them."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np

_ROWS = 50_000  # rows per task of a thread
_SCORES = 1 << 24  # cosines at once, 64 MiB
_PIECES = 1000  # whose maxima bound the largest cosines
# NumPy 2 has a product of rows by BLAS. A product of the whole table by BLAS reads it more slowly.
_dot: Callable[..., Any] = getattr(np, "vecdot", None) or partial(np.einsum, "...j,...j->...")


def unit(vector: np.ndarray) -> np.ndarray:
    """Return x / |x|; zeros stay."""
    norm = np.linalg.norm(vector)
    return np.asarray(vector / norm) if norm > 0 else vector


def divided(products: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the quotients, nan without a warning where a row of zeros has the length 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(products / lengths)


def norms(table: np.ndarray) -> np.ndarray:
    """Return |x| for every row x of a table, shape (rows,)."""
    return np.asarray(np.sqrt(_by_blocks(table, lambda rows: rows)))


def cosines(table: np.ndarray, lengths: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return x . v / |x| for every row x of a table, shape (rows,); nan for a row of zeros.

    Args:
        table: shape (rows, dim).
        lengths: |x| for every row, shape (rows,).
        vector: shape (dim,).
    """
    return divided(_by_blocks(table, lambda rows: vector), lengths)


def many_cosines(table: np.ndarray, lengths: np.ndarray, vectors: np.ndarray) -> Iterator[np.ndarray]:
    """Yield what `cosines` returns for each row of `vectors`, shape (vectors, dim), by products of matrices."""
    size = max(1, _SCORES // max(1, len(table)))
    for start in range(0, len(vectors), size):
        products = vectors[start : start + size] @ table.T
        with np.errstate(divide="ignore", invalid="ignore"):
            yield from np.divide(products, lengths, out=products)


def largest(scores: np.ndarray, count: int) -> np.ndarray:
    """Return the places of the `count` largest numbers, the largest first, equal ones in order; nan comes last."""
    keys = np.where(np.isnan(scores), -np.inf, scores)
    places = np.flatnonzero(keys >= _at_most(keys, count))
    return places[np.argsort(-keys[places], kind="stable")][:count]


def _at_most(keys: np.ndarray, count: int) -> float:
    """Return a number that at least `count` of `keys` reach: the `count`-th largest, or a little less.

    Where there are many keys, that of the maxima of short pieces, which takes a tenth of the time.
    """
    if count >= len(keys):
        return -np.inf
    size = len(keys) // (_PIECES + count)
    pieces = keys[: len(keys) // size * size].reshape(-1, size).max(axis=1) if size > 1 else keys
    return float(np.partition(pieces, -count)[-count])


def weighted_keys(given: Any, weight: float) -> list[tuple[Any, float]]:
    """Return keys or vectors with their weights, from a key, a vector, a matrix, or a sequence of those or of pairs.

    Raises:
        ValueError: an element is none of these.
    """
    if given is None:
        return []
    single = isinstance(given, str | Integral) or (
        isinstance(given, np.ndarray) and given.dtype.kind in "fiu" and given.ndim == 1
    )
    return [_pair(item, weight) for item in ([given] if single else given)]


def _pair(item: Any, weight: float) -> tuple[Any, float]:
    if isinstance(item, Sequence) and not isinstance(item, str) and len(item) == 2 and isinstance(item[1], Real):
        item, weight = item[0], float(item[1])
    if isinstance(item, str | Integral | np.ndarray):
        return item, weight
    raise ValueError(
        f"A query must be a label, a row's number or an array of shape (dim,), or a pair of one and a weight; got "
        f"{item!r}. Convert lists of numbers with np.array."
    )


def _by_blocks(table: np.ndarray, other: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the product x . y of every row x with y, `other(rows)` or a row of it, in blocks on all cores."""
    out = np.empty(len(table), table.dtype)

    def fill(start: int) -> None:
        rows = table[start : start + _ROWS]
        _dot(rows, other(rows), out=out[start : start + _ROWS])

    starts = range(0, len(table), _ROWS)
    if len(starts) <= 1:
        list(map(fill, starts))
        return out
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, starts))
    return out
