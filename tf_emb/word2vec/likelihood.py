"""The likelihood of a held-out text: skip-gram under the full softmax, whatever loss the tables were trained with.

    -log p(o | i) = log sum_j exp(v'_j . v_i + b_j) - (v'_o . v_i + b_o)

averaged over the pairs of centre i and context o within the window (Mikolov et al. 2013, "Efficient Estimation of Word
Representations in Vector Space", section 3.2; Rong 2014, "word2vec Parameter Learning Explained", equation 4). Nothing
is drawn: a pair at distance r has weight (window - r + 1) / window, the probability that a radius uniform in 1..window
reaches it.

Tables trained by negative sampling know how far a word exceeds its noise distribution q, not its frequency:
v'_o . v_i tends to log p(o | i) - log q(o) - log K (Levy and Goldberg 2014, "Neural Word Embedding as Implicit Matrix
Factorization", with q for the unigram distribution). So b = log q makes such tables predict words; 0 does not.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

LOGITS = 1 << 23  # held at once: a block has LOGITS / vocabulary centres
PAIRS = 1 << 15  # pairs whose rows are held at once


def log_likelihood(input_table: Any, output_table: Any, ids: Any, *, window: int, log_prior: Any = None) -> float:
    """Return the mean negative log-likelihood of contexts, in nats per pair; lower is better.

    Products are computed at the dtype of the tables, means at float64. The cost is one product of all output rows with
    every *distinct* word of the text.

    Args:
        input_table: v, shape (vocab, dim): arrays, tensors or variables, float32 or float64.
        output_table: v', the same shape and dtype.
        ids: int32, shape (time,), -1 after every sentence; see `tf_emb.corpus.EncodedCorpus`.
        window: the largest radius; every word of `ids` counts, there is no subsampling.
        log_prior: b, shape (vocab,), added to the logits; None for zeros. Adding a constant changes nothing.

    Raises:
        ValueError: shapes do not fit, an id is out of range, `window` is below 1, or there is no pair.
    """
    table, output = tf.convert_to_tensor(input_table), tf.convert_to_tensor(output_table)
    vocab, dtype = table.shape[0], table.dtype
    prior = tf.zeros(vocab, dtype) if log_prior is None else tf.cast(tf.convert_to_tensor(log_prior), dtype)
    ids = np.asarray(ids)
    _check(table, output, prior, ids, window)
    mass, chosen = np.zeros(vocab), 0.0
    for centers, contexts, weight in pairs(ids, window):
        mass += weight * np.bincount(centers, minlength=vocab)
        chosen += weight * sum(_logits(table, output, prior, i, o) for i, o in _cut(PAIRS, centers, contexts))
    if not mass.any():
        raise ValueError("`ids` must have two neighbouring words; got no pair. Use more text.")
    words = np.flatnonzero(mass)
    sums = [_log_sums(table, output, prior, part) for (part,) in _cut(max(1, LOGITS // vocab), words)]
    return float((mass[words] @ np.concatenate(sums) - chosen) / mass.sum())


def pairs(ids: np.ndarray, window: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Yield centres and contexts at every distance and side, and their weight, (window - distance + 1) / window.

    Args:
        ids: shape (time,), -1 after every sentence, which no pair spans.
        window: the largest distance.
    """
    sentence = np.cumsum(ids < 0)
    for distance in range(1, min(window, len(ids) - 1) + 1):
        left, right = ids[:-distance], ids[distance:]
        near = (sentence[:-distance] == sentence[distance:]) & (left >= 0)
        weight = (window - distance + 1) / window
        yield left[near], right[near], weight
        yield right[near], left[near], weight


def _cut(size: int, *arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    for start in range(0, len(arrays[0]), size):
        yield tuple(array[start : start + size] for array in arrays)


def _logits(table: Any, output: Any, prior: Any, centers: np.ndarray, contexts: np.ndarray) -> float:
    """Return the sum of the logits of pairs."""
    products = tf.reduce_sum(tf.gather(table, centers) * tf.gather(output, contexts), 1) + tf.gather(prior, contexts)
    return float(tf.reduce_sum(tf.cast(products, tf.float64)))


def _log_sums(table: Any, output: Any, prior: Any, words: np.ndarray) -> np.ndarray:
    """Return the logarithm of every centre's sum over the vocabulary, float64."""
    logits = tf.matmul(tf.gather(table, words), output, transpose_b=True) + prior
    return tf.cast(tf.reduce_logsumexp(logits, axis=1), tf.float64).numpy()


def _check(table: Any, output: Any, prior: Any, ids: np.ndarray, window: int) -> None:
    vocab = table.shape[0]
    for name, got, shape in (("output_table", output, table.shape), ("log_prior", prior, (vocab,))):
        if got.shape != shape:
            raise ValueError(f"`{name}` must have shape {tuple(shape)}; got {tuple(got.shape)}. Give one row per word.")
    if window < 1:
        raise ValueError(f"`window` must be 1 or more; got {window}. Use 1 for direct neighbours only.")
    if ids.ndim != 1 or (ids.size and not (ids.min() >= -1 and ids.max() < vocab)):
        raise ValueError(
            f"`ids` must be one row of numbers from -1 to {vocab - 1}; got shape {ids.shape}"
            f"{f' and {ids.min()} to {ids.max()}' if ids.size else ''}. Encode the text with the tables' vocabulary."
        )
