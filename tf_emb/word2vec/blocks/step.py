"""Training by blocks: many neighbouring centres per step, by a GradientTape.

A step reads the rows that its blocks use, takes the gradient of their loss, and writes each row back once. It differs
from training pair by pair in that the gradient is taken at the tables before the step, noise words are shared by a
block and kept even if they equal a context word, and a row's summed gradient is limited (`Rows.descend`).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import tensorflow as tf

from tf_emb.ops.reductions import scaled_place_sum
from tf_emb.word2vec.blocks.stream import Stream
from tf_emb.word2vec.options import Options

Tables = tuple[Any, Any]
Frozen = tuple[Any, Any]  # of each table: bool (vocab,), or None if every row is trained


@dataclass(frozen=True)
class Rows:
    """The distinct rows used by a step.

    Attributes:
        ids: int32, shape (distinct,).
        values: shape (distinct, dim), as of the beginning of the step.
        place: int64, shape (places,): index of the row used at each place.
        count: int64, shape (distinct,): number of places that use each row.
        shape: shape of the places.
    """

    ids: Any
    values: Any
    place: Any
    count: Any
    shape: Any

    @classmethod
    def read(cls, table: Any, ids: Any) -> "Rows":
        """Read the rows `ids`, int32 of any shape, of a TensorFlow variable."""
        distinct, place, count = tf.unique_with_counts(tf.reshape(ids, [-1]), tf.int64)
        shape = ids.shape if ids.shape.is_fully_defined() else tf.shape(ids)
        return cls(distinct, tf.gather(table, distinct), place, count, shape)

    def at_places(self) -> Any:
        """Return the row at every place, shape (*shape, dim)."""
        rows = tf.gather(self.values, self.place)
        return tf.reshape(rows, tf.concat([self.shape, [self.values.shape[-1]]], 0))

    def descend(self, table: Any, gradient: Any, rate: Any, limit: float, frozen: Any = None) -> None:
        """Write back values - rate * min(1, limit / count) * the gradient, summed over each row's places.

        The gradients of many places are taken at one stale row, so that a frequent row would act as if its learning
        rate were `count` times as large, and norms would grow without bound. Up to `limit` places the sum counts in
        full.

        Args:
            table: the variable that was read.
            gradient: shape (*shape, dim), with respect to `at_places`.
            rate: a scalar, the dtype of the table.
            limit: a number of places.
            frozen: bool, shape (vocab,): rows that are not changed; None for none.
        """
        dtype = gradient.dtype
        scale = rate * tf.minimum(tf.ones((), dtype), limit / tf.cast(self.count, dtype))
        flat = tf.reshape(gradient, (-1, self.values.shape[-1]))
        moved = self.values - scaled_place_sum(flat, self.place, scale)
        if frozen is not None:  # selected, not multiplied by 0, which would change -0.0 and spread NaN
            moved = tf.where(tf.gather(frozen, self.ids)[:, None], self.values, moved)
        table.scatter_update(tf.IndexedSlices(moved, self.ids))


@dataclass(frozen=True)
class AllRows:
    """A whole table, each of whose rows is used once in a step, as the full softmax uses its outputs."""

    values: Any

    @classmethod
    def read(cls, table: Any) -> "AllRows":
        """Read a TensorFlow variable."""
        return cls(table.read_value())

    def at_places(self) -> Any:
        """Return the table."""
        return self.values

    def descend(self, table: Any, gradient: Any, rate: Any, limit: float, frozen: Any = None) -> None:
        """Subtract rate * gradient, except from `frozen` rows; a row that is used once has no limit."""
        moved = rate * gradient
        table.assign_sub(moved if frozen is None else tf.where(frozen[:, None], tf.zeros_like(moved), moved))


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
    objective: Objective,
    tables: Tables,
    of: Stream,
    rates: tuple[Any, Any],
    options: Options,
    frozen: Frozen = (None, None),
) -> tuple[Any, Any]:
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
