"""Files of safetensors; see `tf_emb.vectors.arrays`.

A file is the length of a heading, eight bytes; the heading, JSON that names a type, a shape and a range of bytes for
every tensor; and the bytes (https://github.com/huggingface/safetensors). It is read here, not by the package, which
holds all of it in memory twice.
"""

import json
import json.decoder
import re
from typing import IO, Any

import numpy as np

from tf_emb.files import printable
from tf_emb.vectors.arrays import check_array, check_names, check_rows, fill, joined, numbers, seekable
from tf_emb.vectors.source import Source, decoded
from tf_emb.vectors.vectors import Vectors

_HEADING = 1 << 22  # bytes; three tensors need 300
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "<u1",
}  # fmt: skip
_scanstring: Any = json.decoder.scanstring  # type: ignore[attr-defined]
_NEXT = re.compile(r'[ \t\r\n]*,[ \t\r\n]*"')


def write_safetensors(file: IO[bytes], vectors: Vectors) -> None:
    """Write the tensors `vectors`, `labels` and `counts`.

    Raises:
        ValueError: the counts are not integers.
    """
    labels = np.frombuffer(json.dumps(vectors.labels, ensure_ascii=False).encode(), np.uint8)
    file.write(library().save({"labels": labels, **numbers(vectors)}))


def read_safetensors(file: IO[bytes], source: Source) -> Vectors:
    """Read what `write_safetensors` wrote; other tensors stay unread.

    Raises:
        ValueError: the file is another, or lacks a tensor.
    """
    content = seekable(file)
    size = content.seek(0, 2)
    content.seek(0)
    length = int.from_bytes(content.read(8), "little")
    if size < 8 or length > min(_HEADING, size - 8):
        raise ValueError(
            f"its heading says that it has {length} bytes; the file has {size}, and a heading at most {_HEADING}"
        )
    tensors = _heading(content.read(length))
    check_names(name for name in tensors if name != "__metadata__")
    start = 8 + length
    vectors = _tensor("vectors", tensors, content, start, size, "fiu")
    counts = None
    if "counts" in tensors:
        counts = _tensor("counts", tensors, content, start, size, "iu")
        check_rows("counts", len(counts), vectors.shape)
    labels = _labels(_tensor("labels", tensors, content, start, size, "u").tobytes(), source, len(vectors))
    check_rows("labels", len(labels), vectors.shape)
    return joined(labels, vectors, counts)


def _heading(text: bytes) -> dict[str, Any]:
    try:
        tensors = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its heading is no JSON: {str(error)[:80]}") from None
    if not isinstance(tensors, dict):
        raise ValueError("its heading must name tensors")
    return tensors


def _tensor(name: str, tensors: dict[str, Any], content: IO[bytes], start: int, size: int, kinds: str) -> np.ndarray:
    """Read a tensor after all that the heading says of it was compared with the bytes that are there."""
    about = tensors[name] if isinstance(tensors[name], dict) else {}
    kind: Any = about.get("dtype")
    shape: Any = about.get("shape")
    offsets: Any = about.get("data_offsets")
    if not (isinstance(kind, str) and kind in _TYPES and _lengths(shape) and _lengths(offsets) and len(offsets) == 2):
        raise ValueError(
            f"its array {name} must have a type, one of {', '.join(_TYPES)}, a shape and a range; got "
            f"{printable(str(tensors[name])[:80])}"
        )
    first, end = offsets
    if not first <= end <= size - start:
        raise ValueError(f"its array {name} must lie in the {size - start} bytes that are there; got {first}:{end}")
    dtype = np.dtype(_TYPES[kind])
    check_array(name, dtype, tuple(shape), kinds, end - first)
    array = np.empty(shape, dtype)
    content.seek(start + first)
    fill(name, array, content)
    return array


def _lengths(given: Any) -> bool:
    """Return whether this is a list of sizes."""
    return isinstance(given, list) and all(type(number) is int and 0 <= number < 2**63 for number in given)


def _labels(text: bytes, source: Source, rows: int) -> list[str]:
    """Return a list of strings in JSON, read as such: other JSON can take fifty times the memory of its text."""
    try:
        content = text.decode("utf-8", source.errors).strip(" \t\r\n")
    except UnicodeDecodeError:
        raise ValueError("its labels must be UTF-8; errors='replace' reads them all the same") from None
    labels: list[str] = []
    at = len(content) - len(content[1:].lstrip(" \t\r\n"))
    more = content[at : at + 1] == '"' and content[0] == "["
    while more and len(labels) <= rows:
        try:
            label, at = _scanstring(content, at + 1)
        except ValueError as error:
            raise ValueError(f"its labels are no JSON: {error}") from None
        labels.append(decoded(label.encode("utf-8", "surrogatepass"), len(labels), source.errors))
        match = _NEXT.match(content, at)
        more, at = bool(match), match.end() - 1 if match else at
    if content[:1] != "[" or (len(labels) <= rows and content[at:].strip(" \t\r\n") != "]"):
        raise ValueError(
            f"its labels must be a list of strings in JSON; got {content[at : at + 40]!r} after {len(labels)}"
        )
    return labels


def library() -> Any:
    """Return the module of safetensors for NumPy.

    Raises:
        ModuleNotFoundError: the extra `safetensors` is not installed.
    """
    try:
        import safetensors.numpy
    except ImportError:
        raise ModuleNotFoundError(
            "A .safetensors file needs the extra `safetensors`: pip install 'tf-emb[safetensors]'."
        ) from None
    return safetensors.numpy
