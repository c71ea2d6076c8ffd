"""Everything random about a skip-gram training, drawn once and in order, as plain arrays.

Subsampling. A word of relative frequency f is kept with probability min(1, sqrt(t/f) + t/f), the rule of the program
word2vec.c. The paper (Mikolov et al. 2013, "Distributed Representations of Words and Phrases", equation 5) discards it
with probability 1 - sqrt(t/f) instead; the program is what people use. Words are dropped before windows are cut, so
that windows reach across them.

Windows. Every centre draws its own radius, uniform in 1..window, so that near words count more than far ones
(word2vec.c; Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 3.2).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np

from tf_emb.corpus.checks import generator, integer, number
from tf_emb.corpus.encode import EncodedCorpus, as_encoded, encode_corpus
from tf_emb.corpus.pairs import check_pairs
from tf_emb.corpus.sentences import sentences_of
from tf_emb.corpus.vocabulary import Vocabulary, checked_vocabulary
from tf_emb.ops.noise import draw_noise, noise_distribution

MOST = 1 << 26  # numbers that the arrays of a training hold: 512 MiB
PIECE = 1 << 20  # ids, or pairs, at once


@dataclass(frozen=True)
class Draws:
    """The pairs of a training, in training order.

    Attributes:
        center: int64, shape (pairs,).
        context: int64, shape (pairs,).
        noise: int64, shape (pairs, negatives); may hold the context word itself, which the loss skips.
        progress: float64, shape (pairs,): share of the kept words seen before the pair, in [0, 1).
        kept_words: number of words left after the vocabulary and subsampling.
    """

    center: np.ndarray
    context: np.ndarray
    noise: np.ndarray
    progress: np.ndarray
    kept_words: int

    def __len__(self) -> int:
        return len(self.center)

    def __getitem__(self, pairs: slice) -> "Draws":
        """Return a slice of the pairs; `kept_words` stays that of the whole."""
        center, context, noise, progress = (a[pairs] for a in (self.center, self.context, self.noise, self.progress))
        return Draws(center, context, noise, progress, self.kept_words)


def skipgram_draws(
    sentences: EncodedCorpus | Iterable[Sequence[str]],
    vocabulary: Vocabulary,
    rng: np.random.Generator,
    *,
    window: int = 5,
    negatives: int = 5,
    sample: float = 1e-3,
    epochs: int = 1,
    max_words: int | None = None,
) -> Draws:
    """Draw subsampling, windows and noise words for a whole training.

    Args:
        sentences: lists of tokens, read once; or the corpus that `prepare` or `encode_corpus` made of them.
        vocabulary: provides ids and counts.
        rng: the only source of randomness.
        window: largest radius of a window, in kept words.
        negatives: noise words per pair.
        sample: subsampling threshold, see `keep_probability`.
        epochs: passes over the sentences, each with its own draws.
        max_words: stop at the end of the sentence that reaches this number of kept words.

    Raises:
        ValueError: an argument breaks its rule; no sentence has two words left, so there is no pair to learn from; or
            there are more pairs than fit into 512 MiB, which are 8 million with 5 negatives.
    """
    integer("window", window, remedy="Use 1 for direct neighbours only.")
    integer("negatives", negatives, 0, remedy="Use 5, or 0 for a loss without noise words.")
    integer("epochs", epochs, remedy="Use 1 for one pass.")
    if max_words is not None:
        integer("max_words", max_words, 0, 2**63 - 1, "Use None for the whole text.")
    generator(rng)
    of = _encoded(sentences, checked_vocabulary(vocabulary))
    check_pairs(of, "sentences")
    keep = keep_probability(vocabulary.counts, sample)
    centers, contexts, positions = [], [], []
    seen = pairs = 0
    for ids in chain.from_iterable(map(_sentences, repeat(of.ids, epochs))):
        if max_words is not None and seen >= max_words:
            break
        kept = subsample(ids, keep, rng)
        center, context = skipgram_pairs(kept, window, rng)
        centers.append(kept[center])
        contexts.append(kept[context])
        positions.append(seen + center)
        seen, pairs = seen + len(kept), pairs + len(center)
        if pairs * (negatives + 3) > MOST:
            raise ValueError(
                f"`sentences` must leave at most {MOST // (negatives + 3):,} pairs, which are held in memory; got more "
                f"in {seen:,} kept words. Pass `max_words` or fewer `epochs`, or train with Word2Vec."
            )
    if not pairs:
        raise ValueError(
            f"`sentences` must leave two neighbouring words; got {of.sentences:,} sentences and {seen:,} kept words. "
            "Raise `sample`, or give more text."
        )
    noise = _noise(vocabulary.counts, pairs, negatives, rng)
    return Draws(_joined(centers), _joined(contexts), noise, _joined(positions) / seen, seen)


def _encoded(sentences: Any, vocabulary: Vocabulary) -> EncodedCorpus:
    known = isinstance(sentences, EncodedCorpus)
    return (
        as_encoded(sentences, vocabulary) if known else encode_corpus(sentences_of(sentences, "sentences"), vocabulary)
    )


def _sentences(ids: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the ids of every sentence, int64."""
    rest = np.zeros(0, np.int64)
    for start in range(0, len(ids), PIECE):
        piece = np.concatenate([rest, ids[start : start + PIECE]])
        ends = np.flatnonzero(piece < 0)
        first = 0
        for end in ends.tolist():
            yield piece[first:end]
            first = end + 1
        rest = piece[first:]


