"""Rows of a table while a step works on them: read once, changed together, written back once."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tf_emb.layers.places import spread


@dataclass(frozen=True)
class Rows:
    """The distinct rows that a step uses.

    Attributes:
        ids: int32, shape (distinct,).
        values: shape (distinct, dim), as they were when the step began.
        place: int32, shape (places,): which of them each place uses.
        count: int32, shape (distinct,): at how many places each is used.
    """

    ids: Any
    values: Any
    place: Any
    count: Any

    @classmethod
    def read(cls, table: Any, ids: Any) -> "Rows":
        """Read the rows `ids`, int32 of any shape, of a TensorFlow variable."""
        distinct, place, count = tf.unique_with_counts(tf.reshape(ids, [-1]))
        return cls(distinct, tf.gather(table, distinct), place, count)

    def at_places(self, shape: tuple[int, ...]) -> Any:
        """Return the row of every place, shape + (dim,); the gradient of a row is summed over its places."""
        return tf.reshape(spread(self.values, self.place), (*shape, self.values.shape[-1]))

    def descend(self, table: Any, gradient: Any, rate: Any, limit: float, frozen: Any = None) -> None:
        """Write values - rate * gradient * min(1, limit / count) back; where `frozen` (vocab,) holds, the values alone.

        A gradient summed over many places is taken from one stale row, so a frequent row would act as if its learning
        rate were `count` times as large: norms grow without bound. The limit is the number of places whose sum is still
        taken in full.
        """
        scale = rate * tf.minimum(tf.ones((), gradient.dtype), limit / tf.cast(self.count, gradient.dtype))
        moved = self.values - gradient * scale[:, None]
        if frozen is not None:  # chosen, not multiplied by 0: -0.0 and a gradient that is not finite would show
            moved = tf.where(tf.gather(frozen, self.ids)[:, None], self.values, moved)
        table.scatter_update(tf.IndexedSlices(moved, self.ids))
