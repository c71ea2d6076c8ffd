"""Rows of a table during a step: read once, changed together, written back once."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tf_emb.ops.reductions import scaled_place_sum


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
