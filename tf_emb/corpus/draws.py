"""Everything random about a skip-gram training, drawn once and in order, as plain arrays.

Subsampling. A word of relative frequency f is kept with probability min(1, sqrt(t/f) + t/f), the rule of the program
word2vec.c. The paper (Mikolov et al. 2013, "Distributed Representations of Words and Phrases", equation 5) discards it
with probability 1 - sqrt(t/f) instead; the program is what people use. Words are dropped before windows are cut, so
that windows reach across them.

Windows. Every centre draws its own radius, uniform in 1..window, so that near words count more than far ones
(word2vec.c; Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 3.2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tf_emb.corpus.vocabulary import Vocabulary
from tf_emb.ops.noise import draw_noise, noise_distribution


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
    sentences: Iterable[Sequence[str]],
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
        sentences: lists of tokens, read once.
        vocabulary: provides ids and counts.
        rng: the only source of randomness.
        window: largest radius of a window, in kept words.
        negatives: noise words per pair.
        sample: subsampling threshold, see `keep_probability`.
        epochs: passes over the sentences, each with its own draws.
        max_words: stop at the end of the sentence that reaches this number of kept words.

    Raises:
        ValueError: no sentence has two words left, so there is no pair to learn from.
    """
    encoded = [vocabulary.encode(sentence) for sentence in sentences]
    keep = keep_probability(vocabulary.counts, sample)
    centers, contexts, positions = [], [], []
    seen = 0
    for ids in encoded * epochs:
        if max_words is not None and seen >= max_words:
            break
        kept = subsample(ids, keep, rng)
        center, context = skipgram_pairs(kept, window, rng)
        centers.append(kept[center])
        contexts.append(kept[context])
        positions.append(seen + center)
        seen += len(kept)
    pairs = sum(map(len, centers))
    if not pairs:
        raise ValueError(
            f"`sentences` must hold two neighbouring words of the vocabulary; got {len(encoded)} sentences "
            f"and {seen} kept words. Lower `min_count`, raise `sample`, or give more text."
        )
    noise = draw_noise(noise_distribution(vocabulary.counts), (pairs, negatives), rng)
    progress = np.concatenate(positions) / seen
    return Draws(np.concatenate(centers), np.concatenate(contexts), noise, progress, seen)


def keep_probability(counts: np.ndarray, sample: float) -> np.ndarray:
    """Return min(1, sqrt(t/f) + t/f) for every word.

    Args:
        counts: shape (vocab,), occurrences.
        sample: the threshold t, a relative frequency; 0 keeps every word.

    Returns:
        Probabilities, float64, shape (vocab,).

    Raises:
        ValueError: `sample` is negative.
    """
    if sample < 0:
        raise ValueError(f"`sample` must be 0 or more; got {sample}. Use 0 to keep every word.")
    if sample == 0:
        return np.ones(len(counts))
    ratio = sample * counts.sum() / np.maximum(counts, 1)
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
    if window < 1:
        raise ValueError(f"`window` must be 1 or more; got {window}. Use 1 for direct neighbours only.")
    radius = rng.integers(1, window + 1, len(ids))
    offsets = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    context = np.arange(len(ids))[:, None] + offsets
    inside = (context >= 0) & (context < len(ids)) & (np.abs(offsets) <= radius[:, None])
    return np.nonzero(inside)[0], context[inside]
