"""Noise words for negative sampling: P(w) proportional to count(w)^0.75.

Mikolov et al. 2013, "Distributed Representations of Words and Phrases", section 2.2.
"""

import numpy as np


def noise_distribution(counts: np.ndarray, exponent: float = 0.75) -> np.ndarray:
    """Return count^exponent / sum(count^exponent), float64, shape (vocab,)."""
    weights = np.asarray(counts, np.float64) ** exponent
    return weights / weights.sum()


def draw_noise(distribution: np.ndarray, shape: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw word ids from `distribution` by inverting its cumulative sum; int64, of `shape`."""
    cumulative = np.cumsum(distribution)
    ids = np.searchsorted(cumulative, rng.random(shape) * cumulative[-1], side="right")
    return np.minimum(ids, len(distribution) - 1)
