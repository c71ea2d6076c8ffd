"""The tables of a training: what they start from, and which rows stay frozen."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tf_emb.corpus import Vocabulary

Masks = tuple[np.ndarray, np.ndarray]  # of the input and the output table: bool, shape (vocab,)


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


def masks(vocabulary: Vocabulary, words: Iterable[str], output: Iterable[str] = (), loss: str = "") -> Masks:
    """Return True for frozen rows.

    Args:
        vocabulary: its ids number the rows.
        words: words whose input rows are frozen.
        output: words whose output rows are frozen.
        loss: see `Word2Vec`.

    Raises:
        ValueError: a word is not in the vocabulary; or output rows belong to the inner nodes of a tree, not to words.
    """
    of_input, of_output = [_rows(vocabulary, list(side)) for side in (words, output)]
    if loss == "hierarchical-softmax" and of_output.any():
        raise ValueError(
            f"`output` must be empty with hierarchical softmax, whose output rows are not words; got "
            f"{of_output.sum()} words. Freeze input vectors only."
        )
    return of_input, of_output


def _rows(vocabulary: Vocabulary, words: list[str]) -> np.ndarray:
    mask = np.zeros(len(vocabulary), bool)
    for word in words:
        if word not in vocabulary.ids:
            raise ValueError(f"`frozen` must be known words; got {word!r}. Leave it out, or pass a list of words.")
        mask[vocabulary.ids[word]] = True
    return mask


def as_tensors(of: Masks) -> tuple[Any, Any]:
    """Return a tensor for each table, or None if it has no frozen row: training then looks nothing up."""
    import tensorflow as tf

    of_input, of_output = [tf.constant(mask) if mask.any() else None for mask in of]
    return of_input, of_output
