"""Rows of a quantised table: the integers of the rows that are asked for are gathered first, then made numbers.

int8           row[j] = q[j] / scale
int4           the same; columns 2 k and 2 k + 1 share a byte, the even one in its low half
int4, blocks   row[j] = (q[j] - zero[g]) scale[g],  g = group[j]

So neither the unpacked integers nor the numbers of the whole table are ever made. Keras 3.15 unpacks the whole table in
every call.
"""

from dataclasses import dataclass

import keras
from keras import ops

from tf_emb.ops.gather import uncast
from tf_emb.ops.types import DType, Index, Rows, Table, Tensor

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@dataclass(frozen=True)
class Quantized:
    """A table of small integers, and what makes numbers of them.

    Attributes:
        integers: int8, shape (vocab, dim); (vocab, (dim + 1) // 2) where two columns share a byte.
        scale: floating point, shape (vocab,); (vocab, groups) beside `zero`.
        dim: columns of the table that is meant.
        packed: whether two columns share a byte.
        zero: int8, shape (vocab, groups): the integer that stands for 0 in each group of columns; or None.
        group: shape (dim,): the group of each column; or None.
    """

    integers: Table
    scale: Table
    dim: int
    packed: bool = False
    zero: Table | None = None
    group: Tensor | None = None


def wide(dtype: DType) -> str:
    """Return the dtype in which rows are made and summed: float64 for float64, float32 for all others."""
    return "float64" if keras.backend.standardize_dtype(dtype) == "float64" else "float32"


def gathered(table: Table, ids: Index) -> Rows:
    """Return table[ids] at the dtype of `table`, without a gradient.

    Args:
        table: a Keras variable or a tensor, shape (vocab, ...).
        ids: int32 or int64, any shape, in 0..vocab-1.
    """
    held = uncast(table)
    # Not ops.take on TensorFlow: it first counts negative ids from the end.
    rows = tf.gather(held, ids) if keras.backend.backend() == "tensorflow" else ops.take(held, ids, axis=0)
    return ops.stop_gradient(rows)


def quantized_rows(table: Quantized, ids: Index) -> Rows:
    """Return the rows of a quantised table, shape ids.shape + (dim,), at the `wide` dtype of its scales.

    Integers and their differences are exact at that dtype, so a number has one rounding: of the quotient, or product.

    Args:
        table: the table.
        ids: int32 or int64, any shape, in 0..vocab-1.
    """
    integers = gathered(table.integers, ids)
    dtype = wide(table.scale.dtype)
    numbers = ops.cast(unpacked(integers, table.dim) if table.packed else integers, dtype)
    scale = ops.cast(gathered(table.scale, ids), dtype)
    if table.zero is None or table.group is None:
        return numbers / scale[..., None]
    zero, group = ops.cast(gathered(table.zero, ids), dtype), ops.cast(uncast(table.group), "int32")
    return (numbers - ops.take(zero, group, axis=-1)) * ops.take(scale, group, axis=-1)


def unpacked(packed: Rows, dim: int) -> Rows:
    """Return the `dim` integers in -8..7 that the bytes of each row hold, the low half of a byte first.

    Args:
        packed: int8, shape (..., (dim + 1) // 2).
        dim: how many there are; an odd one leaves the last half unused.
    """
    fifteen, eight = (ops.cast(number, "int8") for number in (15, 8))
    # (x ^ 8) - 8 takes 0..15 to 0..7, -8..-1. The shift keeps the sign: the high half needs no more.
    low = ops.bitwise_xor(ops.bitwise_and(packed, fifteen), eight) - eight
    pairs = ops.stack([low, ops.right_shift(packed, ops.cast(4, "int8"))], axis=-1)
    return ops.reshape(pairs, (*ops.shape(packed)[:-1], 2 * packed.shape[-1]))[..., :dim]
