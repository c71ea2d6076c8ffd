"""Exact training: any model and loss, one example after another, by a GradientTape.

An example has context words c_1..c_n, and h is the mean of their rows in the input table; skip-gram has n = 1. With E
the loss of the example:

    output table -= rate dE/dtable;  input row c_i -= rate dE/dh / n

Both tables are read as they were before the example. `cbow_gradient="word2vec.c"` gives every context word dE/dh
undivided, as word2vec.c (line 492) and gensim do.

This is what word2vec defines, and so what can be compared with other programs number by number. `Word2Vec` is faster.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_emb.corpus import Draws
from tf_emb.layers.hierarchical_softmax import huffman
from tf_emb.word2vec.options import CbowGradient

# From hidden (dim,), output table (rows, dim), target and noise (negatives,) to nats, a scalar.
ExampleLoss = Callable[[Any, Any, Any, Any], Any]


@dataclass(frozen=True)
class Examples:
    """Training examples, in order.

    Attributes:
        context: int64, shape (examples, places): the words that predict, padded with -1; skip-gram has one place.
        target: int64, shape (examples,): the word to predict.
        noise: int64, shape (examples, negatives); may hold the target itself, which the loss skips.
        progress: float64, shape (examples,): share of the kept words seen before the example, in [0, 1).
    """

    context: np.ndarray
    target: np.ndarray
    noise: np.ndarray
    progress: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, part: slice) -> "Examples":
        """Return a slice of the examples."""
        return Examples(self.context[part], self.target[part], self.noise[part], self.progress[part])

    @classmethod
    def skipgram(cls, draws: Draws) -> "Examples":
        """Return one example per pair: the centre predicts the context word."""
        return cls(draws.center[:, None], draws.context, draws.noise, draws.progress)

    @classmethod
    def cbow(cls, draws: Draws) -> "Examples":
        """Return one example per centre: its whole window predicts it, against the noise words of its first pair.

        The pairs of a centre are adjacent in `draws`, and share their `progress`.
        """
        if not len(draws):
            return cls(np.zeros((0, 1), np.int64), draws.center, draws.noise, draws.progress)
        new = np.concatenate([[True], np.diff(draws.progress) != 0])
        first = np.flatnonzero(new)
        of = np.cumsum(new) - 1
        place = np.arange(len(draws)) - first[of]
        context = np.full((len(first), place.max() + 1), -1, np.int64)
        context[of, place] = draws.context
        return cls(context, draws.center[first], draws.noise[first], draws.progress[first])


def linear_rates(progress: np.ndarray, start: float = 0.025, floor: float = 1e-4) -> np.ndarray:
    """Return the learning rate of every example: start * max(1 - progress, floor) (word2vec.c, line 397).

    Args:
        progress: share of the words seen before each example, in [0, 1).
        start: the rate at the beginning.
        floor: the lowest share of `start`.
    """
    return start * np.maximum(1.0 - progress, floor)


class ExactTrainer:
    """Trains two tables by stochastic gradient descent, one example at a time.

    Args:
        tables: input and output, shape (vocab, dim); a tree uses vocab - 1 rows of the output. Variables of TensorFlow
            or Keras are trained in place, arrays are copied. See `start_tables`.
        loss: see `example_loss`, or a function with the same arguments.
        cbow_gradient: "exact" or "word2vec.c"; the two are the same for skip-gram.

    Attributes:
        tables: the two TensorFlow variables.

    Raises:
        ValueError: `cbow_gradient` is neither.

    Rong 2014, "word2vec Parameter Learning Explained".
    """

    def __init__(self, tables: Sequence[Any], loss: ExampleLoss, *, cbow_gradient: CbowGradient = "exact") -> None:
        if cbow_gradient not in ("exact", "word2vec.c"):
            raise ValueError(f"`cbow_gradient` must be 'exact' or 'word2vec.c'; got {cbow_gradient!r}. Choose one.")
        self.tables = tuple(map(_variable, tables))
        self._loss = loss
        self._mean = partial(context_mean, gradient=cbow_gradient)
        self._loop = tf.function(self._train, reduce_retracing=True)

    def train(self, examples: Examples, rates: np.ndarray) -> np.ndarray:
        """Take one step per example, in order.

        Args:
            examples: see `Examples`; each needs a context word.
            rates: shape (examples,), the learning rate of each; see `linear_rates`.

        Returns:
            The loss of every example before its update, in nats, shape (examples,), dtype of the tables.

        Raises:
            ValueError: there is one word only, `rates` does not give one finite rate per example, or an example has no
                context, or a word without a row.
        """
        if self.tables[0].shape[0] < 2:
            raise ValueError("`tables` must have two rows or more; got one word, which nothing is told from. Use more.")
        if np.shape(rates) != (len(examples),):
            raise ValueError(
                f"`rates` must have shape ({len(examples)},), one rate per example; got {np.shape(rates)}. "
                "Use linear_rates(examples.progress)."
            )
        if not np.all(np.any(examples.context >= 0, axis=1)):
            raise ValueError("`examples` must each have a context word; got one without. Leave it out.")
        if not np.isfinite(rates).all():
            raise ValueError("`rates` must be finite numbers; got another. Use linear_rates(examples.progress).")
        vocab = self.tables[0].shape[0]
        words = np.concatenate([examples.context.ravel(), examples.target])
        if words.max(initial=-1) >= vocab or examples.target.min(initial=0) < 0:
            raise ValueError(
                f"`examples` must have words below {vocab}, the rows of the tables; got another. Encode again."
            )
        ids = (tf.constant(array) for array in (examples.context, examples.target, examples.noise))
        return self._loop(*ids, tf.constant(rates, self.tables[0].dtype)).numpy()

    def loss(self, context: Any, target: Any, noise: Any) -> Any:
        """Return the loss of one example, in nats: a scalar that a GradientTape can differentiate.

        Args:
            context: ids, shape (places,), padded with -1.
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
        with tf.GradientTape() as tape:
            loss = self.loss(context, target, noise)
        for table, gradient in zip(self.tables, tape.gradient(loss, self.tables), strict=True):
            descend(table, gradient, rate)
        return loss


