"""Rows of the tables that are not trained."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tf_emb.corpus import Vocabulary

Masks = tuple[np.ndarray, np.ndarray]  # of the input and the output table: bool, shape (vocab,)


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
