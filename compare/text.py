"""The embedded corpus, as the draws that cases train on. Made once in NumPy, injected everywhere."""

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


def draws(
    rng: np.random.Generator, max_vocab: int | None = None, window: int = 5, max_words: int | None = None
) -> "Draws":
    """Return skip-gram pairs and noise words of the corpus, in text order."""
    from tf_emb.corpus import skipgram_draws

    return skipgram_draws(lee(), vocabulary(max_vocab), rng, window=window, max_words=max_words)
