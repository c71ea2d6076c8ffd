"""Training only some rows: they live in a small table of their own, the others in one that is not trained.

A row that is part of no trainable variable keeps its bits under every optimizer, with momentum, weight decay, moving
averages or clipping by a global norm, and no optimizer keeps state for it. Zeroing its gradient would not be enough:
Adam moves rows by their moments, and AdamW and weight decay move rows without a gradient.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from tf_emb.ops import torch_ids
from tf_emb.ops.gather import uncast
from tf_emb.ops.ids import Policy, as_index, inside
from tf_emb.ops.types import Ids, Index, Table

# Integers, or one bool per row.
RowChoice: TypeAlias = Sequence[int] | Sequence[bool] | np.ndarray
Store: TypeAlias = Any  # what Keras passes when it saves a layer: a mapping from names to arrays


def check_rows(rows: RowChoice | None, vocab: int) -> tuple[int, ...] | None:
    """Return the distinct rows in rising order; None for None.

    Args:
        rows: integers in -vocab..vocab-1, or one bool per row.
        vocab: how many rows there are.

    Raises:
        ValueError: `rows` names none, or one that does not exist.
    """
    if rows is None:
        return None
    given = np.asarray(rows)
    if given.dtype == bool and given.shape == (vocab,):
        given = np.flatnonzero(given)
    whole = given.ndim == 1 and given.size and given.dtype.kind in "iu"
    if not whole or given.min() < -vocab or given.max() >= vocab:
        rule = f"name one row or more in -{vocab}..{vocab - 1}, or hold {vocab} bools"
        raise ValueError(f"`trainable_rows` must {rule}; got {rows!r}. For no rows use trainable=False, for all None.")
    return tuple(int(row) for row in np.unique(given % vocab))


def constant(array: np.ndarray) -> Index:
    """Return what `as_constant` turns into an int32 tensor: on PyTorch one already, as it traces no array."""
    return torch_ids.constant(array) if keras.backend.backend() == "torch" else array


def as_constant(array: Index) -> Index:
    """Return an int32 tensor, in the graph that is being built, on the device that Keras uses."""
    return ops.convert_to_tensor(array, "int32")


class Slots:
    """Where the trained rows of a table are: its row `rows[s]` is row s of the small table."""

    def __init__(self, rows: Sequence[int], vocab: int) -> None:
        self.rows = np.asarray(rows, np.int32)
        self.of_row = np.full(vocab, -1, np.int32)
        self.of_row[self.rows] = np.arange(len(rows), dtype=np.int32)
        self._slot_of_row, self._places = constant(self.of_row), constant(self.rows[:, None])

    def of(self, ids: Ids, out_of_range: Policy) -> Index:
        """Return the slot of each id, -1 for rows that are not trained and ids that name no row.

        Args:
            ids: integers, any shape.
            out_of_range: as for `lookup`; a row number stands for all ids outside the table.
        """
        ids = as_index(ids)
        exists = inside(ids, len(self.of_row))
        slots = ops.take(as_constant(self._slot_of_row), ops.where(exists, ids, ops.zeros_like(ids)), axis=0)
        unknown = int(self.of_row[out_of_range]) if isinstance(out_of_range, int) else -1
        return ops.where(exists, slots, ops.full_like(slots, unknown))

    def of_padding(self, padding_idx: int | None) -> int | None:
        """Return the slot of the padding row; None if it is not trained."""
        slot = -1 if padding_idx is None else int(self.of_row[padding_idx])
        return None if slot < 0 else slot

    def merged(self, table: Table, trained: Table) -> Table:
        """Return the whole table, with the trained rows in their places."""
        return ops.scatter_update(table, as_constant(self._places), trained)


class PartlyTrained(keras.layers.Embedding):
    """`keras.layers.Embedding` whose table can be in two parts: the trained rows `_trained`, the others `_embeddings`.

    `_slots` says which; None where one variable holds all rows. Where it does because the table was quantised, or is
    adapted by low-rank sums, `_chosen` says which rows were to be trained.
    """

    _slots: Slots | None
    _chosen: Slots | None = None

    def _split(self, slots: Slots) -> None:
        """Give the trained rows a variable of their own; the table keeps the others, and is not trained."""
        if self.quantization_mode is not None:
            self._join()
            return
        table = self._embeddings
        self._untrack_variable(table)
        table.trainable = False
        self._track_variable(table)
        start = ops.take(ops.convert_to_tensor(table), ops.convert_to_tensor(slots.rows, "int32"), axis=0)
        self._trained = self.add_weight(
            shape=(len(slots.rows), self.output_dim),
            initializer=lambda shape, dtype: ops.cast(start, dtype),
            name="trained_embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def _join(self) -> None:
        """Put the table together, if it is in two parts or is to be: one variable, which is not trained."""
        if self._slots is None:
            return
        if hasattr(self, "_trained"):
            self._embeddings.assign(self._slots.merged(uncast(self._embeddings), uncast(self._trained)))
            locked = self._tracker.locked
            self._tracker.unlock()
            del self._trained
            if locked:
                self._tracker.lock()
        self._chosen, self._slots = self._slots, None

    def set_weights(self, weights: Sequence[Table]) -> None:
        """Set the layer's variables; one table alone may be given for both parts of it."""
        if self._slots is None or len(weights) != 1:
            super().set_weights(weights)
        else:
            self._hold(weights[0])

    def _hold(self, matrix: Table) -> None:
        self._embeddings.assign(matrix)
        if self._slots is not None:
            self._trained.assign(np.asarray(matrix)[self._slots.rows])

    def save_own_variables(self, store: Store) -> None:
        """Save one whole table, as a layer that trains all of it does, so that either can load the other's file."""
        if self._slots is None:
            super().save_own_variables(store)
        elif self.built:
            store["0"] = self.matrix()

    def load_own_variables(self, store: Store) -> None:
        """Load the whole table."""
        if self._slots is None or not self.built:
            super().load_own_variables(store)
        else:
            self._hold(store["0"])
