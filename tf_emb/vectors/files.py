"""Files of vectors: the suffix names the format, and a second one the compressor."""

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tf_emb.files import COMPRESSED, appearing, opened
from tf_emb.vectors import arrays, formats
from tf_emb.vectors.vectors import Vectors, as_vectors, check_different, repeated

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


class Format(NamedTuple):
    """What a suffix means.

    Attributes:
        name: for errors.
        read: from a file to vectors; its errors name the row.
        write: from vectors to a file.
        words: whether a label must be a word, because white space ends it.
        counts: whether the format has a place for counts.
    """

    name: str
    read: Callable[[IO[bytes]], Vectors]
    write: Callable[[IO[bytes], Vectors], None]
    words: bool = True
    counts: bool = False


_TEXT = Format("a word2vec file, text by its suffix", formats.read_word2vec, formats.write_word2vec)
_BINARY = Format("a word2vec file, binary by its suffix", formats.read_binary, formats.write_binary)
_GLOVE = Format("a GloVe file, text without a heading", formats.read_glove, formats.write_glove)
_NPZ = Format("a NumPy archive of the arrays vectors and labels", arrays.read_npz, arrays.write_npz, False, True)
_SAFETENSORS = Format(
    "a file of the tensors vectors and labels", arrays.read_safetensors, arrays.write_safetensors, False, True
)
FORMATS = {".bin": _BINARY, ".glove": _GLOVE, ".npz": _NPZ, ".safetensors": _SAFETENSORS, ".txt": _TEXT, ".vec": _TEXT}


def save_vectors(path: str | os.PathLike[str], vectors: "Vectors | KeyedVectors") -> None:
    """Write vectors for word2vec, gensim, fastText, GloVe, NumPy and others to read; float32 is kept bit for bit.

    The file appears only when it is complete, and keeps the order of the rows.

    Args:
        path: ends in .txt or .vec (word2vec's text), .bin (word2vec's binary), .glove (GloVe's text), .npz (NumPy) or
            .safetensors (the extra `safetensors`), optionally followed by .gz, .bz2, .xz or .zst (the extra `zst`).
        vectors: each label a different string; without white space for word2vec and GloVe. The column "count" is
            kept by .npz and .safetensors; the other formats have no place for it.

    Raises:
        ValueError: the suffix is unknown, the format cannot carry a label, or a label occurs twice.
        ModuleNotFoundError: the suffix needs an extra that is not installed.
    """
    format_, compressor = _format(path)
    given = as_vectors(vectors)
    _check_labels(given.labels, format_.words)
    check_different(given.labels)
    with appearing(path) as temporary, opened(temporary, "wb", compressor) as file:
        format_.write(file, given)


def load_vectors(path: str | os.PathLike[str]) -> Vectors:
    """Read a file that `save_vectors`, word2vec, gensim, fastText or GloVe wrote; the suffix names its format.

    Of rows with the same label the first is kept, with a warning. The column "count" is there if the file has counts.

    Raises:
        ValueError: the suffix is unknown (see `save_vectors`), or the file is not of that format.
        FileNotFoundError: there is no such file.
        ModuleNotFoundError: the suffix needs an extra that is not installed.
    """
    format_, compressor = _format(path)
    with opened(path, "rb", compressor) as file:
        try:
            found = format_.read(file)
        except ValueError as error:
            raise ValueError(f"`path` must be {format_.name}; got {path} ({error}). Check the suffix.") from error
    return _first_of_each(found, path)


def convert_vectors(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> tuple[int, int, bool]:
    """Read vectors in one format and write them in another; the suffixes name both, see `save_vectors`.

    Returns:
        The number of rows, the size of a vector, and whether counts were lost because `target` has no place for them.

    Raises:
        ValueError: a suffix is unknown, `source` is not of its format, or that of `target` cannot carry a label.
        OSError: a file cannot be read or written.
    """
    keeps_counts = FORMATS[check_path(target)].counts
    vectors = load_vectors(source)
    save_vectors(target, vectors)
    return len(vectors), vectors.vector_size, "count" in vectors.columns and not keeps_counts


def check_path(path: str | os.PathLike[str]) -> str:
    """Return the suffix that names the format of `path`.

    Raises:
        ValueError: it names none.
    """
    name = Path(path)
    stem = name.with_suffix("") if name.suffix.lower() in COMPRESSED else name
    if stem.suffix.lower() not in FORMATS:
        raise ValueError(
            f"`path` must end in one of {', '.join(FORMATS)}, optionally followed by one of {', '.join(COMPRESSED)}; "
            f"got {name.name!r}. Use .bin for word2vec's binary."
        )
    return stem.suffix.lower()


def _format(path: str | os.PathLike[str]) -> tuple[Format, str]:
    """Return the format of a path, and the suffix of its compressor or ""."""
    last = Path(path).suffix.lower()
    return FORMATS[check_path(path)], last if last in COMPRESSED else ""


def _check_labels(labels: Sequence[Any], words: bool) -> None:
    """Refuse a label that is no string, or that a reader of word2vec's or GloVe's files would cut at white space."""
    for i, label in enumerate(labels):
        if not isinstance(label, str):
            raise ValueError(f"`labels` must be strings; got {label!r} in row {i}. Convert them with `str`.")
        if words and (not label or any(space in label for space in " \t\n\r\v\f")):
            raise ValueError(
                f"`labels` must be words without white space, which ends a label in this format; got "
                f"{label!r} in row {i}. Replace it, for example by '_', or use .npz or .safetensors."
            )


def _first_of_each(vectors: Vectors, path: str | os.PathLike[str]) -> Vectors:
    twice = repeated(vectors.labels)
    if not twice:
        return vectors
    again = np.unique([row for _, row in twice])
    first, row = twice[0]
    warnings.warn(
        f"{path} has {len(again)} rows whose label an earlier row has, the first {vectors.labels[row]!r} in rows "
        f"{first} and {row}; the first row of each label is kept.",
        stacklevel=3,
    )
    return vectors.take(np.setdiff1d(np.arange(len(vectors)), again))
