"""Low-rank adaptation (Hu et al. 2021) of a table that is frozen: row i reads table[i] + (alpha / rank) A[i] B.

A lookup gathers the rows of the table and of A that it needs; the sum of both matrices is made for `embeddings`,
`matrix` and a file only. Some rows keep what is stored, and their rows of A get no gradient: the padding row, and,
where `trainable_rows` are given, all others than those, for which A has no rows at all.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_emb.layers.renorm import shortened
from tf_emb.layers.trainable_rows import PartlyTrained
from tf_emb.ops.gather import lookup, uncast
from tf_emb.ops.gradient import straight_through
from tf_emb.ops.ids import Policy, apply_policy, as_index, existing, fill_value, inside, leaves_nan
from tf_emb.ops.quantized import gathered, wide
from tf_emb.ops.reductions import product
from tf_emb.ops.shield import shielded
from tf_emb.ops.types import Ids, Index, Initializer, Mask, Output, Rows, Table


class Adapted(PartlyTrained):
    """`keras.layers.Embedding` whose rows are read through a low-rank sum where one is enabled."""

    padding_idx: int | None
    norm_type: float
    out_of_range: Policy
    sparse: bool
    lora_rank: int  # this and alpha are None before sums are enabled
    lora_alpha: float

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Initializer = "he_uniform",
        b_initializer: Initializer = "zeros",
    ) -> None:
        """Freeze the table, and train A and B of table + (alpha / rank) A B instead; once per layer.

        A has shape (vocab, rank), or (len(trainable_rows), rank); B (rank, dim). Both are float32, float64 beside
        a float64 table.

        Args:
            rank: columns of A.
            lora_alpha: alpha; None for the layer's own `lora_alpha`, or for `rank`.
            a_initializer: of A.
            b_initializer: of B.

        Raises:
            ValueError: the layer has a constraint, is not built, or has them already.
        """
        self._check_lora(rank)
        own = self.lora_alpha if self.lora_rank == rank else None
        self._join()
        self._tracker.unlock()
        count = self.input_dim if self._chosen is None else len(self._chosen.rows)
        for name, shape, initializer in (
            ("lora_embeddings_a", (count, rank), a_initializer),
            ("lora_embeddings_b", (rank, self.output_dim), b_initializer),
        ):
            weight = self.add_weight(
                name=name,
                shape=shape,
                initializer=keras.initializers.get(initializer),
                dtype=wide(self.variable_dtype),
                regularizer=self.embeddings_regularizer,
            )
            setattr(self, name, weight)
        self._freeze()
        self._tracker.lock()
        self.lora_enabled = True
        self.lora_rank = rank
        self.lora_alpha = next(alpha for alpha in (lora_alpha, own, rank) if alpha is not None)

    def _check_lora(self, rank: int) -> None:
        if self.embeddings_constraint:
            raise ValueError(
                "Lora is incompatible with embedding constraints: `embeddings_constraint` must be None; "
                f"got {self.embeddings_constraint}. Leave it out."
            )
        if not self.built:
            raise ValueError("Cannot enable lora on a layer that isn't yet built. Call `build` first.")
        if self.lora_enabled:
            raise ValueError("lora is already enabled. This can only be done once per layer.")
        if not rank >= 1:
            raise ValueError(f"`rank` must be 1 or more; got {rank}. 4 to 64 are usual.")

    def _as_read(self) -> Output:
        """Return the whole table as rows are read, `max_norm` apart, at its own dtype."""
        if not self.lora_enabled:
            return self._stored_table()
        stored, delta = self._stored_table(), self._delta_table()
        changed = ops.any(delta != 0, axis=-1, keepdims=True)  # -0.0 + 0 would be 0.0
        return ops.cast(ops.where(changed, ops.cast(stored, delta.dtype) + delta, stored), stored.dtype)

    def _delta_table(self) -> Table:
        """Return (alpha / rank) A B, shape (vocab, dim), with 0 for rows that keep what is stored."""
        delta = self._delta(uncast(self.lora_embeddings_a))
        if self._chosen is not None:
            delta = self._chosen.merged(ops.zeros((self.input_dim, self.output_dim), delta.dtype), delta)
        live = ops.convert_to_tensor(np.arange(self.input_dim)[:, None] != self.padding_idx)
        return ops.where(live, delta, 0)

    def _delta(self, rows: Rows) -> Rows:
        return (self.lora_alpha / self.lora_rank) * product(rows, uncast(self.lora_embeddings_b))

    def _read(self, ids: Ids, by_freq: bool, max_norm: float | None) -> Rows:
        """Return the rows of a table that is frozen, at float32 or wider: the stored ones, their sums, shortened.

        Args:
            ids: integers, any shape.
            by_freq: whether the gradient of a row of A is divided by how often its id occurs.
            max_norm: the length to which longer rows are shortened as they are read, with the gradient of the identity.
        """
        ids = apply_policy(as_index(ids), self.input_dim, self.out_of_range)
        exists, safe = existing(ids, self.input_dim, self.out_of_range)
        rows = self._stored_rows(safe)
        if self.lora_enabled:
            rows = self._with_delta(rows, ids, by_freq)
            if leaves_nan(ids, self.out_of_range):
                rows = shielded(rows, ids, self.input_dim, self.out_of_range)
        if max_norm is not None:
            limited = straight_through(lambda tensor: shortened(tensor, max_norm, self.norm_type), rows)
            rows = limited if self._chosen is None else _where(self._slots_of(ids) >= 0, limited, rows)
        return rows if exists is None else _where(exists, rows, ops.full_like(rows, fill_value(self.out_of_range)))

    def _with_delta(self, rows: Rows, ids: Index, by_freq: bool) -> Rows:
        slots = self._slots_of(ids)
        if self.padding_idx is not None:
            slots = ops.where(ids == self.padding_idx, ops.full_like(slots, -1), slots)
        options: dict[str, Any] = {"scale_grad_by_freq": by_freq, "sparse": self.sparse}
        delta = self._delta(lookup(self.lora_embeddings_a, slots, out_of_range="zero", **options))
        return _where(slots >= 0, rows + delta, rows)  # -0.0 + 0 would be 0.0

    def _slots_of(self, ids: Index) -> Index:
        """Return the row of A for each id, -1 for ids that name no row or one that must not change."""
        if self._chosen is not None:
            return self._chosen.of(ids, self.out_of_range)
        return ops.where(inside(ids, self.input_dim), ids, ops.full_like(ids, -1))

    def _stored_rows(self, ids: Index) -> Rows:
        """Return the rows as they are stored, at float32 or wider, without a gradient."""
        rows = gathered(self._embeddings, ids)
        return ops.cast(rows, wide(rows.dtype))

    def _stored_table(self) -> Output:
        """Return the whole table as it is stored, at its own dtype."""
        table = uncast(self._embeddings)
        return table if self._slots is None else self._slots.merged(table, uncast(self._trained))


def _where(condition: Mask, rows: Rows, otherwise: Rows) -> Rows:
    return ops.where(condition[..., None], rows, otherwise)
