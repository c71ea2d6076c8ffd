r"""Word2vec's binary format: "rows dim\n", then every label, a space, and its vector as little-endian float32.

word2vec.c (Mikolov et al. 2013, https://code.google.com/archive/p/word2vec) ends each row with a line break; gensim
does not.
"""

from typing import IO

import numpy as np

from tf_emb.vectors.text import decoded, header
from tf_emb.vectors.vectors import Vectors

_BLOCK = 1 << 24  # bytes per read


def write_binary(file: IO[bytes], vectors: Vectors) -> None:
    """Write the rows without line breaks, as gensim does; the format has no place for counts."""
    file.write(b"%d %d\n" % vectors.matrix.shape)
    for start in range(0, len(vectors), 1000):
        rows = slice(start, start + 1000)
        block = zip(vectors.labels[rows], vectors.matrix[rows].astype("<f4"), strict=True)
        file.write(b"".join([label.encode() + b" " + vector.tobytes() for label, vector in block]))


def read_binary(file: IO[bytes]) -> Vectors:
    """Read rows with or without line breaks.

    Raises:
        ValueError: the file is not of the format, or has fewer or more rows than its heading says.
    """
    rows, dim = header(file)
    labels: list[str] = []
    tables = [np.empty((0, dim), np.float32)]
    rest = b""
    while len(labels) < rows:
        block = file.read(_BLOCK)
        if not block:
            raise ValueError(f"it ends in row {len(labels)} of {rows}")
        vectors, rest = _parsed(rest + block, dim, rows - len(labels), labels)
        tables.append(vectors)
    if (rest + file.read(2)).strip(b"\r\n"):
        raise ValueError(f"more follows after the {rows} rows that it says it has")
    return Vectors(labels, np.concatenate(tables))


def _parsed(data: bytes, dim: int, rows: int, labels: list[str]) -> tuple[np.ndarray, bytes]:
    """Take whole rows off the front of `data`; return their vectors and what is left."""
    starts: list[int] = []
    end = 0
    while len(starts) < rows:
        space = data.find(b" ", end)
        if space < 0 or space + 1 + 4 * dim > len(data):
            break
        label = data[end:space].lstrip(b"\n")
        if not label or b"\n" in label:  # the latter is text, read as binary
            raise ValueError(f"row {len(labels)} must begin with a label and a space; it begins with {label[:40]!r}")
        labels.append(decoded(label, len(labels)))
        starts.append(space + 1)
        end = space + 1 + 4 * dim
    return _gathered(data, starts, dim), data[end:]


def _gathered(data: bytes, starts: list[int], dim: int) -> np.ndarray:
    """Return the `dim` numbers that begin at each of the places, shape (places, dim)."""
    raw = b"".join([data[start : start + 4 * dim] for start in starts])
    return np.frombuffer(raw, "<f4").astype(np.float32).reshape(len(starts), dim)
