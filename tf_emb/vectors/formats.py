r"""The text of word2vec and of GloVe.

Text is one line per row, the label and its numbers separated by spaces. word2vec's (word2vec.c, Mikolov et al. 2013,
https://code.google.com/archive/p/word2vec) begins with a line "rows dim"; GloVe's (Pennington, Socher and Manning 2014,
https://nlp.stanford.edu/projects/glove) has no such line.
"""

import codecs
import re
import warnings
from collections.abc import Iterator
from typing import IO

import numpy as np

from tf_emb.vectors.source import Growing, Source, check_dim, check_finite, decoded, present
from tf_emb.vectors.vectors import Vectors

_BLOCK = 1 << 22  # bytes read at once
_LINE = 1 << 25  # bytes of the longest line: MOST_NUMBERS numbers of any usual form, and a label


def write_word2vec(file: IO[bytes], vectors: Vectors) -> None:
    """Write "rows dim" and the rows; the format has no place for counts."""
    check_dim(vectors.vector_size)
    file.write(b"%d %d\n" % vectors.matrix.shape)
    _write_lines(file, vectors)


def write_glove(file: IO[bytes], vectors: Vectors) -> None:
    """Write the rows without a heading.

    Raises:
        ValueError: there is no row, or the first one looks like a heading.
    """
    check_dim(vectors.vector_size)
    if not len(vectors):
        raise ValueError("`vectors` must have a row in GloVe's format, which has no heading; got none. Use .txt.")
    if vectors.vector_size == 1 and _is_heading(b"%s %.9g" % (vectors.labels[0].encode(), vectors.matrix[0, 0])):
        raise ValueError(
            f"`labels` must not begin with {vectors.labels[0]!r}: readers take it for a heading. Use .txt."
        )
    _write_lines(file, vectors)


def _write_lines(file: IO[bytes], vectors: Vectors) -> None:
    """Write each number with nine significant digits, which tell every float32 from the next."""
    line = "%s" + " %.9g" * vectors.vector_size + "\n"
    for start in range(0, len(vectors), 1000):
        rows = slice(start, start + 1000)
        block = zip(vectors.labels[rows], vectors.matrix[rows].astype(np.float32).tolist(), strict=True)
        file.write("".join([line % (label, *numbers) for label, numbers in block]).encode())


def read_word2vec(file: IO[bytes], source: Source) -> Vectors:
    """Read a file that begins with "rows dim".

    Raises:
        ValueError: it does not, or another number of rows follows.
    """
    rows, dim = header(file)
    labels, table = _rows(file, dim, source, rows)
    if len(labels) != rows:
        raise ValueError(f"its first line says {rows} rows, and {len(labels)} follow")
    return Vectors(labels, table)


def read_glove(file: IO[bytes], source: Source) -> Vectors:
    """Read a file without a heading; its first row tells how many numbers a row has.

    Raises:
        ValueError: a row does not fit.
    """
    first = file.readline(_LINE).removeprefix(codecs.BOM_UTF8)
    _check_line(first)
    fields = first.split()
    if len(fields) < 2 or _is_heading(first):
        raise ValueError(f"its first line is {first[:40]!r}, not a label and numbers")
    check_dim(len(fields) - 1)
    labels, table = _rows(file, len(fields) - 1, source, None, first)
    return Vectors(labels, table)


def header(file: IO[bytes]) -> tuple[int, int]:
    """Read the line "rows dim".

    Raises:
        ValueError: the first line is another.
    """
    line = file.readline(1000).removeprefix(codecs.BOM_UTF8)
    fields = line.split()
    if not _is_heading(line) or not int(fields[1]):
        hint = "; a file that begins with a row is GloVe's, name it .glove" if len(fields) > 2 else ""
        raise ValueError(f"its first line is {line[:40]!r}, not 'rows dim'{hint}")
    check_dim(int(fields[1]))
    return int(fields[0]), int(fields[1])


def _is_heading(line: bytes) -> bool:
    return re.fullmatch(rb"\s*[0-9]{1,18}\s+[0-9]{1,18}\s*", line) is not None


def _check_line(line: bytes) -> None:
    if len(line) >= _LINE:
        raise ValueError(f"a line must be shorter than {_LINE:,} bytes; one begins with {line[:40]!r}")


def _rows(
    file: IO[bytes], dim: int, source: Source, expected: int | None, first: bytes = b""
) -> tuple[list[str], np.ndarray]:
    """Return the labels and the table of the line given and of all that follow."""
    size = present(file)
    room = None if size is None else (size + len(first)) // (2 * dim + 2) + 1  # each takes as many bytes, but the last
    table = Growing(dim, expected, room)
    labels: list[str] = []
    for lines in _blocks(file, first):
        block = _parsed(lines, dim, labels, source)
        check_finite(block, labels, len(labels) - len(block))
        table.append(block)
    return labels, table.done()


def _blocks(file: IO[bytes], rest: bytes) -> Iterator[list[bytes]]:
    """Yield many lines at once; blank ones at the end are none."""
    blank = False
    while chunk := file.read(_BLOCK):
        text, end, rest = (rest + chunk).rpartition(b"\n")
        _check_line(rest)
        lines = text.rstrip()
        if blank and (lines or rest.strip()):
            raise ValueError("a blank line stands between its rows")
        blank = blank or lines.count(b"\n") < text.count(b"\n") or bool(end and not lines)
        if lines:
            yield lines.split(b"\n")
    if rest.strip():
        yield [rest]


def _parsed(lines: list[bytes], dim: int, labels: list[str], source: Source) -> np.ndarray:
    """Append the labels of some lines to `labels`; return their numbers, shape (lines, dim)."""
    first = len(labels)
    numbers = []
    for i, line in enumerate(lines, first):
        label, number = _fields(line.rstrip(), dim, i)
        labels.append(decoded(label, i, source.errors))
        numbers.append(number)
    values = _floats(b" ".join(numbers))
    if values is None or len(values) != len(lines) * dim:
        found = map(_floats, numbers)
        wrong = next((i for i, row in enumerate(found) if row is None or len(row) != dim), 0)
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
