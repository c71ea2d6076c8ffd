"""Tables of int8 and int4: the integers and scales of `keras.layers.Embedding`, read as our layers read floats.

A quantised table is frozen. What an id without a row gets, the padding row, masks, `max_norm`, bags and their weights
are as before; `max_norm` shortens rows as they are read, since integers cannot be written.
"""

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from tf_emb.layers.lora import Adapted
from tf_emb.ops.quantized import Quantized, quantized_rows
from tf_emb.ops.types import Index, Output, Rows, Table

Mode = Literal["int8", "int4"]


class Quantizable(Adapted):
    """`keras.layers.Embedding` whose table can be one of integers."""

    def quantize(
        self,
        mode: Mode | None = None,
        type_check: bool = True,
        config: keras.quantizers.QuantizationConfig | None = None,
    ) -> None:
        """Quantise the table, as Keras does: "int8" by rows, "int4" by rows or by blocks of columns.

        With `trainable_rows` the table is put together first; afterwards no row is trained, except through
        `enable_lora`, which then adapts those rows alone.

        Args:
            mode: "int8" or "int4".
            type_check: whether to refuse classes derived from ours, which may read the table in ways of their own.
            config: a `keras.quantizers.Int8QuantizationConfig` or `Int4QuantizationConfig`.

        Raises:
            NotImplementedError: another mode, or a derived class, for `model.quantize` to warn of and go on.
            ValueError: the layer is not built, or quantised already.
        """
        if type_check and "_quantized_as_it_is" not in vars(type(self)):
            raise self._not_implemented_error(self.quantize)
        if mode not in ("int8", "int4"):
            raise self._quantization_mode_error(mode)
        self._join()
        super().quantize(mode, type_check=False, config=config)

    def _int8_call(self, *args: Any, **kwargs: Any) -> Output:
        return self.call(*args, **kwargs)

    def _int4_call(self, *args: Any, **kwargs: Any) -> Output:
        return self.call(*args, **kwargs)

    def _quantized(self) -> Quantized:
        """Return the table, as what holds it."""
        packed = self.quantization_mode == "int4"
        blocks = {"zero": self.embeddings_zero, "group": self.g_idx} if hasattr(self, "embeddings_zero") else {}
        return Quantized(self._embeddings, self.embeddings_scale, self.output_dim, packed, **blocks)

    def _stored_rows(self, ids: Index) -> Rows:
        return super()._stored_rows(ids) if self.quantization_mode is None else quantized_rows(self._quantized(), ids)

    def _stored_table(self) -> Output:
        if self.quantization_mode is None:
            return super()._stored_table()
        return ops.cast(quantized_rows(self._quantized(), ops.arange(self.input_dim)), self.variable_dtype)

    def _get_embeddings_with_merged_lora(self) -> tuple[Output, Output, Output]:
        """Return what Keras writes to a file: the table, or its integers, with the sum of `enable_lora` in it.

        Rows to which the sum adds nothing keep what is stored, padding among them: quantising them anew would change
        them, because of the epsilon in the scale.

        Returns:
            The table, its scales and its zero points; None for what it does not have.
        """
        if self.quantization_mode is None:
            return self._as_read(), None, None
        stored = self._embeddings, self.embeddings_scale, getattr(self, "embeddings_zero", None)
        if not self.lora_enabled:
            return stored
        delta = self._delta_table()
        read = ops.cast(quantized_rows(self._quantized(), ops.arange(self.input_dim)), delta.dtype)
        fresh = self._requantized(read + delta)
        changed = ops.convert_to_numpy(ops.any(delta != 0, axis=-1))
        embeddings, scale, zero = (
            None if old is None else _chosen(changed, ops.convert_to_numpy(new), ops.convert_to_numpy(old))
            for new, old in zip(fresh, stored, strict=True)
        )
        return embeddings, scale, zero

    def _requantized(self, table: Table) -> tuple[Output, Output, Output]:
        """Return the integers, scales and zero points of a table of numbers, by the rule of Keras."""
        if self.quantization_mode == "int8":
            integers, scale = keras.quantizers.abs_max_quantize(table, axis=-1, to_numpy=True)
            return integers, ops.squeeze(scale, -1), None
        how = {"value_range": (-8, 7), "dtype": "int8", "to_numpy": True}
        zero = None
        if hasattr(self, "embeddings_zero"):
            upright = keras.quantizers.abs_max_quantize_grouped_with_zero_point
            found = upright(ops.transpose(table), block_size=self._int4_block_size, **how)
            integers, scale, zero = (ops.transpose(of) for of in found)
        else:
            integers, scale = keras.quantizers.abs_max_quantize(table, axis=-1, **how)
            scale = ops.squeeze(scale, -1)
        return keras.quantizers.pack_int4(integers, axis=-1)[0], scale, zero


def _chosen(rows: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    return np.where(rows.reshape(-1, *[1] * (old.ndim - 1)), new, old)
