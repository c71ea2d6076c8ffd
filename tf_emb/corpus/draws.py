"""Everything random about a skip-gram training, drawn once, in order, as plain arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tf_emb.corpus.subsample import keep_probability, subsample
from tf_emb.corpus.vocabulary import Vocabulary
from tf_emb.corpus.windows import skipgram_pairs
from tf_emb.ops.noise import draw_noise, noise_distribution


@dataclass(frozen=True)
class Draws:
    """The pairs of a training, in the order in which they are to be seen.

    Attributes:
        center: int64, shape (pairs,).
        context: int64, shape (pairs,).
        noise: int64, shape (pairs, negatives); may hold the context itself, which the loss skips.
        progress: float64, shape (pairs,): share of the kept words seen before the pair, in [0, 1).
        kept_words: how many words are left after the vocabulary and subsampling.
    """

    center: np.ndarray
    context: np.ndarray
    noise: np.ndarray
    progress: np.ndarray
    kept_words: int

    def __len__(self) -> int:
        return len(self.center)

    def __getitem__(self, pairs: slice) -> "Draws":
        """Return some of the pairs, in order; `kept_words` stays that of the whole."""
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
    """Draw subsampling, windows and noise for a whole training.

    Args:
        sentences: lists of tokens; consumed once.
        vocabulary: gives the ids and the counts.
        rng: the only source of randomness.
        window: the largest radius of a window, in kept words.
        negatives: noise words a pair.
        sample: subsampling threshold, see `keep_probability`.
        epochs: passes over the sentences, each with its own draws.
        max_words: stop at the end of the sentence in which this many kept words are reached.

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
