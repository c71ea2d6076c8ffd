"""Mixtures of language models: p(w | h) = sum_i a_i p_i(w | h), with weights that suit a text best.

Jelinek and Mercer 1980, "Interpolated estimation of Markov source parameters from sparse data"; Bengio et al. 2003,
section 4.2, mix a neural model with a trigram so.
"""

import numpy as np

ROUNDS = 200


def mixture_weights(logs: np.ndarray) -> np.ndarray:
    """Return the weights a that make a text likeliest, by expectation and maximisation.

    Args:
        logs: log p_i of every token of the text, shape (models, tokens).

    Returns:
        Shape (models,), their sum 1: each is the mean share of its model, a_i p_i / sum_j a_j p_j.
    """
    weights = np.full(len(logs), 1 / len(logs))
    p = np.exp(logs - logs.max(axis=0))  # the likeliest is 1, so that none of the sums is 0
    for _ in range(ROUNDS):
        weights = (weights[:, None] * p / (weights @ p)).mean(axis=1)
    return weights


def mixed(logs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mixture's log p of every token, shape (tokens,)."""
    highest = logs.max(axis=0)
    return np.log(weights @ np.exp(logs - highest)) + highest
