"""Files of vectors: the suffix tells the format, and a second one the compressor."""

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tf_emb.files import COMPRESSED, appearing, opened
from tf_emb.vectors import arrays, binary, text
from tf_emb.vectors.keyed import check_different, keyed
from tf_emb.vectors.rows import Rows, checked, repeated

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


class Format(NamedTuple):
    """What a suffix means.

    Attributes:
        name: for an error.
        read: from a file to rows; its errors name the row.
        write: from rows to a file.
        words: whether a label must be a word, which white space ends.
    """

    name: str
    read: Callable[[IO[bytes]], Rows]
    write: Callable[[IO[bytes], Rows], None]
    words: bool


_TEXT = Format("a word2vec file, text by its suffix", text.read_word2vec, text.write_word2vec, words=True)
FORMATS = {
    ".bin": Format("a word2vec file, binary by its suffix", binary.read_binary, binary.write_binary, words=True),
    ".glove": Format("a GloVe file, text without a heading", text.read_glove, text.write_glove, words=True),
    ".npz": Format("NumPy's archive of the arrays vectors and labels", arrays.read_npz, arrays.write_npz, words=False),
    ".safetensors": Format(
        "a file of the tensors vectors and labels", arrays.read_safetensors, arrays.write_safetensors, words=False
    ),
    ".txt": _TEXT,
    ".vec": _TEXT,
}


def save_vectors(
    path: str | os.PathLike[str],
    labels: Sequence[str],
    matrix: ArrayLike,
    counts: Sequence[int] | np.ndarray | None = None,
) -> None:
    """Write a table for word2vec, gensim, fastText, GloVe, NumPy and others to read; float32 comes back bit for bit.

    The file appears at once, when it is complete, and keeps the order of the rows.

    Args:
        path: ends in .txt or .vec (word2vec's text), .bin (word2vec's binary), .glove (GloVe's text), .npz (NumPy) or
            .safetensors (the extra `safetensors`), then perhaps in .gz, .bz2, .xz or .zst (the extra `zst`).
        labels: shape (rows,), each different; for word2vec and GloVe without white space.
        matrix: shape (rows, dim), written as float32.
        counts: shape (rows,), occurrences; kept by .npz and .safetensors, the others have no place for them.

    Raises:
        ValueError: the suffix is another, the format cannot carry a label, a label occurs twice, or the lengths differ.
        ModuleNotFoundError: the suffix needs an extra that is not installed.
    """
    format_, compressor = _format(path)
    rows = checked(labels, matrix, counts)
    check_different(labels)
    if format_.words:
        _check_words(labels)
    with appearing(path) as temporary, opened(temporary, "wb", compressor) as file:
        format_.write(file, rows)


def load_vectors(path: str | os.PathLike[str]) -> "KeyedVectors":
    """Read a file that `save_vectors`, word2vec, gensim, fastText or GloVe wrote; the suffix tells its format.

    Of rows with the same label the first is kept, and a warning says so. The attribute "count" is there if the file
    has counts. `tf_emb.Embedding.from_keyed_vectors` makes a Keras layer of the result.

    Raises:
        ValueError: the suffix is unknown (see `save_vectors`), or the file is not of that format.
        FileNotFoundError: there is no such file.
        ModuleNotFoundError: the suffix needs an extra that is not installed.
    """
    format_, compressor = _format(path)
    with opened(path, "rb", compressor) as file:
        try:
            rows = format_.read(file)
        except ValueError as error:
            raise ValueError(f"`path` must be {format_.name}; got {path} ({error}). Check the suffix.") from error
    return keyed(_first_of_each(rows, path))


def check_path(path: str | os.PathLike[str]) -> str:
    """Return the suffix that tells the format of `path`.

    Raises:
        ValueError: it tells none.
    """
    name = Path(path)
    stem = name.with_suffix("") if name.suffix.lower() in COMPRESSED else name
    if stem.suffix.lower() not in FORMATS:
        raise ValueError(
            f"`path` must end in one of {', '.join(FORMATS)}, and then perhaps in one of {', '.join(COMPRESSED)}; "
            f"got {name.name!r}. Use .bin for word2vec's binary."
        )
    return stem.suffix.lower()


def _format(path: str | os.PathLike[str]) -> tuple[Format, str]:
    """Return the format of a path, and the suffix of its compressor or ""."""
    last = Path(path).suffix.lower()
    return FORMATS[check_path(path)], last if last in COMPRESSED else ""


def _check_words(labels: Sequence[str]) -> None:
    """Refuse a label that a reader of word2vec's or GloVe's files would cut: ASCII's white space ends it."""
    for i, label in enumerate(labels):
        if not label or any(space in label for space in " \t\n\r\v\f"):
            raise ValueError(
                f"`labels` must be words without white space, which ends a label in this format; got "
                f"{label!r} in row {i}. Replace it, for example by '_', or use .npz or .safetensors."
            )


def _first_of_each(rows: Rows, path: str | os.PathLike[str]) -> Rows:
    twice = repeated(rows.labels)
    if not twice:
        return rows
    again = {row for _, row in twice}
    first, row = twice[0]
    warnings.warn(
        f"{path} has {len(again)} rows whose label stood before, the first {rows.labels[row]!r} in rows {first} and "
        f"{row}; the first row of each is kept.",
        stacklevel=3,
    )
    kept = [i for i in range(len(rows.labels)) if i not in again]
    counts = None if rows.counts is None else rows.counts[kept]
    return Rows([rows.labels[i] for i in kept], rows.table[kept], counts)
