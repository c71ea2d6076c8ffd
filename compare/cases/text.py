"""The embedded corpus, as the draws that cases train on. Made once in NumPy, injected everywhere."""

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tf_emb.corpus import Draws, Vocabulary


@cache
def lee() -> list[list[str]]:
    """Return the tokens of the 300 documents of gensim's `lee_background.cor`."""
    from tf_emb.corpus import lee_background

    return lee_background()


@cache
def vocabulary(max_vocab: int | None = None) -> "Vocabulary":
    """Return the words seen at least 5 times, or the `max_vocab` most frequent of them."""
    from tf_emb.corpus import Vocabulary

    return Vocabulary.build(lee(), min_count=5, max_vocab=max_vocab)


@cache
def tokens(max_vocab: int | None = None) -> np.ndarray:
    """Return the ids of every known word of the corpus, in text order."""
    known = vocabulary(max_vocab)
    return np.concatenate([known.encode(document) for document in lee()])


def passage(rng: np.random.Generator, length: int, max_vocab: int | None = None) -> np.ndarray:
    """Return `length` consecutive ids from anywhere in the corpus: frequent words repeat, as in every text."""
    ids = tokens(max_vocab)
    start = int(rng.integers(len(ids) - length))
    return ids[start : start + length].copy()


def draws(
    rng: np.random.Generator, max_vocab: int | None = None, window: int = 5, max_words: int | None = None
) -> "Draws":
    """Return skip-gram pairs and noise words of the corpus, in text order."""
    from tf_emb.corpus import skipgram_draws

    return skipgram_draws(lee(), vocabulary(max_vocab), rng, window=window, max_words=max_words)


def batch(rng: np.random.Generator, size: int, max_vocab: int, every: int, column: int) -> "Draws":
    """Return consecutive skip-gram pairs and their noise words.

    A noise word that is the context word itself is rare, so it is put into one column of `every`-th row.
    """
    whole = draws(rng, max_vocab)
    start = int(rng.integers(len(whole) - size))
    part = whole[start : start + size]
    noise = part.noise.copy()
    noise[::every, column] = part.context[::every]
    return replace(part, noise=noise)
