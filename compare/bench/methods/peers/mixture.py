"""Mixtures of language models: p(w | h) = sum_i a_i p_i(w | h), with the best weights for a text.

Jelinek and Mercer 1980, "Interpolated estimation of Markov source parameters from sparse data"; Bengio et al. 2003,
section 4.2, mix a neural model with a trigram this way.
"""

import numpy as np

ROUNDS = 200


def mixture_weights(logs: np.ndarray) -> np.ndarray:
    """Return the weights a that maximise the likelihood of a text, by expectation maximisation.

    Args:
        logs: log p_i of every token, shape (models, tokens).

    Returns:
        Shape (models,), with sum 1: each is the mean share of its model, a_i p_i / sum_j a_j p_j.
    """
    weights = np.full(len(logs), 1 / len(logs))
    p = np.exp(logs - logs.max(axis=0))  # the likeliest becomes 1, so that no sum is 0
    for _ in range(ROUNDS):
        weights = (weights[:, None] * p / (weights @ p)).mean(axis=1)
    return weights


def mixed(logs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mixture's log p of every token, shape (tokens,)."""
    highest = logs.max(axis=0)
    return np.log(weights @ np.exp(logs - highest)) + highest
