"""Whether a label of word2vec's binary format goes on in its vector.

The first space ends a label. gensim also writes labels with spaces: of "new york" a reader makes the label "new", and
of "york " and all but the last bytes of the vector another vector, without an error if the next label takes up what is
left. So wherever the bytes of a vector begin with text and a space, both ways to read them are compared. Vectors of one
table have numbers of similar magnitude; bytes that are read one place off, or text, have exponents of all kinds.
"""

import re
from itertools import islice

import numpy as np

# UTF-8 without NUL and line breaks, as little of it as possible, up to a space.
_TEXT = re.compile(
    rb"(?:[\x01-\x09\x0b-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})*? "
)
# Or a word in another encoding, which is short, because bytes of vectors happen to look like long ones, and in large
# tables up to where the next vector begins.
_MORE = re.compile(_TEXT.pattern + rb"|[\t\x20-\x7e\x80-\xff]{0,24}? ")
_MOST = 32  # spaces in the text that a vector begins with: it is text
_SPREAD = (
    8.0  # powers of two from the median, in the mean, of numbers that may be a vector; 1.2 for a normal distribution
)
_AWAY = 24.0  # powers of two from the median of other rows
_SAMPLE = 200  # rows


def doubtful(data: bytes, starts: list[int], dim: int, breaks: bool = False) -> int | None:
    """Return the first place whose vector may begin with the rest of a label; None for none.

    Args:
        data: bytes of the file.
        starts: where vectors begin by the first space.
        dim: numbers of a vector.
        breaks: whether a line break follows each vector.
    """
    size = 4 * dim
    found = {i: ends for i, start in enumerate(starts) if (ends := _ends(data, start, size))}
    if not found:
        return None
    others = (start for i, start in enumerate(starts) if i not in found)
    usual = _median([_exponents(data, start, dim) for start in islice(others, _SAMPLE)])
    for i, ends in found.items():
        if len(ends) > _MOST:
            return i
        said = _may_be_vector(_exponents(data, starts[i], dim), usual)
        also = [end for end in ends if _may_end(data, end + size, breaks)]
        if also and (not said or any(_may_be_vector(_exponents(data, end, dim), usual) for end in also)):
            return i
    return None


def _ends(data: bytes, start: int, size: int) -> list[int]:
    """Return where a label could end instead: behind the spaces in the text that the vector begins with."""
    ends: list[int] = []
    at = start
    while len(ends) <= _MOST and (match := _MORE.match(data, at, start + size)):
        at = match.end()
        ends.append(at)
    return ends


def _may_end(data: bytes, at: int, breaks: bool) -> bool:
    """Return whether a vector could end here: with the data, or before a label, as far as there is one."""
    if breaks:
        return data[at : at + 1] == b"\n"
    return at == len(data) or (at < len(data) and (_TEXT.match(data, at) is not None or data.find(b" ", at) < 0))


def _exponents(data: bytes, start: int, dim: int) -> np.ndarray:
    """Return the exponents, biased by 127, of the numbers that are not 0."""
    bits = np.frombuffer(data, "<u4", dim, start) & 0x7FFFFFFF
    return np.asarray(bits[bits != 0] >> 23, np.int32)


def _median(exponents: list[np.ndarray]) -> float | None:
    every = np.concatenate(exponents) if exponents else np.empty(0)
    return float(np.median(every)) if len(every) else None


def _may_be_vector(exponents: np.ndarray, usual: float | None) -> bool:
    if not len(exponents):
        return True
    middle = float(np.median(exponents))
    return bool(np.abs(exponents - middle).mean() <= _SPREAD and (usual is None or abs(middle - usual) <= _AWAY))
