"""The tables of a training: what they start from, and which rows stay frozen."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tf_emb.corpus import Vocabulary
from tf_emb.corpus.checks import integer, seed_of, shown

Masks = tuple[np.ndarray, np.ndarray]  # of the input and the output table: bool, shape (vocab,)


def start_tables(vocab: int, dim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return an input table, uniform in (-1/2, 1/2) / dim, and an output table of zeros (word2vec.c, InitNet).

    Args:
        vocab: number of words.
        dim: size of a vector.
        seed: seed of the input table.

    Returns:
        Two arrays, float32, shape (vocab, dim).

    Raises:
        ValueError: `vocab` or `dim` is not an integer of 1 or more, or `seed` none from 0 to 2^31 - 1.
    """
    vocab, dim = integer("vocab", vocab, remedy="Use len(vocabulary)."), integer("dim", dim, remedy="Use 100.")
    seed = seed_of(seed)
    start = (np.random.default_rng(seed).random((vocab, dim), np.float32) - 0.5) / np.float32(dim)
    return start, np.zeros((vocab, dim), np.float32)


def started_from(start: np.ndarray, vocabulary: Vocabulary, vectors: Any) -> np.ndarray:
    """Copy the vectors of the words that have one into `start`, and return it.

    Raises:
        ValueError: `vectors` are none, have another size, or that of a word is not finite.
    """
    size = getattr(vectors, "vector_size", None)
    if size is None or not hasattr(vectors, "__contains__"):
        raise ValueError(f"`vectors` must be Vectors or KeyedVectors; got {shown(vectors)}. Use load_vectors(path).")
    if size != start.shape[1]:
        raise ValueError(
            f"`vectors` must have size {start.shape[1]}, that of `dim`; got {size}. Use Word2Vec(dim={size})."
        )
    for i, word in enumerate(vocabulary.words):
        if word in vectors:
            with np.errstate(over="ignore"):  # what float32 cannot hold is refused with what is not finite
                start[i] = vectors[word]
            if not np.isfinite(start[i]).all():
                raise ValueError(
                    f"`vectors` must be finite; got that of {shown(word)} with another number. Leave it out."
                )
    return start


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
    for side in (words, output):
        if isinstance(side, str | bytes) or not isinstance(side, Iterable):
            raise ValueError(f"`frozen` must be a list of words; got {shown(side)}. Use [word] for one.")
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
        if not isinstance(word, str) or word not in vocabulary.ids:
            raise ValueError(f"`frozen` must be known words; got {shown(word)}. Leave it out, or pass a list of words.")
        mask[vocabulary.ids[word]] = True
    return mask


def as_tensors(of: Masks) -> tuple[Any, Any]:
    """Return a tensor for each table, or None if it has no frozen row: training then looks nothing up."""
    import tensorflow as tf

    of_input, of_output = [tf.constant(mask) if mask.any() else None for mask in of]
    return of_input, of_output
