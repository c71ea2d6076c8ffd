r"""The text and binary formats of word2vec, and GloVe's text.

Text is one line per row, the label and its numbers separated by spaces. word2vec's (word2vec.c, Mikolov et al. 2013,
https://code.google.com/archive/p/word2vec) begins with a line "rows dim"; GloVe's (Pennington, Socher and Manning 2014,
https://nlp.stanford.edu/projects/glove) has no such line. Binary is "rows dim\n", then every label, a space, and its
vector as little-endian float32; word2vec.c ends each row with a line break, gensim does not.
"""

import warnings
from typing import IO

import numpy as np

from tf_emb.vectors.vectors import Vectors

_BLOCK = 1 << 24  # bytes read at once


def write_word2vec(file: IO[bytes], vectors: Vectors) -> None:
    """Write "rows dim" and the rows; the format has no place for counts."""
    file.write(b"%d %d\n" % vectors.matrix.shape)
    write_glove(file, vectors)


def write_glove(file: IO[bytes], vectors: Vectors) -> None:
    """Write the rows, each number with nine significant digits, which tell every float32 from the next."""
    line = "%s" + " %.9g" * vectors.vector_size + "\n"
    for start in range(0, len(vectors), 1000):
        rows = slice(start, start + 1000)
        block = zip(vectors.labels[rows], vectors.matrix[rows].astype(np.float32).tolist(), strict=True)
        file.write("".join([line % (label, *numbers) for label, numbers in block]).encode())


def read_word2vec(file: IO[bytes]) -> Vectors:
    """Read a file that begins with "rows dim".

    Raises:
        ValueError: it does not, or another number of rows follows.
    """
    rows, dim = header(file)
    labels, table = _rows(file, dim)
    if len(labels) != rows:
        raise ValueError(f"its first line says {rows} rows, and {len(labels)} follow")
    return Vectors(labels, table)


def read_glove(file: IO[bytes]) -> Vectors:
    """Read a file without a heading; its first row tells how many numbers a row has.

    Raises:
        ValueError: a row does not fit.
    """
    first = file.readline()
    fields = first.split()
    if len(fields) < 2 or (len(fields) == 2 and all(field.isdigit() for field in fields)):
        raise ValueError(f"its first line is {first[:40]!r}, not a label and numbers")
    labels, table = _rows(file, len(fields) - 1, [first])
    return Vectors(labels, table)


def header(file: IO[bytes]) -> tuple[int, int]:
    """Read the line "rows dim".

    Raises:
        ValueError: the first line is another.
    """
    line = file.readline(1000)
    fields = line.split()
    if len(fields) != 2 or not all(field.isdigit() for field in fields) or not int(fields[1]):
        hint = "; a file that begins with a row is GloVe's, name it .glove" if len(fields) > 2 else ""
        raise ValueError(f"its first line is {line[:40]!r}, not 'rows dim'{hint}")
    return int(fields[0]), int(fields[1])


def _rows(file: IO[bytes], dim: int, lines: list[bytes] | None = None) -> tuple[list[str], np.ndarray]:
    """Return the labels and the table of the lines given and of all that follow."""
    labels: list[str] = []
    tables = [np.empty((0, dim), np.float32)]
    lines = lines or file.readlines(_BLOCK)
    while lines:
        tables.append(_parsed(lines, dim, labels))
        lines = file.readlines(_BLOCK)
    return labels, np.concatenate(tables)


def _parsed(lines: list[bytes], dim: int, labels: list[str]) -> np.ndarray:
    """Append the labels of some lines to `labels`; return their numbers, shape (lines, dim)."""
    first = len(labels)
    numbers = []
    for i, line in enumerate(lines, first):
        label, number = _fields(line.rstrip(), dim, i)
        labels.append(decoded(label, i))
        numbers.append(number)
    values = _floats(b" ".join(numbers))
    if values is None:
        wrong = next(i for i, row in enumerate(numbers) if _floats(row) is None)
        raise ValueError(f"row {first + wrong} must have {dim} numbers; its line is {lines[wrong][:40]!r}")
    return values.reshape(len(lines), dim)


def _fields(line: bytes, dim: int, row: int) -> tuple[bytes, bytes]:
    """Split a line into its label, which may have spaces within, and its `dim` numbers."""
    label, _, numbers = line.partition(b" ")
    if len(numbers.split()) != dim:
        label, *rest = line.rsplit(None, dim) or [b""]
        numbers = b" ".join(rest)
        if len(rest) != dim or (b" " in label and _floats(label.rsplit(None, 1)[-1]) is not None):
            raise ValueError(f"row {row} must have a label and {dim} numbers; its line is {line[:40]!r}")
    if not label:
        raise ValueError(f"row {row} must begin with a label; its line is {line[:40]!r}")
    return label, numbers


def _floats(text: bytes) -> np.ndarray | None:
    """Return the numbers of a text, or None where it holds something else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # how older NumPy reports other text
            return np.fromstring(text, np.float32, sep=" ")
    except (ValueError, DeprecationWarning):
        return None


def decoded(label: bytes, row: int) -> str:
    """Return a label as text; the error names its row."""
    try:
        return label.decode()
    except UnicodeDecodeError:
        raise ValueError(f"the label of row {row} must be UTF-8; got {label[:40]!r}") from None


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
        vectors, rest = _whole_rows(rest + block, dim, rows - len(labels), labels)
        tables.append(vectors)
    if (rest + file.read(2)).strip(b"\r\n"):
        raise ValueError(f"more follows after the {rows} rows that it says it has")
    return Vectors(labels, np.concatenate(tables))


def _whole_rows(data: bytes, dim: int, rows: int, labels: list[str]) -> tuple[np.ndarray, bytes]:
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
