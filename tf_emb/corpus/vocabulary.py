"""Words, their counts, and their ids: the most frequent word is id 0."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Vocabulary:
    """Words by descending count; ties keep the order in which the words first appeared.

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
        counter = Counter(word for sentence in sentences for word in sentence)
        kept = [(word, n) for word, n in counter.most_common(max_vocab) if n >= min_count]
        if not kept:
            raise ValueError(
                f"`min_count` must leave at least one word; got {min_count} for a corpus of "
                f"{counter.total()} tokens and {len(counter)} types. Lower it or give more text."
            )
        names, counts = zip(*kept, strict=True)
        return cls(names, np.array(counts, np.int64))

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of every word."""
        return {word: i for i, word in enumerate(self.words)}

    def encode(self, sentence: Iterable[str]) -> np.ndarray:
        """Return the ids of the words of `sentence` that are in the vocabulary, int64."""
        return np.array([self.ids[word] for word in sentence if word in self.ids], np.int64)
