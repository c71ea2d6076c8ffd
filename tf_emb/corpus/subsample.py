"""Subsampling of frequent words.

A word of relative frequency f is kept with probability min(1, sqrt(t/f) + t/f): the rule of the
program word2vec.c. The paper (Mikolov et al. 2013, "Distributed Representations of Words and
Phrases", equation 5) discards with probability 1 - sqrt(t/f) instead; the program is what its
readers use. It is applied before windows are cut, so windows reach across dropped words.
"""

import numpy as np


def keep_probability(counts: np.ndarray, sample: float) -> np.ndarray:
    """Return min(1, sqrt(t/f) + t/f) for every word.

    Args:
        counts: shape (vocab,), occurrences.
        sample: the threshold t, a relative frequency; 0 keeps every word.

    Returns:
        float64, shape (vocab,), probabilities.

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
