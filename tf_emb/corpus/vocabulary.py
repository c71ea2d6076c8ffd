"""Words, their counts, and their ids: the most frequent word is id 0."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np


@dataclass(frozen=True)
class Vocabulary:
    """Words by descending count; ties keep the order of first appearance.

    Attributes:
        words: the word of every id.
        counts: int64, shape (vocab,), occurrences of each word in the corpus.
    """

    words: tuple[str, ...]
    counts: np.ndarray

    @classmethod
    def build(
        cls, sentences: Iterable[Sequence[str]], *, min_count: int = 5, max_vocab: int | None = None
    ) -> "Vocabulary":
        """Count the words of `sentences` and keep those seen at least `min_count` times.

        Args:
            sentences: lists of tokens.
            min_count: the smallest count that is kept.
            max_vocab: keep only this many of the most frequent words.

        Raises:
            ValueError: no word is left.
        """
        counter = Counter(chain.from_iterable(sentences))
        counts = np.fromiter(counter.values(), np.int64, len(counter))
        return cls.ranked(list(counter), counts, min_count=min_count, max_vocab=max_vocab)

    @classmethod
    def ranked(
        cls, words: Sequence[str], counts: np.ndarray, *, min_count: int = 5, max_vocab: int | None = None
    ) -> "Vocabulary":
        """Order words by count and keep the frequent ones, as `build` does.

        Args:
            words: distinct, in the order of first appearance.
            counts: int64, shape (words,), occurrences.
            min_count: the smallest count that is kept.
            max_vocab: keep only this many of the most frequent words.

        Raises:
            ValueError: no word is left, or one is not a string.
        """
        if max_vocab is not None and max_vocab < 1:
            raise ValueError(f"`max_vocab` must be 1 or more; got {max_vocab}. Use None to keep every word.")
        others = [word for word in words if not isinstance(word, str)]
        if others:
            raise ValueError(f"`words` must be strings; got {others[0]!r}. Pass every token as text.")
        order = np.argsort(-counts, kind="stable")
        order = order[counts[order] >= min_count][:max_vocab]
        if not len(order):
            raise ValueError(
                f"`min_count` must leave at least one word; got {min_count} for a corpus of "
                f"{counts.sum()} tokens and {len(words)} types. Lower it or give more text."
            )
        return cls(tuple(map(words.__getitem__, order.tolist())), counts[order])

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of every word."""
        return {word: i for i, word in enumerate(self.words)}

    def encode(self, sentence: Iterable[str]) -> np.ndarray:
        """Return the ids of the words of `sentence` that are in the vocabulary, int64."""
        return np.array([self.ids[word] for word in sentence if word in self.ids], np.int64)
