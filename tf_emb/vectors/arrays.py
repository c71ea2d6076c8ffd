"""Vectors as named arrays, with counts and with labels of any kind: NumPy's .npz and safetensors.

Both hold `vectors`, float32 (rows, dim), and `counts`, int64 (rows,), where they are known. `labels` is an array of
strings in .npz, and in .safetensors, which has none, the UTF-8 bytes of a list in JSON.
"""

import io
import json
import zipfile
from typing import IO, Any

import numpy as np

from tf_emb.vectors.vectors import Vectors


def write_npz(file: IO[bytes], vectors: Vectors) -> None:
    """Write the arrays `vectors`, `labels` and `counts`.

    Raises:
        ValueError: the counts are not integers.
    """
    archive = io.BytesIO()  # NumPy seeks back from its end, which a compressed file cannot do
    np.savez(archive, labels=np.array(vectors.labels, np.str_), **_numbers(vectors))
    file.write(archive.getbuffer())


def read_npz(file: IO[bytes]) -> Vectors:
    """Read what `write_npz` wrote.

    Raises:
        ValueError: the file is another, or lacks an array.
    """
    try:
        arrays = np.load(_seekable(file), allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array without a name")
        with arrays:
            found = {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(str(error)) from None
    return _vectors(found, lambda labels: labels.tolist())


def write_safetensors(file: IO[bytes], vectors: Vectors) -> None:
    """Write the tensors `vectors`, `labels` and `counts`.

    Raises:
        ValueError: the counts are not integers.
    """
    labels = np.frombuffer(json.dumps(vectors.labels, ensure_ascii=False).encode(), np.uint8)
    file.write(library().save({"labels": labels, **_numbers(vectors)}))


def read_safetensors(file: IO[bytes]) -> Vectors:
    """Read what `write_safetensors` wrote.

    Raises:
        ValueError: the file is another, or lacks a tensor.
    """
    try:
        found = library().load(file.read())
    except Exception as error:  # SafetensorError, which is a bare Exception
        raise ValueError(str(error)) from None
    return _vectors(found, lambda labels: json.loads(labels.tobytes()))


def _numbers(vectors: Vectors) -> dict[str, Any]:
    """Return `vectors` and, where they are known, `counts`."""
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


def _vectors(found: dict[str, np.ndarray], decode: Any) -> Vectors:
    missing = {"vectors", "labels"} - found.keys()
    if missing:
        raise ValueError(f"it has no array {' and no '.join(sorted(missing))}; it has {', '.join(sorted(found))}")
    columns = {"count": found["counts"].astype(np.int64, copy=False)} if "counts" in found else {}
    return Vectors(decode(found["labels"]), found["vectors"], columns)


def _seekable(file: IO[bytes]) -> IO[bytes]:
    """Return the file itself, or its content where a compressor would start over for every seek."""
    return file if isinstance(file, io.BufferedReader) else io.BytesIO(file.read())


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
