"""NumPy's archives of arrays; see `tf_emb.vectors.arrays`."""

import io
import lzma
import struct
import zipfile
import zlib
from typing import IO, Any

import numpy as np

from tf_emb.files.compressed import MOST_TIMES, MOST_WITHOUT
from tf_emb.vectors.arrays import NAMES, check_array, check_names, check_rows, fill, joined, numbers, seekable
from tf_emb.vectors.npy import Heading, first_line, read_heading
from tf_emb.vectors.source import Source, decoded, present
from tf_emb.vectors.vectors import Vectors

_KINDS = {"vectors": "fiu", "labels": "U", "counts": "iu"}
_DAMAGES = (  # what zipfile and those below it raise on other files
    zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OverflowError, struct.error,
    zlib.error, lzma.LZMAError,
)  # fmt: skip


def write_npz(file: IO[bytes], vectors: Vectors) -> None:
    """Write the arrays `vectors`, `labels` and `counts`.

    Raises:
        ValueError: the counts are not integers.
    """
    archive = io.BytesIO()  # NumPy seeks back from its end, which a compressed file cannot do
    np.savez(archive, labels=np.array(vectors.labels, np.str_), **numbers(vectors))
    file.write(archive.getbuffer())


def read_npz(file: IO[bytes], source: Source) -> Vectors:
    """Read what `write_npz` wrote; other arrays of the archive stay unread.

    Raises:
        ValueError: the file is another, or lacks an array.
    """
    content = seekable(file)
    if content.read(6) == b"\x93NUMPY":
        raise ValueError("it holds one array without a name")
    try:
        size = content.seek(0, io.SEEK_END)
        with zipfile.ZipFile(content) as archive:
            return _read(archive, size, source)
    except _DAMAGES as error:
        raise ValueError(first_line(error)) from None
    except OSError as error:
        if error.errno is None or isinstance(error, io.UnsupportedOperation):
            raise ValueError(first_line(error)) from None
        raise ValueError(f"it is damaged: {error.strerror}") from None


def _read(archive: zipfile.ZipFile, size: int, source: Source) -> Vectors:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    check_names(members)
    arrays: dict[str, np.ndarray] = {}
    for name in NAMES:
        if name in members:
            _check_member(name, members[name], size)
            with archive.open(members[name]) as member:
                if name == "vectors" and source.mapped:
                    arrays[name] = _mapped(archive, members[name], member)
                else:
                    arrays[name] = _array(name, member, members[name].file_size, arrays.get("vectors"))
    try:
        labels = arrays["labels"].tolist()
    except (ValueError, SystemError) as error:  # code points beyond Unicode
        raise ValueError(f"its labels are no Unicode text: {first_line(error)}") from None
    texts = [
        label if label.isascii() else decoded(label.encode("utf-8", "surrogatepass"), row, source.errors)
        for row, label in enumerate(labels)
    ]
    return joined(texts, arrays["vectors"], arrays.get("counts"))


def _check_member(name: str, info: zipfile.ZipInfo, size: int) -> None:
    """Refuse a member that is larger than its bytes can be."""
    most = info.compress_size
    if info.compress_type != zipfile.ZIP_STORED:
        most = max(MOST_WITHOUT, MOST_TIMES * most)
    if info.compress_size > size or info.file_size > most:
        raise ValueError(
            f"its array {name} says that it has {info.file_size} bytes, of {info.compress_size} in a file of {size}"
        )


def _array(name: str, member: IO[bytes], size: int, vectors: np.ndarray | None) -> np.ndarray:
    """Read an array whose member says that it has `size` bytes."""
    shape, by_columns, dtype = _heading(name, member)
    check_array(name, dtype, shape, _KINDS[name], size - member.tell())
    if vectors is not None:
        check_rows(name, shape[0], vectors.shape)
    array = np.empty(shape[::-1] if by_columns else shape, dtype)
    fill(name, array, member)
    if member.read(1):  # and so the checksum was compared
        raise ValueError(f"more follows its array {name}")
    return array.T if by_columns else array


def _mapped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: IO[bytes]) -> np.ndarray:
    """Return the table as a map of the file, whose checksum is not compared.

    Raises:
        ValueError: the table does not lie in the file as it is in memory.
    """
    shape, by_columns, dtype = _heading("vectors", member)
    check_array("vectors", dtype, shape, "f", info.file_size - member.tell())
    file: Any = archive.fp
    if present(file) is None or info.compress_type != zipfile.ZIP_STORED or by_columns or dtype != np.dtype("<f4"):
        raise ValueError("only float32 in rows that are not compressed can be mapped, as `save_vectors` writes them")
    file.seek(info.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    start = info.header_offset + 30 + name + extra + member.tell()
    return np.memmap(file.name, np.float32, "r", start, shape) if shape[0] else np.empty(shape, np.float32)


def _heading(name: str, member: IO[bytes]) -> Heading:
    """Read the heading of an array; an error has its name."""
    try:
        return read_heading(member)
    except ValueError as error:
        raise ValueError(f"its array {name} has {error}") from None