def _noise(counts: np.ndarray, pairs: int, negatives: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the noise words piece by piece, which are those that one draw of all would give."""
    noise, distribution = np.empty((pairs, negatives), np.int64), noise_distribution(counts)
    for start in range(0, pairs, PIECE):
        part = noise[start : start + PIECE]
        part[:] = draw_noise(distribution, part.shape, rng)
    return noise


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    """Return the arrays as one, and let go of them."""
    whole: np.ndarray = np.concatenate(arrays)
    arrays.clear()
    return whole


def keep_probability(counts: np.ndarray, sample: float) -> np.ndarray:
    """Return min(1, sqrt(t/f) + t/f) for every word.

    Args:
        counts: shape (vocab,), occurrences.
        sample: the threshold t, a relative frequency; 0 keeps every word.

    Returns:
        Probabilities, float64, shape (vocab,).

    Raises:
        ValueError: `sample` is negative, or not a finite number.
    """
    sample = number("sample", sample, "a number of 0 or more", lambda value: value >= 0, "Use 0 to keep every word.")
    if sample == 0:
        return np.ones(len(counts))
    ratio = min(sample, 1.0) * counts.sum() / np.maximum(counts, 1)
    keep: np.ndarray = np.minimum(1.0, np.sqrt(ratio) + ratio)
    return keep


def subsample(ids: np.ndarray, keep: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the ids that survive one independent draw each; `keep` comes from `keep_probability`."""
    kept: np.ndarray = ids[rng.random(len(ids)) < keep[ids]]
    return kept


def skipgram_pairs(ids: np.ndarray, window: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return every (centre, context) pair of one sentence, centres in order, contexts from left to right.

    Args:
        ids: shape (time,), the words of a sentence after subsampling.
        window: the largest radius, 1 or more.
        rng: draws one radius per centre.

    Returns:
        Two arrays of positions in the sentence, int64, shape (pairs,).

    Raises:
        ValueError: `window` is below 1.
    """
    window = integer("window", window, remedy="Use 1 for direct neighbours only.")
    radius = rng.integers(1, window + 1, len(ids))
    reach = min(window, max(len(ids) - 1, 1))  # a window of millions takes no memory
    offsets = np.concatenate([np.arange(-reach, 0), np.arange(1, reach + 1)])
    context = np.arange(len(ids))[:, None] + offsets
    inside = (context >= 0) & (context < len(ids)) & (np.abs(offsets) <= radius[:, None])
    return np.nonzero(inside)[0], context[inside]
