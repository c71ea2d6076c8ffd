"""Text files, one sentence a line, as lists of tokens."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path


def words(line: str) -> list[str]:
    """Return the lower-cased runs of letters of `line`; digits and punctuation separate words."""
    return "".join(character if character.isalpha() else " " for character in line.lower()).split()


def read_sentences(path: str | Path, tokenize: Callable[[str], Iterable[str]] = str.split) -> Iterator[list[str]]:
    """Yield one list of tokens for every line of a UTF-8 text file.

    Args:
        path: the file; a line is a sentence. A byte-order mark is skipped.
        tokenize: from a line to its tokens; white space by default.

    Raises:
        ValueError: `path` is not a readable UTF-8 text file.
    """
    seen = 0
    try:
        with open(path, "rb") as lines:
            for line in lines:
                text = line.decode("utf-8-sig" if seen == 0 else "utf-8")
                yield list(tokenize(text.rstrip("\r\n")))
                seen += len(line)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"`path` must be UTF-8 text; {path} is not ({error.reason} at byte {seen + error.start}). "
            "Convert it first, for example with iconv."
        ) from None
    except OSError as error:
        raise ValueError(f"`path` must be a readable file; got {path} ({error.strerror}).") from None


def lee_background() -> list[list[str]]:
    """Return the 300 news documents that gensim ships (Lee, Pincombe and Welsh 2005), tokenised."""
    from gensim.test.utils import datapath

    return list(read_sentences(datapath("lee_background.cor"), words))
