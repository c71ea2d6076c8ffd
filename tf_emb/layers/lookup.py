"""Rows of a table by id: forward[..., :] = table[ids[...], :].

The gradient of row i is the sum of the upstream gradients at every place where i was looked up, and it
reaches the optimizer as that sum. `tf.gather` alone hands over one slice for every *place* instead, and
an optimizer that squares what it gets (Adagrad, Adam, RMSprop ...) then accumulates sum(g^2) where
(sum g)^2 is due. So the table is read once for each distinct id, and the places are read from those
rows: the second read's gradient is dense over distinct ids, which is the coalesced gradient.
"""

from typing import Any

import keras
from keras import ops


def lookup(table: Any, ids: Any, padding_idx: int | None = None) -> Any:
    """Return the rows of `table` at `ids`, with a coalesced gradient.

    Args:
        table: a Keras variable or a tensor, shape (vocab, dim).
        ids: integers in 0..vocab-1, any shape.
        padding_idx: the id whose row gets no gradient; its row is returned as it is stored.

    Returns:
        The rows, shape ids.shape + (dim,), dtype of `table`.

    Raises:
        TypeError: `ids` are not integers. They are not truncated: 16777217.0 is not even exact.
    """
    dtype = check_ids(ids)
    if dtype not in ("int32", "int64"):
        ids = ops.cast(ids, "int64" if dtype in ("uint32", "uint64") else "int32")
    if keras.backend.backend() == "tensorflow":
        return _lookup_tensorflow(table, ids, padding_idx)
    rows = ops.take(uncast(table), ids, axis=0)
    return rows if padding_idx is None else _without_gradient(rows, ids == padding_idx)


def check_ids(ids: Any) -> str:
    """Return the dtype of `ids`, arrays or symbolic tensors.

    Raises:
        TypeError: it is not an integer dtype.
    """
    dtype = keras.backend.standardize_dtype(ids.dtype)
    if not dtype.startswith(("int", "uint")):
        raise TypeError(f"`ids` must be integers; got {dtype}. Cast them, or give keras.Input(..., dtype='int32').")
    return dtype


def uncast(variable: Any) -> Any:
    """Return what a Keras variable holds, at its own dtype.

    `variable.value` is cast under an autocast scope, which a layer of mixed precision opens even with
    `autocast=False`: rows would be gathered from a float16 copy of the table, and gradients of repeated
    ids would be summed in float16, where 2048 + 1 is 2048.
    """
    return variable._value if isinstance(variable, keras.Variable) else variable


def _lookup_tensorflow(table: Any, ids: Any, padding_idx: int | None) -> Any:
    import tensorflow as tf

    source = uncast(table)  # tf.gather reads only the rows it is asked for from a variable
    distinct, place = tf.unique(tf.reshape(ids, [-1]), out_idx=tf.int32)
    rows = tf.gather(source, distinct)
    if padding_idx is not None:
        rows = _without_gradient(rows, tf.equal(distinct, tf.cast(padding_idx, distinct.dtype)))
    dim = rows.shape[-1]
    result = tf.reshape(tf.gather(rows, place), tf.concat([tf.shape(ids), [dim]], 0))
    return tf.ensure_shape(result, [*ids.shape, dim])


def _without_gradient(rows: Any, where: Any) -> Any:
    return ops.where(ops.expand_dims(where, -1), ops.stop_gradient(rows), rows)
