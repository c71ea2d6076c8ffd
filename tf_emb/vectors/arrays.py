"""Vectors as named arrays, with counts and with labels of any kind: NumPy's .npz and safetensors.

Both hold `vectors`, float32 (rows, dim), and `counts`, int64 (rows,), where they are known. `labels` is an array of
strings in .npz, and in .safetensors, which has none, the UTF-8 bytes of a list in JSON.
"""

import io
import json
import zipfile
from typing import IO, Any

import numpy as np

from tf_emb.vectors.rows import Rows, checked

_WIDEST = 1 << 30  # bytes of an array of strings, each as wide as the longest


def write_npz(file: IO[bytes], rows: Rows) -> None:
    """Write the arrays `vectors`, `labels` and `counts`.

    Raises:
        ValueError: NumPy's strings cannot hold the labels.
    """
    longest = max(map(len, rows.labels), default=0)
    if 4 * longest * len(rows.labels) > _WIDEST:
        raise ValueError(
            f"`labels` must be short for .npz, which gives every one the width of the longest; got one of {longest} "
            "characters. Use .safetensors."
        )
    bad = next((i for i, label in enumerate(rows.labels) if label.endswith("\0")), None)
    if bad is not None:
        raise ValueError(f"`labels` must not end in NUL, which .npz drops; got {rows.labels[bad]!r} in row {bad}.")
    arrays: dict[str, Any] = {"vectors": rows.table, "labels": np.array(rows.labels, np.str_), **_counts(rows)}
    archive = io.BytesIO()  # whose end NumPy goes back from, as a compressed file cannot
    np.savez(archive, **arrays)
    file.write(archive.getbuffer())


def read_npz(file: IO[bytes]) -> Rows:
    """Read what `write_npz` wrote.

    Raises:
        ValueError: the file is another, or lacks an array.
    """
    try:
        arrays = np.load(_seekable(file), allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array and no names")
        with arrays:
            found = {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(str(error)) from None
    _check(found)
    return checked(found["labels"].tolist(), found["vectors"], found.get("counts"))


def write_safetensors(file: IO[bytes], rows: Rows) -> None:
    """Write the tensors `vectors`, `labels` and `counts`."""
    labels = np.frombuffer(json.dumps(list(rows.labels), ensure_ascii=False).encode(), np.uint8)
    tensors = {"vectors": np.ascontiguousarray(rows.table), "labels": labels, **_counts(rows)}
    file.write(_safetensors().save(tensors))


def read_safetensors(file: IO[bytes]) -> Rows:
    """Read what `write_safetensors` wrote.

    Raises:
        ValueError: the file is another, or lacks a tensor.
    """
    library = _safetensors()
    try:
        found = library.load(file.read())
    except Exception as error:  # SafetensorError, which is a bare Exception
        raise ValueError(str(error)) from None
    _check(found)
    return checked(json.loads(found["labels"].tobytes()), found["vectors"], found.get("counts"))


def _counts(rows: Rows) -> dict[str, np.ndarray]:
    return {} if rows.counts is None else {"counts": rows.counts}


def _check(found: dict[str, np.ndarray]) -> None:
    missing = {"vectors", "labels"} - found.keys()
    if missing:
        raise ValueError(f"it has no array {' and no '.join(sorted(missing))}; it has {', '.join(sorted(found))}")


def _seekable(file: IO[bytes]) -> IO[bytes]:
    """Return the file itself, or its content where a compressor would start over for every seek."""
    return file if isinstance(file, io.BufferedReader) else io.BytesIO(file.read())


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ModuleNotFoundError(
            "A .safetensors file needs the extra `safetensors`: pip install 'tf-emb[safetensors]'."
        ) from None
    return safetensors.numpy
