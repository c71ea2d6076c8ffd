"""What NumPy's .npz and safetensors hold of vectors: named arrays, with counts and with labels of any kind.

Both hold `vectors`, float32 (rows, dim), and `counts`, int64 (rows,), where they are known. `labels` is an array of
strings in .npz, and in .safetensors, which has none, the UTF-8 bytes of a list in JSON.
"""

import io
import math
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from tf_emb.files import printable
from tf_emb.vectors.source import check_finite, present
from tf_emb.vectors.vectors import Vectors

_LENGTH, _STEP = 1 << 40, 1 << 24
NAMES = ("vectors", "labels", "counts")


def numbers(vectors: Vectors) -> dict[str, Any]:
    """Return `vectors` and, where they are known, `counts`.

    Raises:
        ValueError: the counts are not numbers, one per row.
    """
    found = {"vectors": np.ascontiguousarray(vectors.matrix, np.float32)}
    if "count" in vectors.columns:
        counts = np.asarray(vectors.columns["count"])
        if counts.ndim != 1 or counts.dtype.kind not in "iuf":
            raise ValueError(
                f"`columns['count']` must be numbers, one per row; got shape {counts.shape}, dtype {counts.dtype}. "
                "Give the column another name."
            )
        found["counts"] = counts.astype(np.int64)
    return found


def seekable(file: IO[bytes]) -> IO[bytes]:
    """Return the file itself, or its content where a compressor would start over for every seek."""
    return file if present(file) is not None else io.BytesIO(file.read())


def check_names(found: Iterable[str]) -> None:
    """Refuse a file that lacks an array."""
    names = sorted(found)
    missing = sorted({"vectors", "labels"} - set(names))
    if missing:
        has = printable(", ".join(names[:5])[:200]) + (" ..." if len(names) > 5 else "")
        raise ValueError(f"it has no array {' and no '.join(missing)}; it has {has}")


def check_array(name: str, dtype: np.dtype, shape: tuple[int, ...], kinds: str, size: int) -> None:
    """Refuse an array of another type, or one whose bytes are not there, before anything is allocated.

    Args:
        name: of the array.
        dtype: its type, as the file says.
        shape: as the file says.
        kinds: the kinds of types that are right.
        size: bytes that the file has for it.
    """
    if dtype.kind not in kinds:
        raise ValueError(f"its array {name} must not be of type {printable(str(dtype)[:40])}")
    axes = 2 if name == "vectors" else 1
    if len(shape) != axes or (axes == 2 and not shape[1]):
        raise ValueError(
            f"its array {name} must have shape {'(rows, dim)' if axes == 2 else '(rows,)'}; got {shape[:9]}"
        )
    if max(shape) >= _LENGTH:
        raise ValueError(f"its array {name} must not be larger than memory can be; got {shape}")
    needed = math.prod(shape) * dtype.itemsize
    if needed != size:
        raise ValueError(f"its array {name} says that it has {needed} bytes; {size} are there")


def fill(name: str, array: np.ndarray, file: Any) -> None:
    """Read the bytes of an array.

    Raises:
        ValueError: there are fewer.
    """
    flat: Any = array.reshape(-1).view(np.uint8) if array.nbytes else b""
    view = memoryview(flat)
    at = 0
    while at < len(view):
        got = file.readinto(view[at : at + _STEP])
        if not got:
            raise ValueError(f"its array {name} ends after {at} of {len(view)} bytes")
        at += got


def check_rows(name: str, rows: int, shape: tuple[int, ...]) -> None:
    """Refuse an array of `rows` labels or counts for another number of vectors."""
    if rows != shape[0]:
        raise ValueError(
            f"`matrix` must have shape ({rows}, dim), one row per label; got {shape}. Cut both to the same rows."
            if name == "labels"
            else f"its array {name} must have {shape[0]} values, one per row; got {rows}"
        )


def joined(labels: list[str], matrix: np.ndarray, counts: np.ndarray | None) -> Vectors:
    """Return vectors of what was read.

    Raises:
        ValueError: a number is not finite, or cannot be held by float32, or a count by int64.
    """
    with np.errstate(over="ignore"):
        table = matrix.astype(np.float32, copy=False)
    check_finite(table, labels)
    if counts is None:
        return Vectors(labels, table)
    if counts.dtype.kind == "u" and counts.size and counts.max() > np.iinfo(np.int64).max:
        raise ValueError(f"its array counts must be below 2**63; got {counts.max()}")
    return Vectors(labels, table, {"count": counts.astype(np.int64, copy=False)})
