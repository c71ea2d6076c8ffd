"""What evaluations share: words regardless of case, rows of length one, lines of a test set."""

import io
import os
from collections.abc import Iterator

import numpy as np

from tf_emb.files import opened, printable
from tf_emb.vectors import Vectors

_LINE = 1 << 20  # characters of the longest line


def ids_of_words(vectors: Vectors, restrict_vocab: int | None, case_insensitive: bool) -> dict[str, int]:
    """Return the row of every word among the first `restrict_vocab`; of words that differ only in case, the first.

    Raises:
        ValueError: `restrict_vocab` is below 1, or a label is no string.
    """
    if restrict_vocab is not None and restrict_vocab < 1:
        raise ValueError(f"`restrict_vocab` must be 1 or more; got {restrict_vocab}. Use None for every word.")
    ids: dict[str, int] = {}
    for row, word in enumerate(vectors.labels[:restrict_vocab]):
        if not isinstance(word, str):
            raise ValueError(f"`labels` must be strings; got {word!r} in row {row}. Convert them with `str`.")
        ids.setdefault(word.upper() if case_insensitive else word, row)
    return ids


def answering(table: np.ndarray) -> np.ndarray:
    """Return whether each row has a direction: it is finite and not zero; shape (rows,)."""
    return np.asarray(np.isfinite(table).all(axis=1) & (table != 0).any(axis=1))


def unit_rows(table: np.ndarray) -> np.ndarray:
    """Return x / |x| for every row x; a row of zeros stays."""
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    return table / np.where(norms == 0, 1, norms)


def lines_of(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of every line that is not blank; the file may be compressed.

    Raises:
        ValueError: the file cannot be read, is not UTF-8, or has a line of more than a million characters.
    """
    number = 0
    try:
        with opened(path) as file:
            lines = io.TextIOWrapper(file, encoding="utf-8-sig")
            while line := lines.readline(_LINE):
                number += 1
                if len(line) == _LINE:
                    raise ValueError(
                        f"`path` must have short lines; line {number} of {printable(path)} has {_LINE:,} or more."
                    )
                if line.strip():
                    yield number, line.strip()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"`path` must be UTF-8 text; {printable(path)} is not ({error.reason}). Convert it first."
        ) from None
    except OSError as error:
        raise ValueError(f"`path` must be a readable file; got {printable(path)} ({error.strerror}).") from None
