"""Text files, one sentence a line, as lists of tokens."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_LETTERS = re.compile(r"[^\W\d_]+")


def words(line: str) -> list[str]:
    """Return the lower-cased runs of letters of `line`; digits and punctuation separate words."""
    return _LETTERS.findall(line.lower())


def read_sentences(path: str | Path, tokenize: Callable[[str], Iterable[str]] = str.split) -> Iterator[list[str]]:
    """Yield one list of tokens for every line of a UTF-8 text file.

    Args:
        path: the file; a line is a sentence.
        tokenize: from a line to its tokens; white space by default.

    Raises:
        ValueError: `path` is not a readable UTF-8 text file.
    """
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                yield list(tokenize(line))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"`path` must be UTF-8 text; {path} is not ({error.reason} at byte {error.start}). "
            "Convert it first, for example with iconv."
        ) from None
    except OSError as error:
        raise ValueError(f"`path` must be a readable file; got {path} ({error.strerror}).") from None


def lee_background() -> list[list[str]]:
    """Return the 300 news documents that gensim ships (Lee, Pincombe and Welsh 2005), tokenised."""
    from gensim.test.utils import datapath

    return list(read_sentences(datapath("lee_background.cor"), words))
