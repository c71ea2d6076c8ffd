"""Exact training: every model and every loss, one example after the other, by a GradientTape.

An example has context words c_1..c_n and h = mean of their rows of the input table; skip-gram has one. With E the loss:

    output table -= rate dE/dtable;  input row c_i -= rate dE/dh / n

both tables taken as they were before the example. `cbow_gradient="word2vec.c"` gives every context word dE/dh
undivided, as word2vec.c (l. 492) and gensim do. `train_exact` is the same for a `SkipGram` with negative sampling.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.word2vec.exact_losses import ExampleLoss
from tf_emb.word2vec.examples import Examples
from tf_emb.word2vec.options import CbowGradient


class ExactTrainer:
    """Trains two tables by stochastic gradient descent, example by example.

    Args:
        tables: TensorFlow variables, changed in place: input (vocab, dim), and output (vocab, dim); the nodes of a tree
            use vocab - 1 of its rows.
        loss: a function of `tf_emb.word2vec.exact_losses`, or one like them.
        cbow_gradient: "exact" or "word2vec.c"; the same for skip-gram.

    Raises:
        ValueError: `cbow_gradient` is neither.
    """

    def __init__(self, tables: Sequence[Any], loss: ExampleLoss, *, cbow_gradient: CbowGradient = "exact") -> None:
        if cbow_gradient not in ("exact", "word2vec.c"):
            raise ValueError(f"`cbow_gradient` must be 'exact' or 'word2vec.c'; got {cbow_gradient!r}. Choose one.")
        self.tables, self._loss = tuple(tables), loss
        self._mean = partial(context_mean, gradient=cbow_gradient)
        self._loop = tf.function(self._train, reduce_retracing=True)

    def train(self, examples: Examples, rates: np.ndarray) -> np.ndarray:
        """Take every example in order.

        Args:
            examples: see `Examples`; each has a context word.
            rates: shape (examples,), the learning rate of each.

        Returns:
            The loss of every example before its update, in nats, shape (examples,), the dtype of the tables.

        Raises:
            ValueError: `rates` does not give one rate for every example, or an example has no context.
        """
        if np.shape(rates) != (len(examples),):
            raise ValueError(
                f"`rates` must have shape ({len(examples)},), one rate for every example; got {np.shape(rates)}. "
                "Use linear_rates(examples.progress)."
            )
        if not np.all(np.any(examples.context >= 0, axis=1)):
            raise ValueError("`examples` must have a context word each; got one without. Leave it out.")
        ids = (tf.constant(array) for array in (examples.context, examples.target, examples.noise))
        return self._loop(*ids, tf.constant(rates, self.tables[0].dtype)).numpy()

    def loss(self, context: Any, target: Any, noise: Any) -> Any:
        """Return the loss of one example, in nats, a scalar that a GradientTape can differentiate.

        Args:
            context: ids, shape (places,), -1 behind the last.
            target: an id.
            noise: ids, shape (negatives,).
        """
        rows = tf.gather(self.tables[0], tf.boolean_mask(context, context >= 0))
        return self._loss(self._mean(rows), self.tables[1], target, noise)

    def _train(self, context: Any, target: Any, noise: Any, rates: Any) -> Any:
        losses = tf.TensorArray(rates.dtype, size=tf.shape(rates)[0])
        for i in tf.range(tf.shape(rates)[0]):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            losses = losses.write(i, self._step(context[i], target[i], noise[i], rates[i]))
        return losses.stack()

    def _step(self, context: Any, target: Any, noise: Any, rate: Any) -> Any:
        """Take one gradient step on one example and return its loss."""
        with tf.GradientTape() as tape:
            loss = self.loss(context, target, noise)
        for table, gradient in zip(self.tables, tape.gradient(loss, self.tables), strict=True):
            descend(table, gradient, rate)
        return loss


def context_mean(rows: Any, gradient: CbowGradient) -> Any:
    """Return the mean of `rows`, (n, dim) to (dim,); its gradient is divided among them, or each gets all of it."""

    @tf.custom_gradient
    def undivided(of: Any) -> Any:
        return tf.reduce_mean(of, 0), lambda upstream: tf.broadcast_to(upstream, tf.shape(of))

    return tf.reduce_mean(rows, 0) if gradient == "exact" else undivided(rows)


def descend(table: Any, gradient: Any, rate: Any) -> None:
    """Subtract rate * gradient, dense or of some rows."""
    if isinstance(gradient, tf.IndexedSlices):
        table.scatter_sub(tf.IndexedSlices(rate * gradient.values, gradient.indices))
    else:
        table.assign_sub(rate * gradient)
