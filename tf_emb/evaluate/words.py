"""What evaluations share: words regardless of case, rows of length one, lines of a test set."""

import os
from collections.abc import Iterator

import numpy as np

from tf_emb.vectors import Vectors


def ids_of_words(vectors: Vectors, restrict_vocab: int | None, case_insensitive: bool) -> dict[str, int]:
    """Return the row of every word among the first `restrict_vocab`; of words that differ only in case, the first.

    Raises:
        ValueError: `restrict_vocab` is below 1.
    """
    if restrict_vocab is not None and restrict_vocab < 1:
        raise ValueError(f"`restrict_vocab` must be 1 or more; got {restrict_vocab}. Use None for every word.")
    ids: dict[str, int] = {}
    for row, word in enumerate(vectors.labels[:restrict_vocab]):
        ids.setdefault(word.upper() if case_insensitive else word, row)
    return ids


def unit_rows(table: np.ndarray) -> np.ndarray:
    """Return x / |x| for every row x; a row of zeros stays."""
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    return table / np.where(norms == 0, 1, norms)


def lines_of(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of every line that is not blank.

    Raises:
        ValueError: the file cannot be read or is not UTF-8.
    """
    try:
        with open(path, encoding="utf-8-sig") as lines:
            yield from ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
    except UnicodeDecodeError as error:
        raise ValueError(f"`path` must be UTF-8 text; {path} is not ({error.reason}). Convert it first.") from None
    except OSError as error:
        raise ValueError(f"`path` must be a readable file; got {path} ({error.strerror}).") from None
