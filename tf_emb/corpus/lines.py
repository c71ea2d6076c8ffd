"""Text in pieces to lines, and a long line in parts: what is held is bounded whatever the text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

from tf_emb.corpus.tokenizers import Tokenizer

LONGEST = 1 << 21  # characters of a token; a whole book is shorter
MARK = "\ufeff"  # of byte order
_BLANKS = re.compile(r"(\n(?:\s*\n)?)")  # the end of a line, and all blank lines that follow


def lines_of(
    blocks: Iterable[str], by: Tokenizer, piece: int, *, every: bool, argument: str
) -> Iterator[tuple[Sequence[str], int]]:
    """Yield the tokens of every line, and how many lines end there; of a long one, those of each part with 0.

    Args:
        blocks: the text.
        by: the tokenizer.
        piece: a line of more characters is cut as soon as it can be.
        every: whether the tokenizer sees blank lines; else many of them come at once, after the line before them.
        argument: the caller's name for the text, for error messages.

    Raises:
        ValueError: there are more than `LONGEST` characters without a place to cut.
    """
    rest, open_, limit, before = "", False, piece, 1
    for block in blocks:
        lines, ends, last = _parted(block, every)
        if lines:
            yield _whole(rest + lines[0], by, open_, argument, before), next(ends)
            yield from zip(map(by.tokens, lines[1:]), ends, strict=False)
            rest, open_, limit, before = "", False, piece, before + block.count("\n")
        rest = rest + last if open_ else (rest + last).lstrip(MARK)
        if len(rest) >= limit:
            cut = by.cut(rest)
            # Doubled, so that the time is linear in the length of a token.
            limit = piece if cut else min(2 * len(rest), LONGEST + 1)
            if cut:
                yield _whole(rest[:cut], by, open_, argument, before), 0
                rest, open_ = rest[cut:], True
            elif len(rest) > LONGEST:
                raise _too_long(argument, before)
    if open_ or rest.lstrip(MARK):
        yield _whole(rest, by, open_, argument, before), 1


def _parted(block: str, every: bool) -> tuple[list[str], Iterator[int], str]:
    """Return the lines that end in a block, for each how many end there, and what follows the last end."""
    *lines, last = block.split("\n")
    ends: Iterator[int] = repeat(1)
    if not every and 2 * (lines.count("") + lines.count("\r")) > len(lines):
        *found, last = _BLANKS.split(block)
        lines, ends = found[::2], iter([run.count("\n") for run in found[1::2]])
    if MARK in block:  # each file that was joined to another began with one
        lines = [*lines[:1], *(line.lstrip(MARK) for line in lines[1:])]
    return lines, ends, last


def _whole(line: str, by: Tokenizer, continued: bool, argument: str, number: int) -> Sequence[str]:
    """Return the tokens of a line, or of a part of it that may be long."""
    tokens = list(by.tokens(line if continued else line.lstrip(MARK)))
    if len(line) > LONGEST and max(map(len, tokens), default=0) > LONGEST:
        raise _too_long(argument, number)
    return tokens


def _too_long(argument: str, number: int) -> ValueError:
    return ValueError(
        f"`{argument}` must have a place to cut, such as white space, within {LONGEST:,} characters; got none in line "
        f"{number}. Choose another `tokenize`, or break the line."
    )
