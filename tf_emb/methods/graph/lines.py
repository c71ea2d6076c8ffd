"""Files of graphs, line by line: the fields of each, or an error that names it; no line is lost, no name altered."""

import ast
import os
import re
import warnings
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from tf_emb.files import opened, printable

BLOCK = 1 << 20  # bytes read at once
LONGEST = {"edgelist": 1 << 20, "adjlist": 1 << 28}  # bytes of a line: two names and their data; all names of a hub
MOST_TIMES, MOST_WITHOUT = 200, 1 << 22  # graphs are compressed less; less than this is read at once
MARK = "\ufeff"  # the byte-order mark, with which editors of Windows begin a file
_words = re.compile(r"[^ \t]+").findall
_ODD = re.compile(f"[\r#,{{{MARK}]")
_WITH_DATA = re.compile(r"([^ \t]+)[ \t]+([^ \t]+)[ \t]+(\{.*\})")  # as networkx.write_edgelist writes an edge


class BadLineError(ValueError):
    """What is wrong with a line, as the end of a sentence that begins with its number."""


def lines(path: str | os.PathLike[str], format: str) -> Iterator[tuple[int, list[str]]]:
    r"""Yield the number and the fields of every line that has any.

    Lines end in \n or \r\n; blanks and tabs, and nothing else, separate fields. What follows a # that stands alone is a
    comment. The first line may be the command that networkx notes there, if the second begins with "# GMT".

    Raises:
        ValueError: a line is not UTF-8, too long, or cannot be of a list of edges.
    """
    with opened(path) as file:
        _check_size(file, path)
        first: str | None = None  # put off, if it begins with #
        for before, whole in _blocks(file, path, format):
            if before > 1 and first is None and (text := _plain(whole)) is not None:
                yield from (
                    (i, words) for i, line in enumerate(text.split("\n"), before + 1) if (words := _words(line))
                )
                continue
            for number, raw in _stripped(whole, before):
                line = _decoded(raw, path, format, number)
                if first is not None and not line.startswith("# GMT "):
                    yield from _fields(first, path, format, 1)
                first = line if number == 1 and line.startswith("#") else None
                if first is None:
                    yield from _fields(line, path, format, number)
        if first is not None:
            yield from _fields(first, path, format, 1)


def wrong(path: str | os.PathLike[str], format: str, number: int, said: str) -> ValueError:
    """Return the error of a line."""
    return ValueError(f"`path` must be a file of format {format}; line {number} of {printable(path)} {said}")


def with_commas(line: str) -> str:
    """Return what is wrong with a line whose fields are separated by commas."""
    return f"is {_shown(line)}: blanks or tabs separate nodes. Replace the commas."


def weight(text: str) -> float:
    """Return the weight that a field gives: a number, or the entry "weight" of a dictionary, 1 if it has none.

    Raises:
        BadLineError: it is no number, or a number that no edge can have.
    """
    value: Any = _of_dictionary(text).get("weight", 1) if text.startswith("{") else text
    try:
        if isinstance(value, str) and (value is not text or "_" in text):  # Python reads 1_0 as 10
            raise ValueError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise BadLineError(f"has {_shown(value)} where a weight is expected. Write two nodes and a number.") from None
    if not 0 <= number <= np.finfo(np.float64).max:
        raise BadLineError(f"has the weight {number}; weights must be positive and finite. Leave the edge out.")
    if number == 0 and isinstance(value, str) and re.search("[1-9]", text.lower().partition("e")[0]):
        raise BadLineError(f"has the weight {_shown(text)}, too small for a float. Multiply all by one number.")
    return number


def _of_dictionary(text: str) -> dict[object, object]:
    """Return a dictionary of literals; no code is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of backslashes in strings
            found = {} if text == "{}" else ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        found = None
    if not isinstance(found, dict):
        raise BadLineError(f"has {_shown(text)}, no dictionary of numbers and strings. Write the weight alone.")
    return found


def _blocks(file: IO[bytes], path: str | os.PathLike[str], format: str) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines, many at a time, and the number of lines before; blank lines alone are left out."""
    number, held, size = 0, [b""], 0
    while block := file.read(BLOCK):
        held.append(block)
        size += len(block)
        if size > LONGEST[format] + BLOCK or b"\0" in block:
            what = "holds a zero byte" if b"\0" in block else f"is longer than {LONGEST[format]:,} bytes"
            where = number + 1 + (block[: block.find(b"\0")].count(b"\n") if b"\0" in block else 0)
            raise wrong(path, format, where, f"{what}. Is it a text in UTF-8? If not, convert it with iconv.")
        if b"\n" not in block:
            continue
        whole, _, rest = b"".join(held).rpartition(b"\n")
        held, size = [rest], len(rest)
        if whole.strip(b" \t\r\n"):
            yield number, whole
        number += whole.count(b"\n") + 1
    yield number, b"".join(held)


def _plain(whole: bytes) -> str | None:
    """Return the text of lines that fields can be taken from without another look, or None."""
    try:
        text = whole.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    return None if _ODD.search(text) else text


def _stripped(whole: bytes, before: int) -> Iterator[tuple[int, bytes]]:
    """Yield the number of each line that is not blank, and the line without blanks around it."""
    for number, line in enumerate(whole.split(b"\n"), before + 1):
        if stripped := line.rstrip(b" \t\r").lstrip(b" \t"):
            yield number, stripped


def _check_size(file: IO[bytes], path: str | os.PathLike[str]) -> None:
    """Inflate a compressed file to its end before any line is read, and refuse one that is out of proportion."""
    if not file.seekable():
        return
    inflated, size = file.seek(0, os.SEEK_END), os.stat(path).st_size
    if inflated > MOST_WITHOUT and inflated > MOST_TIMES * size:
        raise ValueError(
            f"`path` must not inflate to more than {MOST_TIMES} times its size; got {printable(path)}, of which "
            f"{size:,} bytes became {inflated:,}. Decompress it first if that is right."
        )
    file.seek(0)


def _decoded(raw: bytes, path: str | os.PathLike[str], format: str, number: int) -> str:
    try:
        line = raw.decode()
    except UnicodeDecodeError as error:
        at = raw[error.start : error.start + 8]
        raise wrong(path, format, number, f"is not UTF-8: {at!r}. Convert it with iconv.") from None
    line = line.removeprefix(MARK).lstrip(" \t") if number == 1 else line
    if line.startswith(MARK):
        raise wrong(path, format, number, "begins with a byte-order mark (U+FEFF), as if part of a name. Remove it.")
    if "\r" in line:
        raise wrong(path, format, number, r"holds a carriage return. End lines with \n or \r\n.")
    return line


def _fields(line: str, path: str | os.PathLike[str], format: str, number: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of a line, nothing of a comment."""
    if format == "edgelist" and "{" in line and (data := _WITH_DATA.fullmatch(line)):
        yield number, list(data.groups())
        return
    words = _words(line)
    if "#" in words:
        at = words.index("#")
        if at == 1:
            said = f"has a # behind one node, {_shown(line)}: a comment, or a node? Begin a comment's line with '# '."
            raise wrong(path, format, number, said)
        words = words[:at]
    if words and words[0][1:].endswith(","):
        raise wrong(path, format, number, with_commas(line))
    if words:
        yield number, words


def _shown(value: object) -> str:
    return repr(value)[:60]
