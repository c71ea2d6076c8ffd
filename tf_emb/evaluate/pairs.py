"""Word pairs: do the cosines of vectors order pairs of words as people do?

WordSim-353 (Finkelstein et al. 2002, "Placing Search in Context"), SimLex-999 (Hill, Reichart and Korhonen 2015) and
others whose lines hold a word, a word and a score.
"""

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tf_emb.evaluate.words import ids_of_words, lines_of, unit_rows
from tf_emb.vectors import Vectors, as_vectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


@dataclass(frozen=True)
class WordPairs:
    """How well cosines agree with scores.

    Attributes:
        spearman: correlation of the ranks, ties at their mean rank; nan for fewer than two pairs or equal ones.
        pearson: correlation of the values; nan likewise.
        covered: how many pairs have both words in the vocabulary; only they count.
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

    Args:
        vectors: the words and their rows.
        path: UTF-8 text, one pair per line: two words, a number, and anything else, separated by tabs, commas or
            white space. Lines that begin with # are comments, and the first line may be a heading.
        restrict_vocab: only the first so many words are looked up; None for all.
        case_insensitive: compare words in upper case; of several rows that agree the first counts.

    Raises:
        ValueError: the file is not in this format.
    """
    vectors = as_vectors(vectors)
    ids = ids_of_words(vectors, restrict_vocab, case_insensitive)
    pairs = _read(path, case_insensitive)
    known = [(ids[a], ids[b], score) for a, b, score in pairs if a in ids and b in ids]
    left, right, scores = (np.array(column) for column in zip(*known, strict=True)) if known else [np.empty(0, int)] * 3
    first, second = (unit_rows(vectors.matrix[rows].astype(np.float64)) for rows in (left, right))
    spearman, pearson = _correlations((first * second).sum(axis=1), scores)
    return WordPairs(spearman, pearson, len(known), len(pairs))


def _read(path: str | os.PathLike[str], case_insensitive: bool) -> list[tuple[str, str, float]]:
    pairs: list[tuple[str, str, float]] = []
    heading = False
    for number, line in lines_of(path):
        if line.startswith("#"):
            continue
        try:
            a, b, score = _fields(line)[:3]
            if case_insensitive:
                a, b = a.upper(), b.upper()
            pairs.append((a, b, float(score)))
        except ValueError:
            if pairs or heading:
                raise ValueError(
                    f"`path` must hold two words and a number per line; got {line[:40]!r} in line {number} of {path}. "
                    "Separate them by tabs; begin comments with #."
                ) from None
            heading = True
    return pairs


def _fields(line: str) -> list[str]:
    """Split at tabs where there are any, else at commas, else at white space."""
    pattern = next((mark for mark in ("\t", ",") if mark in line), r"\s+")
    return [field.strip() for field in re.split(pattern, line)]


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
