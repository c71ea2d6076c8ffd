"""Files of vectors: the suffix names the format, and a second one the compressor."""

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from tf_emb.files import COMPRESSED, appearing, check_compressor, check_output, opened, printable
from tf_emb.vectors import binary, formats, npz, tensors
from tf_emb.vectors.labels import check_first, check_strings, check_wide, check_words
from tf_emb.vectors.source import ERRORS, Source, check_finite
from tf_emb.vectors.vectors import Vectors, as_vectors, repeated

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


class Format(NamedTuple):
    """What a suffix means.

    Attributes:
        name: for errors.
        read: from a file to vectors; its errors name the row.
        write: from vectors to a file.
        check: refuses labels that the format cannot carry.
        counts: whether the format has a place for counts.
        number: about how many bytes a number takes.
        installed: raises an error where a package is missing.
    """

    name: str
    read: Callable[[IO[bytes], Source], Vectors]
    write: Callable[[IO[bytes], Vectors], None]
    check: Callable[[Sequence[Any]], None] = check_words
    counts: bool = False
    number: int = 12
    installed: Callable[[], object] = bool


_TEXT = Format("a word2vec file, text by its suffix", formats.read_word2vec, formats.write_word2vec)
_BINARY = Format("a word2vec file, binary by its suffix", binary.read_binary, binary.write_binary, number=4)
_GLOVE = Format("a GloVe file, text without a heading", formats.read_glove, formats.write_glove, check_first)
_NPZ = Format("a NumPy archive of the arrays vectors and labels", npz.read_npz, npz.write_npz, check_wide, True, 4)
_SAFETENSORS = Format(
    "a file of the tensors vectors and labels",
    tensors.read_safetensors,
    tensors.write_safetensors,
    check_strings,
    True,
    4,
    tensors.library,
)
_ROWS = 10_000  # whose numbers are checked at once
PICKLES = (".kv", ".model", ".pickle", ".pkl")
FORMATS = {".bin": _BINARY, ".glove": _GLOVE, ".npz": _NPZ, ".safetensors": _SAFETENSORS, ".txt": _TEXT, ".vec": _TEXT}


def save_vectors(
    path: str | os.PathLike[str], vectors: "Vectors | KeyedVectors | Sequence[str]", matrix: ArrayLike | None = None
) -> None:
    """Write vectors for word2vec, gensim, fastText, GloVe, NumPy and others to read; float32 is kept bit for bit.

    The file appears only when it is complete, and keeps the order of the rows.

    Args:
        path: ends in .txt or .vec (word2vec's text), .bin (word2vec's binary), .glove (GloVe's text), .npz (NumPy) or
            .safetensors (the extra `safetensors`), optionally followed by .gz, .bz2, .xz or .zst (the extra `zst`).
        vectors: each label a different string; without white space for word2vec and GloVe. The column "count" is
            kept by .npz and .safetensors; the other formats have no place for it.
        matrix: an old form of the call: `save_vectors(path, labels, matrix)` writes `Vectors(labels, matrix)`.

    Raises:
        ValueError: the suffix is unknown, the format cannot carry a label, a label occurs twice, or a number is not
            finite as float32.
        ModuleNotFoundError: the suffix needs an extra that is not installed.
    """
    format_, compressor = _format(path)
    given = as_vectors(vectors) if matrix is None else Vectors(cast(Sequence[str], vectors), matrix)
    format_.check(given.labels)
    _check_numbers(given)
    with appearing(path) as temporary, opened(temporary, "wb", compressor) as file:
        format_.write(file, given)


def load_vectors(path: str | os.PathLike[str], *, errors: str = "strict", mapped: bool = False) -> Vectors:
    """Read a file that `save_vectors`, word2vec, gensim, fastText or GloVe wrote; the suffix names its format.

    Of rows with the same label the first is kept, with a warning. The column "count" is there if the file has counts.
    Whatever a file says of its size is compared with the bytes that are there, and nothing in it is run as code.

    Args:
        path: the file.
        errors: what happens to labels that are not UTF-8: "strict" refuses them; "replace", "ignore" and
            "backslashreplace" do as in `bytes.decode`.
        mapped: leave the table of an .npz, as `save_vectors` writes it, in the file, which must not change meanwhile;
            it is an `np.memmap`, whose pages the system may take back.

    Raises:
        ValueError: the suffix is unknown (see `save_vectors`), the file is not of that format, or a number in it is not
            finite; the error names the row and its label.
        FileNotFoundError: there is no such file.
        ModuleNotFoundError: the suffix needs an extra that is not installed.
    """
    format_, compressor = _format(path)
    if errors not in ERRORS:
        raise ValueError(f"`errors` must be one of {', '.join(ERRORS)}; got {errors!r}. Use 'replace'.")
    if mapped and (format_ is not _NPZ or compressor):
        raise ValueError(f"`mapped` is for .npz, not compressed; got {printable(path)}. Convert it first.")
    format_.installed()
    with opened(path, "rb", compressor) as file:
        try:
            found = format_.read(file, Source(errors, mapped))
        except ValueError as error:
            raise ValueError(
                f"`path` must be {format_.name}; got {printable(path)} ({error}). Correct the file, or its suffix."
            ) from error
    return _first_of_each(found, path)


