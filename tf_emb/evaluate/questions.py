"""Analogies: is the word whose vector is nearest to b - a + c the one that is to c what b is to a?

3CosAdd: argmax over w not in {a, b, c} of cos(w, b/|b| - a/|a| + c/|c|). Mikolov et al. 2013, "Efficient Estimation of
Word Representations in Vector Space", section 4.1; Levy and Goldberg 2014, "Linguistic Regularities", equation 3.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tf_emb.evaluate.words import answering, ids_of_words, lines_of, unit_rows
from tf_emb.files import printable
from tf_emb.vectors import Vectors, as_vectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

_SCORES = 1 << 24  # cosines at once, 64 MiB


@dataclass(frozen=True)
class Section:
    """The questions of one kind.

    Attributes:
        name: what the file calls it.
        correct: how many got the answer that the file gives.
        covered: how many have all four words in the vocabulary; only these were asked.
        questions: how many there are in the file.
    """

    name: str
    correct: int
    covered: int
    questions: int

    @property
    def accuracy(self) -> float:
        """The share of correct answers among the questions asked, in 0..1; nan if none was asked."""
        return self.correct / self.covered if self.covered else float("nan")


@dataclass(frozen=True)
class Analogies:
    """The sections of a file, in order, and their sum."""

    sections: tuple[Section, ...]

    @property
    def total(self) -> Section:
        """All questions as one section."""
        counts = zip(*((section.correct, section.covered, section.questions) for section in self.sections), strict=True)
        return Section("total", *(map(sum, counts) if self.sections else (0, 0, 0)))


def analogies(
    vectors: "Vectors | KeyedVectors",
    path: str | os.PathLike[str],
    *,
    restrict_vocab: int | None = 30_000,
    case_insensitive: bool = True,
) -> Analogies:
    """Ask every question "a is to b as c is to what" by 3CosAdd; the numbers are gensim's.

    A row of zeros, or one that is not finite, is no answer.

    Args:
        vectors: the words and their rows, the most frequent first.
        path: UTF-8 text: ": name" begins a section; every other line holds a, b, c and the answer.
        restrict_vocab: only the first so many words are asked about and searched; None for all.
        case_insensitive: compare words in upper case; of several rows that agree the first stands in questions, and
            each may be the answer.

    Raises:
        ValueError: the file is not in this format, or a label is no string.
    """
    vectors = as_vectors(vectors)
    ids = ids_of_words(vectors, restrict_vocab, case_insensitive)
    names, sections, words = _read(path, case_insensitive)
    rows = np.array([[ids.get(word, -1) for word in line] for line in words], np.int64).reshape(-1, 4)
    asked = (rows >= 0).all(axis=1)
    keys = vectors.labels[:restrict_vocab]
    first = np.array([ids[key.upper() if case_insensitive else key] for key in keys], np.int64)
    answers = _answers(vectors.matrix[: len(keys)], first, rows[asked, :3])
    right = np.zeros(len(words), bool)
    right[asked] = answers == rows[asked, 3]
    every = np.ones(len(words), bool)
    columns = (np.bincount(sections, which, len(names)).astype(int).tolist() for which in (right, asked, every))
    return Analogies(tuple(Section(*row) for row in zip(names, *columns, strict=True)))


def _answers(table: np.ndarray, first: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """Return the word nearest to b - a + c that is none of the three in any case, as its first row; -1 for none.

    Args:
        table: shape (vocab, dim).
        first: shape (vocab,), the first row with the same word in any case.
        questions: shape (questions, 3), the rows of a, b and c.
    """
    answers = np.empty(len(questions), np.int64)
    finite = np.isfinite(table).all(axis=1)
    unit = unit_rows(np.where(finite[:, None], table, 0))
    silent = np.flatnonzero(~answering(table))
    again = np.flatnonzero(first != np.arange(len(first)))  # rows whose word stood before in another case
    size = max(1, _SCORES // max(1, len(unit)))
    for start in range(0, len(questions), size):
        asked = questions[start : start + size]
        a, b, c = unit[asked].transpose(1, 0, 2)
        cosines = (b - a + c) @ unit.T
        np.put_along_axis(cosines, asked, -np.inf, axis=1)
        cosines[:, silent] = -np.inf
        cosines[:, again] = np.where(_among(first[again], asked), -np.inf, cosines[:, again])
        best = cosines.argmax(axis=1)
        answered = (cosines.max(axis=1) > -np.inf) & finite[asked].all(axis=1)
        answers[start : start + size] = np.where(answered, first[best], -1)
    return answers


def _among(rows: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return whether each of `rows` is one of the three of a question; bool, shape (questions, rows)."""
    a, b, c = asked.T[:, :, None]
    return (rows == a) | (rows == b) | (rows == c)


def _read(path: str | os.PathLike[str], case_insensitive: bool) -> tuple[list[str], np.ndarray, list[list[str]]]:
    """Return the names of the sections, the section of every question, and its four words."""
    names: list[str] = []
    sections: list[int] = []
    words: list[list[str]] = []
    for number, line in lines_of(path):
        if line.startswith(":"):
            names.append(line.lstrip(": "))
            continue
        four = (line.upper() if case_insensitive else line).split()
        if len(four) != 4 or not names:
            raise ValueError(
                f"`path` must hold four words per line, below a line ': section'; got {line[:40]!r} in line {number} "
                f"of {printable(path)}."
            )
        sections.append(len(names) - 1)
        words.append(four)
    return names, np.array(sections, np.int64), words
