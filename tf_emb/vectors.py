"""Labels and a table as gensim's `KeyedVectors`, and as files of the word2vec program.

The formats are those of word2vec.c (Mikolov et al. 2013, https://code.google.com/archive/p/word2vec): a line
"rows dim", then every label, a space, and its vector, as decimals or as little-endian float32.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

_BINARY = {".bin": True, ".txt": False, ".vec": False}


def to_keyed_vectors(
    labels: Sequence[str], matrix: ArrayLike, counts: Sequence[int] | np.ndarray | None = None
) -> "KeyedVectors":
    """Return row i of `matrix` under `labels[i]`.

    Args:
        labels: shape (rows,), each different.
        matrix: shape (rows, dim), kept as float32.
        counts: shape (rows,), occurrences; gensim's attribute "count".

    Raises:
        ValueError: a label occurs twice, or the lengths differ.
    """
    from gensim.models import KeyedVectors

    table = np.asarray(matrix, np.float32)
    _check_rows("matrix", table, 2, labels)
    twice = [label for label, n in Counter(labels).items() if n > 1]
    if twice:
        rows = [i for i, label in enumerate(labels) if label == twice[0]]
        raise ValueError(
            f"`labels` must be different; got {twice[0]!r} in rows {rows[0]} and {rows[1]}, and {len(twice)} "
            "such labels in all. Keep one row a label."
        )
    vectors = KeyedVectors(table.shape[1])
    vectors.add_vectors(list(labels), table)
    if counts is not None:
        _check_rows("counts", np.asarray(counts), 1, labels)
        # Not add_vectors(extras=): gensim 4.4 unpacks its keys and fails.
        for label, n in zip(labels, counts, strict=True):
            vectors.set_vecattr(label, "count", int(n))
    return vectors


def save_vectors(path: str | os.PathLike[str], labels: Sequence[str], matrix: ArrayLike) -> None:
    """Write a table for word2vec, gensim, fastText and others to read; float32 comes back bit for bit.

    The file appears at once, when it is complete, and keeps the order of the rows.

    Args:
        path: ends in .txt or .vec for text, in .bin for binary.
        labels: shape (rows,), each different, without white space.
        matrix: shape (rows, dim), written as float32.

    Raises:
        ValueError: the suffix is another, a label is blank or has white space, which the format cannot
            carry, or `to_keyed_vectors` refuses the rest.
    """
    binary = check_path(path)
    for i, label in enumerate(labels):
        if label.split() != [label]:
            raise ValueError(
                f"`labels` must be words without white space, which ends a label in this format; got "
                f"{label!r} in row {i}. Replace it, for example by '_'."
            )
    vectors = to_keyed_vectors(labels, matrix)
    with _appearing(Path(path)) as temporary:
        vectors.save_word2vec_format(str(temporary), binary=binary)


def load_vectors(path: str | os.PathLike[str]) -> "KeyedVectors":
    """Read a file that `save_vectors`, word2vec, gensim or fastText wrote; the suffix tells its format.

    The format has no counts: gensim fills in rows, rows - 1, ..., 1 as the attribute "count".

    Raises:
        ValueError: the suffix is none of .txt, .vec and .bin, or the file is not of that format.
        FileNotFoundError: there is no such file.
    """
    from gensim.models import KeyedVectors

    binary = check_path(path)
    try:
        vectors = KeyedVectors.load_word2vec_format(os.fspath(path), binary=binary)
        if any("\n" in label for label in vectors.index_to_key):  # text, read as binary without complaint
            raise ValueError("labels across lines")
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"`path` must be a word2vec file, {'binary' if binary else 'text'} by its suffix; got {path} "
            f"({error}). Check the suffix, and that the first line is 'rows dim'."
        ) from error
    return vectors


def check_path(path: str | os.PathLike[str]) -> bool:
    """Return whether the suffix of `path` means the binary format.

    Raises:
        ValueError: it is none of .txt, .vec and .bin.
    """
    path = Path(path)
    if path.suffix.lower() not in _BINARY:
        raise ValueError(f"`path` must end in one of {', '.join(_BINARY)}; got {path.name!r}. Use .bin for binary.")
    return _BINARY[path.suffix.lower()]


def _check_rows(what: str, values: np.ndarray, ndim: int, labels: Sequence[str]) -> None:
    """Refuse an array that does not have one entry a label."""
    if values.ndim != ndim or len(values) != len(labels):
        shape = f"({len(labels)}, dim)" if ndim == 2 else f"({len(labels)},)"
        raise ValueError(f"`{what}` must have shape {shape}, one row a label; got {values.shape}. Cut both alike.")


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; it becomes `path` at the end, or goes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
