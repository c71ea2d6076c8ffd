"""The tables that training starts from."""

import numpy as np


def start_tables(vocab: int, dim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return an input table, uniform in (-1/2, 1/2) / dim, and an output table of zeros (word2vec.c, InitNet).

    Args:
        vocab: number of words.
        dim: size of a vector.
        seed: of the input table.

    Returns:
        Two arrays, float32, shape (vocab, dim).
    """
    start = (np.random.default_rng(seed).random((vocab, dim), np.float32) - 0.5) / np.float32(dim)
    return start, np.zeros((vocab, dim), np.float32)
