"""What the page knows about every row besides its vector: a TSV that its JavaScript cannot misread."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from tf_emb.projector.tables import check_finite

Column = Sequence[Any] | np.ndarray
NEXT = "__seq_next__"  # the page draws a line from a row to the row whose number stands in this column
RESERVED = ("row", NEXT, "__next__", "__proto__")
COLOURS = 50  # a text column of more distinct values than this cannot be coloured
TO_TEXT = "\u200b"  # ZERO WIDTH SPACE: JavaScript's Number() refuses it, nobody sees it
NUMBER = re.compile(  # what Number() takes for a number (ECMAScript, StringToNumber), white space aside
    r"[+-]?(Infinity|(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)|0(x[\da-f]+|o[0-7]+|b[01]+)", re.ASCII | re.IGNORECASE
)
_PIECE = 1_000_000  # the page decodes metadata in pieces of this many bytes
_ESCAPES = str.maketrans({"\t": r"\t", "\n": r"\n", "\r": r"\r", "\ufeff": r"\ufeff"})
_HARMLESS = re.compile(r"(?!infinity)[^\W\d_][^\t\n\r\ufeff]*", re.IGNORECASE)  # most labels: nothing to change


def encode(
    labels: Sequence[str],
    columns: Mapping[str, Column],
    *,
    rows: Sequence[int] | None = None,
    following: Sequence[int] | None = None,
) -> bytes:
    """Return the metadata file: a header; then label, columns and number of every row.

    Args:
        labels: shown on hover, and searched first.
        columns: more columns by name; "count" is followed by its logarithm, which colours better.
        rows: the numbers in the last column, "row"; 0, 1, ... by default.
        following: for each row the row that a line leads to, or -1 for none.

    Raises:
        ValueError: a column has another length, a name used twice, or a number that is not finite.
    """
    table = {"label": texts(labels)}
    for name, values in columns.items():
        header = _visible(name)
        if header in (*table, *RESERVED):
            raise ValueError(
                f"`columns` must have names other than {list(table)} and {RESERVED}; got {name!r}. Rename it."
            )
        table.update(_column(header, f"columns[{name!r}]", values, labels))
    if following is not None:
        table[NEXT] = list(map(str, following))
    table["row"] = list(map(str, range(len(labels)) if rows is None else rows))
    lines = map("\t".join, [tuple(table), *zip(*table.values(), strict=True)])
    # The page never finishes reading a file whose last piece holds no newline, so the last line has one too.
    text = "\n".join(lines) + "\n"
    return _whole_characters(text.encode("utf-8", "backslashreplace"))


def _column(header: str, what: str, values: Column, labels: Sequence[str]) -> dict[str, list[str]]:
    """Return a column as cells, with the columns derived from it."""
    array = np.asarray(values)
    if array.shape != (len(labels),):
        raise ValueError(f"`{what}` must have one value for each of {len(labels)} labels; got {array.shape}.")
    if array.dtype.kind in "iuf":
        check_finite(what, array, labels)
        return {header: _numbers(array), **(_logarithm(array) if header == "count" else {})}
    cells = texts(["" if value is None else str(value) for value in values])
    return {header: cells, **_folded(header, cells)}


def _numbers(array: np.ndarray) -> list[str]:
    return array.astype(str).tolist() if array.dtype.kind == "f" else list(map(str, array.tolist()))


def _logarithm(counts: np.ndarray) -> dict[str, list[str]]:
    logs = np.log10(np.maximum(counts, 1).astype(np.float64))
    return {"log10 count": [f"{x:.4g}" for x in logs.tolist()]}


def _folded(header: str, cells: list[str]) -> dict[str, list[str]]:
    """Return a copy with the rare categories as "other", where values repeat but are too many to be coloured."""
    seen = Counter(cells)
    if not COLOURS < len(seen) <= len(cells) / 2:
        return {}
    top = dict(seen.most_common(COLOURS - 1))
    return {f"{header} (top {len(top)})": [cell if cell in top else "other" for cell in cells]}


def texts(values: Sequence[str]) -> list[str]:
    """Return cells that the page keeps as text."""
    harmless = _HARMLESS.fullmatch
    return [value if harmless(value) else _text(value) for value in values]


def _visible(text: str) -> str:
    """Return `text` as one cell that is not blank; an empty cell would break the search."""
    shown = text.translate(_ESCAPES)
    return shown if shown.strip() else "␣" * len(shown) or "(blank)"


def _text(value: str) -> str:
    shown = _visible(value)
    return shown + TO_TEXT if NUMBER.fullmatch(shown.strip()) else shown


def _whole_characters(data: bytes) -> bytes:
    """Put spaces after row numbers so that no character is split between two of the page's pieces."""
    for piece in range(_PIECE, len(data), _PIECE):
        start = next(i for i in count(piece, -1) if data[i] & 0xC0 != 0x80)  # 0x80: continues a character
        end = data.rindex(b"\n", 0, start + 1)
        data = data[:end] + b" " * (piece - start) + data[end:]
    return data
