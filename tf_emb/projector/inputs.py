"""Files that `tf-emb project` reads beside vector files: labels, one a line, and .npy tables."""

import math
import os
from pathlib import Path

import numpy as np

from tf_emb.vectors.npy import read_heading

BOM = b"\xef\xbb\xbf"


def read_labels(path: str | os.PathLike[str], argument: str = "--labels") -> list[str]:
    r"""Return the lines of a UTF-8 file. Only \n and \r\n end a line; a byte-order mark is no part of the first.

    Args:
        path: the file.
        argument: its name in error messages.

    Raises:
        ValueError: the file is not UTF-8; its name and the line are said.
        OSError: it cannot be read.
    """
    if Path(path).is_char_device() or Path(path).is_block_device():
        raise ValueError(f"`{argument}` must be a file; got {path}, a device, which has no end. Name a file.")
    data = Path(path).read_bytes().removeprefix(BOM)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"`{argument}` must be UTF-8; got {path}, line {line} of which holds the byte "
            f"0x{data[error.start]:02x}. Convert it, as with iconv."
        ) from None
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def check_count(labels: list[str] | None, rows: int, path: object, argument: str = "--labels") -> None:
    """Refuse labels of another number than rows.

    Raises:
        ValueError: the numbers differ.
    """
    if labels is not None and len(labels) != rows:
        raise ValueError(
            f"`{argument}` must hold one label for each row, {rows:,}; got {len(labels):,} in {path}. "
            "Only line feeds end a label."
        )


def read_array(path: str | os.PathLike[str], argument: str = "vectors") -> np.ndarray:
    """Return the array of a .npy file, shape (rows, dim); what its header claims is held against the file's size first.

    Args:
        path: the file.
        argument: its name in error messages.

    Raises:
        ValueError: it is no .npy file of numbers in two axes, or is cut short. Pickled objects are never loaded.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        try:
            shape, by_columns, dtype = read_heading(file)
        except (ValueError, EOFError) as error:
            raise ValueError(f"`{argument}` must be a .npy file; {path} has {error}. Write it with np.save.") from None
        _check_kind(path, shape, dtype, argument)
        needed, left = math.prod(shape) * dtype.itemsize, os.fstat(file.fileno()).st_size - file.tell()
        if needed != left:
            raise ValueError(
                f"`{argument}` must hold the {needed:,} bytes that its shape {shape} takes; {path} holds {left:,}. "
                "Write or fetch it again."
            )
        flat = np.fromfile(file, dtype, math.prod(shape))
    return flat.reshape(shape[::-1]).T if by_columns else flat.reshape(shape)


def _check_kind(path: object, shape: tuple[int, ...], dtype: np.dtype, argument: str) -> None:
    if dtype.kind not in "iuf" or len(shape) != 2:
        raise ValueError(
            f"`{argument}` must hold numbers of shape (rows, dim); got {dtype.name[:40]} of shape {str(shape)[:80]} "
            f"in {path}. Save the table alone."
        )
