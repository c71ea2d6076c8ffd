r"""The binary format of word2vec.

"rows dim\n", then every label, a space, and its vector as little-endian float32; word2vec.c ends each row with a line
break, gensim does not.
"""

from collections.abc import Iterator
from typing import IO

import numpy as np

from tf_emb.vectors.formats import header
from tf_emb.vectors.framing import doubtful
from tf_emb.vectors.labels import LONGEST
from tf_emb.vectors.source import Growing, Source, check_dim, check_finite, decoded, present
from tf_emb.vectors.vectors import Vectors

_BLOCK = 1 << 22  # bytes read at once


def write_binary(file: IO[bytes], vectors: Vectors) -> None:
    """Write the rows without line breaks, as gensim does; the format has no place for counts.

    Where a reader could not be sure that a label does not go on in its vector, rows end in line breaks, as word2vec.c's
    do.
    """
    dim = vectors.vector_size
    check_dim(dim)
    sure = all(doubtful(block, starts, dim) is None for block, starts in _packed(vectors, more=1))
    file.write(b"%d %d\n" % vectors.matrix.shape)
    for block, _ in _packed(vectors, b"" if sure else b"\n"):
        file.write(block)


def _packed(vectors: Vectors, end: bytes = b"", more: int = 0) -> Iterator[tuple[bytes, list[int]]]:
    """Yield the bytes of 1,000 rows and `more`, and where the vectors of the 1,000 begin."""
    for first in range(0, len(vectors), 1000):
        rows = slice(first, first + 1000 + more)
        names = [label.encode() + b" " for label in vectors.labels[rows]]
        block = zip(names, vectors.matrix[rows].astype("<f4"), strict=True)
        size = 4 * vectors.vector_size + len(end)
        starts = np.cumsum([len(name) + size for name in names]) - size
        yield b"".join([name + vector.tobytes() + end for name, vector in block]), starts[:1000].tolist()


def read_binary(file: IO[bytes], source: Source) -> Vectors:
    """Read rows with or without line breaks.

    Raises:
        ValueError: the file is not of the format, has fewer or more rows than its heading says, or a label may hold a
            space.
    """
    rows, dim = header(file)
    size = present(file)
    table = Growing(dim, rows, None if size is None else size // (4 * dim + 2))
    labels: list[str] = []
    data, breaks = b"", False
    while len(labels) < rows:
        chunk = file.read(max(_BLOCK, 16 * dim))
        data, first = data + chunk, len(labels)
        # Whether a label goes on in its vector shows behind it, so that a row is taken when the next one is there.
        starts, end = _whole_rows(data, dim, rows - first, 8 * dim if chunk else 4 * dim)
        if not chunk and not starts:
            raise ValueError(f"it ends in row {first} of {rows}")
        if not first and starts:
            breaks = rows > 1 and data[starts[0] + 4 * dim :].startswith(b"\n")
        labels += _labels(data, starts, dim, breaks, source, first)
        block = _gathered(data, starts, dim)
        check_finite(block, labels, first)
        _check_framing(data, starts, dim, labels, breaks)
        table.append(block)
        data = data[end:]
    _check_end(data + file.read(3), rows, breaks)
    return Vectors(labels, table.done())


def _whole_rows(data: bytes, dim: int, rows: int, needed: int) -> tuple[list[int], int]:
    """Return where the vectors of the rows begin of which `needed` bytes are there, and where the last one ends."""
    starts: list[int] = []
    end = 0
    while len(starts) < rows:
        space = data.find(b" ", end, end + LONGEST + 2)
        if space < 0 and len(data) - end > LONGEST + 1:
            raise ValueError(f"a label must be no longer than {LONGEST:,} bytes; one begins with {data[end:][:40]!r}")
        if space < 0 or space + 1 + needed > len(data):
            break
        starts.append(space + 1)
        end = space + 1 + 4 * dim
    return starts, end


def _labels(data: bytes, starts: list[int], dim: int, breaks: bool, source: Source, first: int) -> list[str]:
    """Return the labels, which end before the spaces before the vectors."""
    found = []
    end = 0
    for row, start in enumerate(starts, first):
        label = data[end : start - 1]
        end = start + 4 * dim
        if breaks and row:
            if not label.startswith(b"\n"):
                raise ValueError(
                    f"row {row} must begin in a line of its own, as row 1 does; it begins with {label[:40]!r}"
                )
            label = label[1:]
        if not label or b"\n" in label:  # the latter is text, read as binary
            raise ValueError(f"row {row} must begin with a label and a space; it begins with {label[:40]!r}")
        found.append(decoded(label, row, source.errors))
    return found


def _check_framing(data: bytes, starts: list[int], dim: int, labels: list[str], breaks: bool) -> None:
    at = doubtful(data, starts, dim, breaks)
    if at is not None:
        row = len(labels) - len(starts) + at
        raise ValueError(
            f"row {row}, {labels[row][:40]!r}, may have a label with a space, which this format cannot tell from the "
            "vector; write it anew with '_' for spaces, or as text"
        )


def _check_end(rest: bytes, rows: int, breaks: bool) -> None:
    if breaks and not rest.startswith((b"\n", b"\r\n")):
        raise ValueError(f"a line break must end row {rows - 1}, as it does row 0; {rest!r} follows")
    if rest not in (b"", b"\n", b"\r\n"):
        raise ValueError(f"more follows after the {rows} rows that it says it has")


def _gathered(data: bytes, starts: list[int], dim: int) -> np.ndarray:
    """Return the `dim` numbers that begin at each of the places, shape (places, dim)."""
    raw = b"".join([data[start : start + 4 * dim] for start in starts])
    return np.frombuffer(raw, "<f4").reshape(len(starts), dim)
