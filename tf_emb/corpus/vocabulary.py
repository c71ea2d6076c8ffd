"""Words, their counts, and their ids: the most frequent word is id 0."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from tf_emb.corpus.checks import integer, shown
from tf_emb.corpus.sentences import sentences_of, strings


@dataclass(frozen=True)
class Vocabulary:
    """Words by descending count; ties keep the order of first appearance.

    Attributes:
        words: the word of every id.
        counts: int64, shape (vocab,), occurrences of each word in the corpus.

    Raises:
        ValueError: the words are not distinct strings, or there is not one whole number of 0 or more for each.
    """

    words: tuple[str, ...]
    counts: np.ndarray

    def __post_init__(self) -> None:
        if isinstance(self.words, str | bytes) or not isinstance(self.words, Iterable):
            raise ValueError(f"`words` must be a tuple of strings; got {shown(self.words)}. Pass one string a row.")
        words = strings(list(self.words), "`words` must be strings; got {wrong}. Pass every token as text.")
        if len(set(words)) < len(words):
            word = next(word for word, count in Counter(words).items() if count > 1)
            raise ValueError(f"`words` must be distinct; got {shown(word)} twice. Add up its counts.")
        object.__setattr__(self, "words", tuple(words))
        object.__setattr__(self, "counts", _whole_numbers(self.counts, len(words)))

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
        check_ranks(min_count, max_vocab)
        counter = Counter(chain.from_iterable(sentences_of(sentences, "sentences")))
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
        check_ranks(min_count, max_vocab)
        counts = _whole_numbers(counts, len(words))
        order = np.argsort(-counts, kind="stable")
        order = order[counts[order] >= min_count][:max_vocab]
        if not len(order):
            raise ValueError(
                f"`min_count` must leave at least one word; got {min_count} for a corpus of {counts.sum()} tokens and "
                f"{len(words)} types. {'Lower it or give more text.' if len(words) else NOTHING}"
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


NOTHING = "Give text; a stream, or an iterator of sentences, that was read to its end has none left."


def check_ranks(min_count: Any, max_vocab: Any) -> None:
    """Refuse what cannot rank a vocabulary.

    Raises:
        ValueError: `min_count` is not an integer of 0 or more, or `max_vocab` not one of 1 or more, or None.
    """
    integer("min_count", min_count, 0, 2**63 - 1, "Use 1 to keep every word.")
    if max_vocab is not None:
        integer("max_vocab", max_vocab, 1, 2**63 - 1, "Use None to keep every word.")


def checked_vocabulary(vocabulary: Any) -> Vocabulary:
    """Return a vocabulary that has a word and a count.

    Raises:
        ValueError: it is none, or has no word, or no word was seen.
    """
    if not isinstance(vocabulary, Vocabulary):
        raise ValueError(
            f"`vocabulary` must be a Vocabulary; got {shown(vocabulary)}. Use Vocabulary.build(sentences)."
        )
    if not vocabulary.counts.any():
        raise ValueError(
            f"`vocabulary` must have a word with a count above 0; got {len(vocabulary)} words. "
            "Use Vocabulary.build(sentences)."
        )
    return vocabulary


def _whole_numbers(counts: Any, size: int) -> np.ndarray:
    """Return counts as int64, one for each of `size` words."""
    try:
        given = np.asarray(counts)
        with np.errstate(invalid="ignore"):  # of NaN, which is refused below
            whole = given.astype(np.int64)
        right = given.dtype.kind in "iuf" and whole.shape == (size,) and bool(np.all((whole == given) & (whole >= 0)))
    except (TypeError, ValueError, OverflowError):
        right = False
    if not right and not (size == 0 and np.size(counts) == 0):
        raise ValueError(
            f"`counts` must hold a whole number of 0 or more for each of the {size} words; got {shown(counts)}. "
            "Count the words with Vocabulary.build(sentences)."
        )
    return whole if right else np.zeros(0, np.int64)
