"""Windows: which words are each other's context.

Every centre draws its own radius, uniform in 1..window, so near words are seen more often than far
ones (word2vec.c; Mikolov et al. 2013, "Efficient Estimation of Word Representations", section 3.2).
"""

import numpy as np


def skipgram_pairs(ids: np.ndarray, window: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return every (centre, context) pair of one sentence, centres in order, contexts left to right.

    Args:
        ids: shape (time,), the words of a sentence after subsampling.
        window: the largest radius, 1 or more.
        rng: draws one radius a centre.

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
