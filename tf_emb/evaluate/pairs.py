"""Word pairs: do the cosines of vectors order pairs of words as people do?

WordSim-353 (Finkelstein et al. 2002, "Placing Search in Context"), SimLex-999 (Hill, Reichart and Korhonen 2015) and
others whose lines hold a word, a word and a score.
"""

import math
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tf_emb.evaluate.words import ids_of_words, lines_of, unit_rows
from tf_emb.files import printable
from tf_emb.vectors import Vectors, as_vectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


@dataclass(frozen=True)
class WordPairs:
    """How well cosines agree with scores.

    Attributes:
        spearman: correlation of the ranks, ties at their mean rank; nan for fewer than two pairs or equal ones.
        pearson: correlation of the values; nan likewise.
        covered: how many pairs have both words in the vocabulary, with finite vectors; only they count.
        pairs: how many pairs the file has.
    """

    spearman: float
    pearson: float
    covered: int
    pairs: int


def word_pairs(
    vectors: "Vectors | KeyedVectors",
    path: str | os.PathLike[str],
    *,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
) -> WordPairs:
    """Correlate the cosine of every pair of words with its score; the numbers are gensim's.

    Cosines that are equal but for rounding, as those of words with themselves, share a rank, which gensim's may not.

    Args:
        vectors: the words and their rows.
        path: UTF-8 text, one pair per line: two words, a number, and anything else, separated by tabs, commas or
            white space; blank lines do not count. Lines that begin with # are comments, and the first line may be a
            heading.
        restrict_vocab: only the first so many words are looked up; None for all.
        case_insensitive: compare words in upper case; of several rows that agree the first counts.

    Raises:
        ValueError: the file is not in this format, or a label is no string.
    """
    vectors = as_vectors(vectors)
    ids = ids_of_words(vectors, restrict_vocab, case_insensitive)
    pairs = _read(path, case_insensitive)
    known = [(ids[a], ids[b], score) for a, b, score in pairs if a in ids and b in ids]
    left, right, scores = (np.array(column) for column in zip(*known, strict=True)) if known else [np.empty(0, int)] * 3
    first, second = (vectors.matrix[rows].astype(np.float64) for rows in (left, right))
    finite = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    cosines = (unit_rows(first[finite]) * unit_rows(second[finite])).sum(axis=1)
    spearman, pearson = _correlations(_tied(cosines, vectors.vector_size), scores[finite])
    return WordPairs(spearman, pearson, int(finite.sum()), len(pairs))


def _tied(cosines: np.ndarray, dim: int) -> np.ndarray:
    """Return cosines, those that differ by no more than the rounding of two sums of `dim` products made equal."""
    order = np.argsort(cosines, kind="stable")
    ascending = cosines[order]
    new = np.diff(ascending, prepend=-np.inf) > (dim + 4) * np.finfo(np.float64).eps
    tied = np.empty_like(cosines)
    tied[order] = ascending[np.flatnonzero(new)[np.cumsum(new) - 1]]
    return tied


def _read(path: str | os.PathLike[str], case_insensitive: bool) -> list[tuple[str, str, float]]:
    pairs: list[tuple[str, str, float]] = []
    heading = False
    for number, line in lines_of(path):
        if line.startswith("#"):
            continue
        pair = _pair(line.upper() if case_insensitive else line)
        if pair:
            pairs.append(pair)
        elif pairs or heading or _scored(line):
            raise ValueError(
                f"`path` must hold two words and a number per line; got {line[:40]!r} in line {number} of "
                f"{printable(path)}. Give a finite number; separate by tabs; begin comments with #."
            )
        else:
            heading = True
    return pairs


def _pair(line: str) -> tuple[str, str, float] | None:
    """Split at tabs, else at commas, else at white space; return None where two words and a number come of none."""
    for mark in ("\t", ",", r"\s+"):
        a, b, score = [*(field.strip() for field in re.split(mark, line)), "", "", ""][:3]
        if a and b and (number := _number(score)) is not None:
            return a, b, number
    return None


def _scored(line: str) -> bool:
    """Return whether the third field begins as a number does, which that of a heading does not."""
    mark = next((mark for mark in "\t," if mark in line), None)
    return re.match(r"\s*([-+.]?[0-9]|[-+]?(nan|inf)\b)", [*line.split(mark), "", "", ""][2], re.IGNORECASE) is not None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _correlations(cosines: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Return Spearman's and Pearson's, to the bit what scipy.stats returns; nan where one of the two does not vary."""
    if len(scores) < 2 or np.ptp(cosines) == 0 or np.ptp(scores) == 0:
        return float("nan"), float("nan")
    ranks = np.column_stack([_ranks(scores), _ranks(cosines)])
    x, y = _standardised(scores), _standardised(cosines)
    pearson = float(np.clip(x @ y, -1, 1))
    return float(np.corrcoef(ranks, rowvar=False)[1, 0]), round(pearson) if len(scores) == 2 else pearson


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the place of every value in ascending order, from 1; ties get the mean of their places."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def _standardised(values: np.ndarray) -> np.ndarray:
    """Return x - mean x at length one."""
    centred = values - values.mean()
    largest = np.abs(centred).max()
    return np.asarray(centred / (largest * np.linalg.norm(centred / largest, axis=0)))
