"""The tables that training starts from."""

import numpy as np

from tf_emb.corpus import Vocabulary


def start_tables(vocab: int, dim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return an input table, uniform in (-1/2, 1/2) / dim, and an output table of zeros (word2vec.c, InitNet).

    Args:
        vocab: number of words.
        dim: size of a vector.
        seed: seed of the input table.

    Returns:
        Two arrays, float32, shape (vocab, dim).
    """
    start = (np.random.default_rng(seed).random((vocab, dim), np.float32) - 0.5) / np.float32(dim)
    return start, np.zeros((vocab, dim), np.float32)


def carried_over(rows: np.ndarray, into: np.ndarray, old: Vocabulary, new: Vocabulary) -> np.ndarray:
    """Copy the rows of the words that both vocabularies hold, and return `into`.

    Args:
        rows: one row per word of `old`.
        into: one row per word of `new`, changed in place.
        old: the vocabulary of `rows`.
        new: the vocabulary of `into`.
    """
    kept = [(i, old.ids[word]) for i, word in enumerate(new.words) if word in old.ids]
    places, found = np.array(kept, np.int64).reshape(-1, 2).T
    into[places] = rows[found]
    return into
