"""What readers share: how much there is to read, tables that grow with what is read, checks of labels and numbers.

A file may say anything of itself. Nothing is allocated because it says so: only for bytes that are there.
"""

import io
import os
import stat
from typing import IO, Any, NamedTuple

import numpy as np

ERRORS = ("strict", "replace", "ignore", "backslashreplace")
MOST_NUMBERS = 1 << 20  # of a row of word2vec's and GloVe's formats, which are read row by row


class Source(NamedTuple):
    """How a file is read.

    Attributes:
        errors: what happens to labels that are not UTF-8, as in `bytes.decode`.
        mapped: whether the table stays in the file.
    """

    errors: str = "strict"
    mapped: bool = False


def present(file: IO[bytes]) -> int | None:
    """Return how many bytes are left in a file; None for a compressed one, of which nobody knows."""
    raw = getattr(file, "raw", None)
    if not isinstance(raw, io.FileIO):
        return None
    about = os.fstat(raw.fileno())
    return max(0, about.st_size - file.tell()) if stat.S_ISREG(about.st_mode) else None


class Growing:
    """A table of float32, shape (rows, dim), filled from the top.

    Args:
        dim: of a row.
        expected: how many rows are said to come.
        room: how many can come at most, by the bytes that are there; None if that is not known.
    """

    def __init__(self, dim: int, expected: int | None, room: int | None) -> None:
        known = [number for number in (expected, room) if number is not None]
        # Memory that nothing was written to yet is not taken; what is left over goes back in `done`.
        self._table = np.empty((min(known) if room is not None else 0, dim), np.float32)
        self._rows = 0

    def append(self, block: np.ndarray) -> None:
        """Add rows, shape (rows, dim)."""
        end = self._rows + len(block)
        if end > len(self._table):
            self._table.resize((max(end, len(self._table) * 5 // 4), self._table.shape[1]), refcheck=False)
        self._table[self._rows : end] = block
        self._rows = end

    def done(self) -> np.ndarray:
        """Return the rows that came."""
        self._table.resize((self._rows, self._table.shape[1]), refcheck=False)
        return self._table


def decoded(label: bytes, row: int, errors: str) -> str:
    """Return a label as text; the error names its row."""
    try:
        return label.decode("utf-8", errors)
    except UnicodeDecodeError:
        raise ValueError(
            f"the label of row {row} must be UTF-8; got {label[:40]!r}; errors='replace' reads it all the same"
        ) from None


def check_finite(block: np.ndarray, labels: list[Any], first: int = 0) -> None:
    """Refuse nan and infinite numbers in a block of rows, the first of which is row `first` of `labels`."""
    step = max(1, (1 << 22) // max(1, block.shape[1]))
    for start in range(0, len(block), step):
        finite = np.isfinite(block[start : start + step])
        if not finite.all():
            at, column = np.argwhere(~finite)[0]
            row = first + start + int(at)
            raise ValueError(
                f"row {row}, {str(labels[row])[:40]!r}, must have finite numbers; got {block[start + at, column]}"
            )


def check_dim(dim: int) -> None:
    """Refuse rows that are too long for formats that are read row by row."""
    if dim > MOST_NUMBERS:
        raise ValueError(f"a row has at most {MOST_NUMBERS:,} numbers in this format; it says {dim}")
