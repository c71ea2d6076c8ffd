"""Training by blocks: many neighbouring centres per step, by a GradientTape.

A step reads the rows that its blocks use, takes the gradient of their loss, and writes each row back once. It differs
from training pair by pair in that the gradient is taken at the tables before the step, noise words are shared by a
block and kept even if they equal a context word, and a row's summed gradient is limited (`Rows.descend`).
"""

from typing import Any, Protocol

import tensorflow as tf

from tf_emb.word2vec.blocks.rows import AllRows, Rows
from tf_emb.word2vec.blocks.stream import Stream
from tf_emb.word2vec.options import Options

Tables = tuple[Any, Any]
Frozen = tuple[Any, Any]  # of each table: bool (vocab,), or None if every row is trained


class Objective(Protocol):
    """A model with its loss: which rows a step needs, and their loss."""

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the ids of the rows of the input and of the output table, int32 of any shape; None for all rows."""

    def loss(self, inputs: Any, outputs: Any, at: Stream) -> tuple[Any, Any]:
        """Return the loss in nats, and the number of pairs or centres summed.

        Args:
            inputs: the rows at the ids, shape (*ids.shape, dim), or the whole table.
            outputs: likewise.
            at: one step of a stream.
        """


def take_step(
    objective: Objective, tables: Tables, at: Stream, rate: Any, limit: float, frozen: Frozen = (None, None)
) -> tuple[Any, Any]:
    """Take one step of gradient descent.

    Args:
        objective: the model and its loss.
        tables: TensorFlow variables, input and output, changed in place.
        at: one step of a stream.
        rate: the learning rate, the dtype of the tables.
        limit: see `Rows.descend`.
        frozen: rows that are not trained.

    Returns:
        The loss before the step, in nats, and the number of terms.
    """
    sides = [
        AllRows.read(table) if ids is None else Rows.read(table, ids)
        for table, ids in zip(tables, objective.ids(at), strict=True)
    ]
    inputs, outputs = places = [rows.at_places() for rows in sides]
    with tf.GradientTape() as tape:
        tape.watch(places)
        loss, count = objective.loss(inputs, outputs, at)
    gradients = tape.gradient(loss, places)
    for table, rows, gradient, stays in zip(tables, sides, gradients, frozen, strict=True):
        rows.descend(table, gradient, rate, limit, stays)
    return loss, count


def train_stream(
    objective: Objective, tables: Tables, of: Stream, rates: tuple[Any, Any], options: Options,
    frozen: Frozen = (None, None),
) -> tuple[Any, Any]:  # fmt: skip
    """Take every step of a stream, while the rate falls linearly from the first of `rates` to the second.

    Returns:
        The loss and the number of terms, both float64: a float32 stops counting at 16,777,216.
    """
    loss, count = tf.constant(0.0, tf.float64), tf.constant(0.0, tf.float64)
    dtype = tables[0].dtype
    for i in tf.range(of.steps):
        tf.autograph.experimental.set_loop_options(parallel_iterations=1)
        done = tf.cast(i, dtype) / tf.cast(of.steps, dtype)
        rate = rates[0] + (rates[1] - rates[0]) * done
        nats, seen = take_step(objective, tables, of.at(i, options), rate, options.limit, frozen)
        loss, count = loss + tf.cast(nats, tf.float64), count + tf.cast(seen, tf.float64)
    return loss, count
