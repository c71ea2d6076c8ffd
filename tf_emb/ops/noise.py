"""Noise words for negative sampling: P(w) proportional to count(w)^0.75. NumPy only.

Mikolov et al. 2013, "Distributed Representations of Words and Phrases", section 2.2.
"""

import numpy as np

DOMAIN = 2**31 - 1


def noise_distribution(counts: np.ndarray, exponent: float = 0.75) -> np.ndarray:
    """Return count^exponent / sum(count^exponent), float64, shape (vocab,)."""
    weights = np.asarray(counts, np.float64) ** exponent
    return weights / weights.sum()


def draw_noise(distribution: np.ndarray, shape: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw word ids from `distribution` by inverting its cumulative sum; int64, of `shape`."""
    cumulative = np.cumsum(distribution)
    ids = np.searchsorted(cumulative, rng.random(shape) * cumulative[-1], side="right")
    return np.minimum(ids, len(distribution) - 1)


def cumulative_counts(distribution: np.ndarray) -> np.ndarray:
    """Return the cumulative sum of `distribution`, scaled to 0..2^31 - 1 and rounded; int32, shape (vocab,).

    Word i is drawn for the integers in cumulative[i-1] <= r < cumulative[i]. These are integers, as in gensim's table:
    a float32 sum near 1 cannot represent a probability below 6e-8, which occurs in a large vocabulary; these resolve
    5e-10.
    """
    total = np.cumsum(np.asarray(distribution, np.float64))
    return np.rint(total / total[-1] * DOMAIN).astype(np.int32)
