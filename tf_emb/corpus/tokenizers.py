"""Tokenizers by name, and where each may cut a long line without changing its tokens."""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Name = Literal["whitespace", "characters", "jieba", "letters"]
Tokenize = Name | Callable[[str], Iterable[str]]


@dataclass(frozen=True)
class Tokenizer:
    """How text becomes tokens.

    Attributes:
        tokens: from a line, or a piece of one, to its tokens.
        cut: the last place where a text can be cut so that no token spans the cut; 0 if there is none.
    """

    tokens: Callable[[str], Iterable[str]]
    cut: Callable[[str], int]


def words(line: str) -> list[str]:
    """Return the lower-cased runs of letters of `line`; digits and punctuation separate words."""
    return "".join(character if character.isalpha() else " " for character in line.lower()).split()


def characters(line: str) -> list[str]:
    """Return every character of `line` except white space."""
    return list("".join(line.split()))


def tokenizer(tokenize: Tokenize) -> Tokenizer:
    """Return the tokenizer named `tokenize`.

    Args:
        tokenize: "whitespace"; "characters", all but white space; "letters", lower-cased runs of letters; "jieba",
            words of Chinese text (the extra `zh`), with punctuation and without white space; or a function from a
            line to its tokens, which receives a line of more than a million characters in pieces that end at white
            space.

    Raises:
        ValueError: there is no such tokenizer.
        ModuleNotFoundError: "jieba", and it is not installed.
    """
    if callable(tokenize):
        return Tokenizer(tokenize, after_white_space)
    if tokenize == "jieba":
        return Tokenizer(_jieba(), after_other_than_words)
    if tokenize not in _NAMED:
        raise ValueError(
            f"`tokenize` must be one of {', '.join([*_NAMED, 'jieba'])} or a function; got {tokenize!r}. "
            "Pass a function from a line to its tokens for another."
        )
    return _NAMED[tokenize]


def after_white_space(text: str) -> int:
    """Return where the last run of white space ends."""
    if not text or text[-1].isspace():
        return len(text)
    tail = text.rsplit(None, 1)
    return len(text) - len(tail[-1])


def after_other_than_words(text: str) -> int:
    """Return the end of the last character that jieba does not count as part of a word."""
    return max((found.end() for found in _OTHER.finditer(text)), default=0)


def _jieba() -> Callable[[str], list[str]]:
    try:
        import jieba
    except ImportError:
        raise ModuleNotFoundError("`tokenize` = 'jieba' needs the extra `zh`: pip install 'tf-emb[zh]'.") from None
    jieba.setLogLevel(logging.WARNING)  # it reports loading its dictionary on standard error
    return lambda line: [token for token in jieba.cut(line) if not token.isspace()]


_NAMED = {
    "whitespace": Tokenizer(str.split, after_white_space),
    "characters": Tokenizer(characters, len),
    "letters": Tokenizer(words, after_white_space),
}
# As in jieba 0.42, which splits text at every run of such characters before it looks for words.
_OTHER = re.compile(r"[^\u4E00-\u9FD5a-zA-Z0-9+#&._%\-]+")
