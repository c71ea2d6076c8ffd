"""An `.npz` file that may be damaged or a stranger's, read without pickle, and within bounds.

NumPy allocates what a header claims before it has seen a byte, and zip members inflate a thousandfold.
"""

import ast
import io
import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

MEMBER, TOTAL = 2**24, 2**26  # bytes of one array, and of all; a recorded array has some thousand
HEADERS = {(1, 0): ("<H", 2), (2, 0): ("<I", 4), (3, 0): ("<I", 4)}  # how its length is packed, by version
END = struct.Struct("<4sHHHHIIH")  # the end of the central directory, without a comment
LONGEST = 10_000
SUFFIX = ".npy"


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file by name.

    Raises:
        ValueError: it is damaged, too large, holds objects, or is no such file.
    """
    found: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if not _listed(path, len(members)):
                raise ValueError("its list of arrays is damaged")
            if sum(member.file_size for member in members) > TOTAL:
                raise ValueError(f"its arrays must have at most {TOTAL} bytes")
            for member in members:
                name = member.filename.removesuffix(SUFFIX)
                if name in found or not member.filename.endswith(SUFFIX):
                    raise ValueError(f"member {member.filename!r} is no array, or occurs twice")
                if member.file_size > MEMBER:
                    raise ValueError(f"array {name!r} must have at most {MEMBER} bytes; got {member.file_size}")
                with archive.open(member) as stream:
                    found[name] = array_of(stream.read(member.file_size + 1))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, struct.error, SyntaxError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    return found


def _listed(path: Path, members: int) -> bool:
    """Return whether the end of a zip file agrees with what was found: `zipfile` stops at a shortened list."""
    data = path.read_bytes() if path.stat().st_size <= TOTAL else b""
    if len(data) < END.size:
        return False
    signature, *_, here, total, size, offset, comment = END.unpack(data[-END.size :])
    whole = offset + size + END.size == len(data) and not comment
    return bool(signature == b"PK\x05\x06" and here == total == members and whole)


def array_of(data: bytes) -> np.ndarray:
    """Return the array that the bytes of an `.npy` file hold, exactly.

    Raises:
        ValueError: they hold more, less or objects.
    """
    version = npy.read_magic(io.BytesIO(data))
    packed, size = HEADERS[version]
    begin = npy.MAGIC_LEN + size
    length = struct.unpack(packed, data[npy.MAGIC_LEN : begin])[0]
    if length > LONGEST:
        raise ValueError(f"a header must have at most {LONGEST} bytes; got {length}")
    header = ast.literal_eval(data[begin : begin + length].decode("utf-8" if version == (3, 0) else "latin-1").strip())
    shape, fortran, dtype = header["shape"], header["fortran_order"], np.dtype(header["descr"])
    if dtype.kind not in "biufUV" or dtype.hasobject or not isinstance(shape, tuple):
        raise ValueError(f"dtype must be that of numbers or text; got {dtype}")
    if not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) * dtype.itemsize != len(data) - (
        begin + length
    ):
        raise ValueError(f"shape {shape} of {dtype} must need {len(data) - begin - length} bytes; it does not")
    array = np.frombuffer(data, dtype, offset=begin + length) if dtype.itemsize else np.zeros(shape, dtype)
    return array.reshape(shape, order="F" if fortran else "C")
