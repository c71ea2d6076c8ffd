"""Sentences given as objects: lists of tokens, checked one by one as they are read."""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

import numpy as np

from tf_emb.corpus.checks import shown

_NO_SENTENCE = (str, bytes, bytearray, memoryview, Mapping, Set)  # nothing in order, or characters and bytes


def sentences_of(source: Any, argument: str) -> Iterator[list[str]]:
    """Yield the sentences of an iterable, each as a list of strings.

    A sentence is a list, a tuple, an array of strings, or another iterable of strings that has an order. A string of a
    subclass, such as NumPy's, becomes one of `str`.

    Args:
        source: an iterable of sentences, read once.
        argument: the caller's name for `source`, for error messages.

    Raises:
        ValueError: `source` is no such iterable, or holds something that is no sentence.
    """
    if isinstance(source, _NO_SENTENCE) or not isinstance(source, Iterable) or _no_rows(source):
        raise ValueError(
            f"`{argument}` must be a file, a stream open in binary mode, or lists of tokens; got {shown(source)}. "
            "Pass one list of strings for each sentence."
        )
    for number, sentence in enumerate(source, 1):
        yield tokens_of(sentence, argument, number)


def tokens_of(sentence: Any, argument: str, number: int) -> list[str]:
    """Return the tokens of the sentence with this number, counted from 1.

    Raises:
        ValueError: it is no list of strings.
    """
    if isinstance(sentence, _NO_SENTENCE) or not isinstance(sentence, Iterable) or _no_rows(sentence):
        raise ValueError(
            f"`{argument}` must hold lists of tokens; got {shown(_cut(sentence))} for sentence {number}. "
            "Split it, leave it out, or pass a stream."
        )
    tokens = sentence if type(sentence) is list else list(sentence)
    return strings(
        tokens,
        f"`{argument}` must hold lists of strings; got {{wrong}} in sentence {number}. Leave it out, or pass text.",
    )


def strings(tokens: list[Any], refusal: str) -> list[str]:
    """Return tokens as they are if all are of `str`; those of a subclass become `str`.

    Args:
        tokens: what a caller calls tokens.
        refusal: the message of the error, with {wrong} for the first that is no string.

    Raises:
        ValueError: one is no string.
    """
    if (kinds := set(map(type, tokens))) <= {str}:
        return tokens
    if all(issubclass(kind, str) for kind in kinds):
        return list(map(str.__str__, tokens))  # the text itself, whatever a subclass shows and hashes
    wrong = next(token for token in tokens if not isinstance(token, str))
    raise ValueError(refusal.replace("{wrong}", shown(wrong)))


def _cut(value: Any) -> Any:
    return value[:40] if isinstance(value, str | bytes) else value


def _no_rows(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 0