def _variable(table: Any) -> Any:
    held = table.value if isinstance(table, keras.Variable) else table
    return held if isinstance(held, tf.Variable) else tf.Variable(held)


def context_mean(rows: Any, gradient: CbowGradient) -> Any:
    """Return the mean of `rows`, (n, dim) to (dim,); each row gets 1 / n of its gradient, or all of it."""

    @tf.custom_gradient
    def undivided(of: Any) -> Any:
        return tf.reduce_mean(of, 0), lambda upstream: tf.broadcast_to(upstream, tf.shape(of))

    return tf.reduce_mean(rows, 0) if gradient == "exact" else undivided(rows)


def descend(table: Any, gradient: Any, rate: Any) -> None:
    """Subtract rate * gradient, which is dense or that of some rows."""
    if isinstance(gradient, tf.IndexedSlices):
        table.scatter_sub(tf.IndexedSlices(rate * gradient.values, gradient.indices))
    else:
        table.assign_sub(rate * gradient)


def example_loss(name: str, counts: Any = None) -> ExampleLoss:
    """Return a loss by name: "negative-sampling", "hierarchical-softmax" (needs `counts`) or "full-softmax".

    Raises:
        ValueError: there is no such loss, or `counts` are missing.
    """
    if name == "hierarchical-softmax":
        if counts is None:
            raise ValueError("`counts` must be given for hierarchical-softmax; got None. Use vocabulary.counts.")
        return hierarchical_softmax(huffman(counts))
    known: dict[str, ExampleLoss] = {"negative-sampling": negative_sampling, "full-softmax": full_softmax}
    if name not in known:
        raise ValueError(f"`loss` must be one of {', '.join(known)}, hierarchical-softmax; got {name!r}. Choose one.")
    return known[name]


def negative_sampling(hidden: Any, table: Any, target: Any, noise: Any) -> Any:
    """Return -log sigmoid(u_o) - sum_k log sigmoid(-u_k), skipping noise words that are the target.

    Mikolov et al. 2013, "Distributed Representations of Words and Phrases", equation 4.
    """
    # One lookup for both, so that a word that is target and noise at once gets one gradient.
    logits = tf.linalg.matvec(tf.gather(table, tf.concat([target[None], noise], 0)), hidden)
    counted = tf.where(tf.not_equal(noise, target), tf.math.softplus(logits[1:]), tf.zeros_like(logits[1:]))
    return tf.math.softplus(-logits[0]) + tf.reduce_sum(counted)


def full_softmax(hidden: Any, table: Any, target: Any, noise: Any) -> Any:
    """Return -log softmax(u)_o over the whole vocabulary; `noise` is not used.

    Rong 2014, "word2vec Parameter Learning Explained", equations 2 to 7.
    """
    logits = tf.linalg.matvec(tf.convert_to_tensor(table), hidden)
    return tf.reduce_logsumexp(logits) - logits[target]


def hierarchical_softmax(paths: tuple[Any, Any, Any]) -> ExampleLoss:
    """Return the loss -sum over the target's path of log sigmoid((1 - 2 code) u); `noise` is not used.

    Args:
        paths: codes, points and lengths of a tree, as `tf_emb.layers.huffman` returns them.

    Mikolov et al. 2013, "Distributed Representations of Words and Phrases", equation 3; Rong 2014, section 3.1.
    """
    codes, points, lengths = (np.asarray(array, np.int32) for array in paths)

    def loss(hidden: Any, table: Any, target: Any, noise: Any) -> Any:
        length = tf.constant(lengths)[target]
        logits = tf.linalg.matvec(tf.gather(table, tf.constant(points)[target][:length]), hidden)
        sign = tf.cast(2 * tf.constant(codes)[target][:length] - 1, logits.dtype)
        return tf.reduce_sum(tf.math.softplus(sign * logits))

    return loss
