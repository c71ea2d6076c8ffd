"""Which rows of the tables stay as they are."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tf_emb.corpus import Vocabulary

Masks = tuple[np.ndarray, np.ndarray]  # of the input and of the output table: bool, shape (vocab,)


def masks(vocabulary: Vocabulary, words: Iterable[str], output: Iterable[str] = (), loss: str = "") -> Masks:
    """Return True for the rows that stay.

    Args:
        vocabulary: whose ids the rows are.
        words: whose input rows stay.
        output: whose output rows stay.
        loss: see `Options`.

    Raises:
        ValueError: a word is not in the vocabulary; or the output rows are inner nodes of a tree, not words.
    """
    of_input, of_output = [_rows(vocabulary, list(side)) for side in (words, output)]
    if loss == "hierarchical-softmax" and of_output.any():
        raise ValueError(
            f"`output` must be empty with hierarchical softmax, whose output rows are no words; got {of_output.sum()} "
            "words. Freeze input vectors alone."
        )
    return of_input, of_output


def _rows(vocabulary: Vocabulary, words: list[str]) -> np.ndarray:
    mask = np.zeros(len(vocabulary), bool)
    for word in words:
        if word not in vocabulary.ids:
            raise ValueError(f"`frozen` must be words of the vocabulary; got {word!r}. Leave it out, or give a list.")
        mask[vocabulary.ids[word]] = True
    return mask


def as_tensors(of: Masks) -> tuple[Any, Any]:
    """Return a tensor for each table, None where every row moves: nothing is then looked up in training."""
    import tensorflow as tf

    of_input, of_output = [tf.constant(mask) if mask.any() else None for mask in of]
    return of_input, of_output
