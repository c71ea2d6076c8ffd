"""Tokenizers by name, and where each may cut a long line without changing its tokens."""

import logging
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from tf_emb.corpus.checks import shown
from tf_emb.corpus.sentences import strings

Name = Literal["whitespace", "characters", "jieba", "letters"]
Tokenize = Name | Callable[[str], Iterable[str]]


@dataclass(frozen=True)
class Tokenizer:
    """How text becomes tokens.

    Attributes:
        tokens: from a line, or a piece of one, to its tokens; a carriage return at the end makes no difference.
        cut: the last place where a text can be cut so that no token spans the cut; 0 if there is none.
    """

    tokens: Callable[[str], Iterable[str]]
    cut: Callable[[str], int]


def words(line: str) -> list[str]:
    """Return the lower-cased runs of letters of `line`; digits and punctuation separate words.

    A combining mark (the vowel signs of Hindi, the points of Hebrew and Arabic, an accent that is a character of its
    own) belongs to the letter before it, and a joiner between two letters to their word. A soft hyphen is left out.
    Rules WB4 to WB9 of Unicode's annex 29 do the same.
    """
    spaced = line.lower().translate(_LETTERS)
    found = spaced.split()
    if not (_LETTERS.others and _LETTERS.others.intersection(spaced)):
        return found
    stripped = (word.lstrip(_LETTERS.marks).rstrip(_JOINERS) for word in found)
    return [word for word in stripped if word]


def characters(line: str) -> list[str]:
    """Return every character of `line` except white space; a combining mark is a character of its own."""
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
        return Tokenizer(_checked(tokenize), after_white_space)
    if isinstance(tokenize, str) and tokenize == "jieba":
        return Tokenizer(_jieba(), after_other_than_words)
    if not isinstance(tokenize, str) or tokenize not in _NAMED:
        raise ValueError(
            f"`tokenize` must be one of {', '.join([*_NAMED, 'jieba'])} or a function; got {shown(tokenize)}. "
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
    return lambda line: [token for token in jieba.cut(line.rstrip("\r")) if not token.isspace()]


def _checked(function: Callable[[str], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return a function that gives a line without its end to `function`, and returns a list of strings."""

    def by(line: str) -> list[str]:
        found = function(line.rstrip("\r"))
        if isinstance(found, str | bytes) or not isinstance(found, Iterable):
            raise ValueError(f"`tokenize` must return a list of tokens; got {shown(found)}. Return a list of strings.")
        tokens = found if type(found) is list else list(found)
        return strings(tokens, "`tokenize` must return a list of strings; got {wrong} in it. Return text only.")

    return by


class _Letters(dict[int, Any]):
    """From every character to itself if it is a letter, a mark or a joiner, else to a space; found out when first met.

    Attributes:
        marks: the marks and joiners met so far, with which no word begins.
        others: the same as a set.
    """

    def __init__(self) -> None:
        super().__init__({_SOFT_HYPHEN: None})
        self.marks, self.others = "", set[str]()

    def __missing__(self, code: int) -> int:
        character = chr(code)
        mark = character in _JOINERS or unicodedata.category(character).startswith("M")
        if mark and character not in self.others:
            self.others.add(character)
            self.marks = self.marks + character
        self[code] = kept = code if mark or character.isalpha() else ord(" ")
        return kept


_SOFT_HYPHEN, _JOINERS = 0xAD, "\u200c\u200d"
_LETTERS = _Letters()
_NAMED = {
    "whitespace": Tokenizer(str.split, after_white_space),
    "characters": Tokenizer(characters, len),
    "letters": Tokenizer(words, after_white_space),
}
# As in jieba 0.42, which splits text at every run of such characters before it looks for words.
_OTHER = re.compile(r"[^\u4E00-\u9FD5a-zA-Z0-9+#&._%\-]+")
