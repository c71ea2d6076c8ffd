"""The likelihood of text that a training has not seen, under the softmax of skip-gram."""

import numpy as np

_CENTERS = 512  # at once


def log_likelihood(
    input_table: np.ndarray, output_table: np.ndarray, ids: np.ndarray, *, window: int,
    log_prior: np.ndarray | None = None,
) -> float:  # fmt: skip
    """Return the mean of -log softmax(v'_o . v_i) over pairs, in nats.

    Every pair within `window` counts with the probability that a radius uniform in 1..window reaches it:
    (window - |distance| + 1) / window.

    Args:
        input_table: v, shape (vocab, dim).
        output_table: v', shape (vocab, dim).
        ids: shape (time,), -1 after every sentence.
        window: the largest radius.
        log_prior: shape (vocab,), added to every v'_o . v_i.
    """
    total = weights = 0.0
    sentence = np.cumsum(ids < 0)
    words = np.flatnonzero(ids >= 0)
    for start in range(0, len(words), _CENTERS):
        at = words[start : start + _CENTERS]
        u = input_table[ids[at]] @ output_table.T
        u = u if log_prior is None else u + log_prior
        top = u.max(axis=1, keepdims=True)
        log_p = u - top - np.log(np.exp(u - top).sum(axis=1, keepdims=True))
        for distance in (*range(-window, 0), *range(1, window + 1)):
            to = at + distance
            inside = (to >= 0) & (to < len(ids))
            inside[inside] = (ids[to[inside]] >= 0) & (sentence[to[inside]] == sentence[at[inside]])
            weight = (window - abs(distance) + 1) / window
            total -= weight * float(log_p[inside, ids[to[inside]]].sum())
            weights += weight * int(inside.sum())
    return total / weights if weights else float("nan")
