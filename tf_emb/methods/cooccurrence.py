"""How often words stand near each other, each pair weighted by 1 / distance.

    X_ij = sum over places p of word i, q of word j, 0 < |p - q| <= window, in one sentence, of 1 / |p - q|

Pennington, Socher and Manning 2014, "GloVe: Global Vectors for Word Representation", section 4.2.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tf_emb.corpus.checks import integer, shown

PIECE = 1 << 20  # places counted at once: with a window of 15, 16 million pairs, 126 MB


@dataclass(frozen=True)
class Cooccurrences:
    """The nonzero cells of X, ordered by row and column.

    Attributes:
        row: int32, shape (cells,).
        column: int32, shape (cells,).
        value: float64, shape (cells,).
    """

    row: np.ndarray
    column: np.ndarray
    value: np.ndarray

    def __len__(self) -> int:
        return len(self.value)


def cooccurrences(ids: np.ndarray, vocab: int, *, window: int = 15, piece: int = PIECE) -> Cooccurrences:
    """Count a corpus, holding in memory the cells and the pairs of one piece.

    Args:
        ids: int32, shape (places,), the ids of an `EncodedCorpus`: a sentence's words, then -1.
        vocab: the size of the vocabulary; ids are below it.
        window: the largest distance.
        piece: the number of places to count at once.

    Raises:
        ValueError: an argument breaks its rule, or an id is not below `vocab`.
    """
    window = integer("window", window, remedy="Use 1 for direct neighbours only.")
    integer("piece", piece, remedy="Use 1,048,576.")
    integer("vocab", vocab, 0, remedy="Use len(vocabulary).")
    _check_ids(ids, vocab)
    window = min(window, max(1, len(ids) - 1))  # no two places are further apart
    if vocab**2 * window >= 2**63:
        raise ValueError(
            f"`window` must be small enough that {vocab:,} words squared times it fit into 63 bits; got {window:,}. "
            "Use a smaller one, or fewer words."
        )
    held: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, len(ids), piece):
        held.append(_sums(np.array(ids[max(0, start - window) : start + piece]), vocab, window, min(start, window)))
        while len(held) > 1 and len(held[-2][0]) < 2 * len(held[-1][0]):  # so that a cell is merged only a few times
            held.append(_merged(held.pop(), held.pop()))
    while len(held) > 1:
        held.append(_merged(held.pop(), held.pop()))
    key, value = held[0] if held else (np.zeros(0, np.int64), np.zeros(0))
    return _mirrored((key // vocab).astype(np.int32), (key % vocab).astype(np.int32), value, vocab)


def _check_ids(ids: np.ndarray, vocab: int) -> None:
    if not isinstance(ids, np.ndarray) or ids.ndim != 1 or (len(ids) and ids.dtype.kind not in "iu"):
        raise ValueError(f"`ids` must be one row of integers; got {shown(ids)}. Use prepare(text).ids.")
    for start in range(0, len(ids), PIECE):
        piece = ids[start : start + PIECE]
        if piece.min() < -1 or piece.max() >= vocab:
            raise ValueError(
                f"`ids` must be from -1 to {vocab - 1}; got {piece.min()} to {piece.max()}. Encode the text with the "
                "vocabulary of this size."
            )


def _sums(ids: np.ndarray, vocab: int, window: int, known: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells with row <= column, as row vocab + column, and their values, of one piece.

    Args:
        ids: the places of the piece, preceded by `known` places that have been counted.
        vocab: the size of the vocabulary.
        window: the largest distance.
        known: the number of leading places whose pairs among themselves are not counted again.
    """
    pairs = np.sort(np.concatenate(list(_pairs(ids, vocab, window, known)))) if len(ids) else np.zeros(0, np.int64)
    key, distance = pairs // window, pairs % window + 1  # the distance rides along at no cost to the sort
    return _grouped(key, 1.0 / distance)


def _pairs(ids: np.ndarray, vocab: int, window: int, known: int) -> Iterator[np.ndarray]:
    """Yield (row vocab + column) window + distance - 1 of every pair, distance by distance."""
    sentence = np.cumsum(ids < 0)
    for distance in range(1, window + 1):
        left, right = ids[:-distance], ids[distance:]
        near = (left >= 0) & (right >= 0) & (sentence[:-distance] == sentence[distance:])
        near[: max(0, known - distance)] = False
        a, b = left[near].astype(np.int64), right[near].astype(np.int64)
        yield (np.minimum(a, b) * vocab + np.maximum(a, b)) * window + (distance - 1)


def _grouped(key: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct keys of an ordered array, and the sum of the values of each."""
    if not len(key):
        return key, value
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return key[first], np.add.reduceat(value, first)


def _merged(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    key, value = (np.concatenate(both) for both in zip(one, other, strict=True))
    order = np.argsort(key, kind="stable")  # merges two sorted runs
    return _grouped(key[order], value[order])


def _mirrored(row: np.ndarray, column: np.ndarray, value: np.ndarray, vocab: int) -> Cooccurrences:
    """Add the cells below the diagonal; a pair of equal words counts from both sides."""
    value = np.where(row == column, 2 * value, value)
    off = row != column
    rows, columns = np.concatenate([row, column[off]]), np.concatenate([column, row[off]])
    order = np.argsort(rows.astype(np.int64) * vocab + columns, kind="stable")
    return Cooccurrences(rows[order], columns[order], np.concatenate([value, value[off]])[order])
