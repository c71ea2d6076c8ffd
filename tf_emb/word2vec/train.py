"""Training word2vec with a GradientTape.

`train_exact` updates after every pair, in the given order: what word2vec defines, and what can be
compared with other programs number by number.
"""

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.corpus.draws import Draws
from tf_emb.ops.gather import uncast
from tf_emb.word2vec.model import SkipGram


def linear_rates(progress: np.ndarray, start: float = 0.025, floor: float = 1e-4) -> np.ndarray:
    """Return the learning rate of every pair: start * max(1 - progress, floor) (word2vec.c, l. 397).

    Args:
        progress: share of the words seen before each pair, in [0, 1).
        start: the rate at the beginning.
        floor: the lowest share of `start`.
    """
    return start * np.maximum(1.0 - progress, floor)


def train_exact(model: SkipGram, draws: Draws, rates: np.ndarray) -> np.ndarray:
    """Train `model` one pair after the other, by stochastic gradient descent.

    For each pair, in order: table -= rate * dE/dtable, E the pair's negative-sampling loss, both
    tables taken as they were before the pair.

    Args:
        model: changed in place.
        draws: the pairs and their noise words.
        rates: shape (pairs,), the learning rate of each.

    Returns:
        The loss of every pair before its update, in nats, shape (pairs,), the dtype of the tables.

    Raises:
        ValueError: `rates` does not give one rate for every pair.
    """
    if np.shape(rates) != (len(draws),):
        raise ValueError(
            f"`rates` must have shape ({len(draws)},), one rate for every pair; got {np.shape(rates)}. "
            "Use linear_rates(draws.progress)."
        )
    ids = (tf.constant(array) for array in (draws.center, draws.context, draws.noise))
    return _loop(model)(*ids, tf.constant(rates, model.center.variable_dtype)).numpy()


def _loop(model: SkipGram) -> Any:
    """Return the compiled loop of `model`; one a model, so that a second model does not retrace the first's."""
    if not hasattr(model, "_exact_loop"):
        model._exact_loop = tf.function(partial(_train_pairs, model), reduce_retracing=True)
    return model._exact_loop


def _train_pairs(model: SkipGram, center: Any, context: Any, noise: Any, rates: Any) -> Any:
    losses = tf.TensorArray(rates.dtype, size=tf.shape(rates)[0])
    for i in tf.range(tf.shape(rates)[0]):
        tf.autograph.experimental.set_loop_options(parallel_iterations=1)
        loss = _step(model, center[i : i + 1], context[i : i + 1], noise[i : i + 1], rates[i])
        losses = losses.write(i, tf.cast(loss, rates.dtype))
    return losses.stack()


def _step(model: SkipGram, center: Any, context: Any, noise: Any, rate: Any) -> Any:
    """Take one gradient step on one pair and return its loss."""
    tables = [uncast(model.center.embeddings), uncast(model.context.embeddings)]
    with tf.GradientTape() as tape:
        loss = model.pair_loss(center, context, noise)[0]
    for table, gradient in zip(tables, tape.gradient(loss, tables), strict=True):
        table.scatter_sub(tf.IndexedSlices(rate * gradient.values, gradient.indices))
    return loss