def convert_vectors(
    source: str | os.PathLike[str], target: str | os.PathLike[str], *, errors: str = "strict"
) -> tuple[int, int, bool]:
    """Read vectors in one format and write them in another; the suffixes name both, see `save_vectors`.

    Args:
        source: the file to read.
        target: the file to write, which is not `source`; whether that is possible is checked first.
        errors: see `load_vectors`.

    Returns:
        The number of rows, the size of a vector, and whether counts were lost because `target` has no place for them.

    Raises:
        ValueError: a suffix is unknown, `source` is not of its format, that of `target` cannot carry a label, or
            `target` cannot be written.
        OSError: a file cannot be read or written.
    """
    keeps_counts = FORMATS[check_path(target)].counts
    check_destination(target, inputs=[source])
    vectors = load_vectors(source, errors=errors)
    save_vectors(target, vectors)
    return len(vectors), vectors.vector_size, "count" in vectors.columns and not keeps_counts


def check_destination(
    path: str | os.PathLike[str],
    *,
    inputs: Iterable[str | os.PathLike[str]] = (),
    labels: Sequence[Any] | None = None,
    dim: int | None = None,
    argument: str = "path",
) -> None:
    """Refuse a file that `save_vectors` could not write, before the work that it is for.

    Args:
        path: the file to be written.
        inputs: files that are read, which it must not be.
        labels: of the rows, where they are known.
        dim: how many numbers a row will have, where that is known.
        argument: the caller's name for `path`, for error messages of the place where it is.

    Raises:
        ValueError: the suffix is unknown, the format cannot carry a label, a label occurs twice, or `path` is an input
            or cannot be written, see `tf_emb.files.check_output`.
        ModuleNotFoundError: the suffix needs an extra that is not installed.
    """
    format_, compressor = _format(path)
    format_.installed()
    check_compressor(compressor)
    if labels is not None:
        format_.check(labels)
    numbers = len(labels) * dim if labels is not None and dim is not None else 0
    names = sum(map(len, labels)) if labels is not None else 0
    check_output(path, inputs=inputs, size=0 if compressor else numbers * format_.number + names, argument=argument)


def to_keyed_vectors(labels: Sequence[str], matrix: ArrayLike) -> "KeyedVectors":
    """Return `Vectors(labels, matrix).keyed()`: an old name of it."""
    return Vectors(labels, matrix).keyed()


def check_path(path: str | os.PathLike[str]) -> str:
    """Return the suffix that names the format of `path`.

    Raises:
        ValueError: it names none.
    """
    name = Path(path)
    stem = name.with_suffix("") if name.suffix.lower() in COMPRESSED else name
    suffix = stem.suffix.lower()
    shown = repr(name.name if len(name.name) <= 100 else name.name[:99] + "…")
    if suffix in PICKLES:
        raise ValueError(
            f"`path` must not be a pickle, which can run any code when it is read; got {shown}. If "
            f"you trust it, convert it in gensim: KeyedVectors.load({shown}).save_word2vec_format('v.bin', "
            "binary=True), or Word2Vec.load(...).wv of a model."
        )
    if suffix not in FORMATS:
        raise ValueError(
            f"`path` must end in one of {', '.join(FORMATS)}, optionally followed by one of {', '.join(COMPRESSED)}; "
            f"got {shown}. Use .bin for word2vec's binary."
        )
    return suffix


def _format(path: str | os.PathLike[str]) -> tuple[Format, str]:
    """Return the format of a path, and the suffix of its compressor or ""."""
    last = Path(path).suffix.lower()
    return FORMATS[check_path(path)], last if last in COMPRESSED else ""


def _check_numbers(vectors: Vectors) -> None:
    """Refuse to write what would be refused when it is read."""
    if not vectors.vector_size:
        raise ValueError("`vectors` must have a number or more in each row; got none. Drop the table.")
    for start in range(0, len(vectors), _ROWS):
        with np.errstate(over="ignore"):
            block = vectors.matrix[start : start + _ROWS].astype(np.float32, copy=False)
        try:
            check_finite(block, vectors.labels, start)
        except ValueError as error:
            raise ValueError(f"`vectors` must be finite as float32; {error}. Correct or drop such rows.") from None


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
