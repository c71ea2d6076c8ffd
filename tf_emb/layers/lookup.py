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

from tf_emb.layers.gradient import scale_gradient, uncast
from tf_emb.layers.ids import Policy, as_index, fill_value, inside, raise_outside


def lookup(
    table: Any,
    ids: Any,
    padding_idx: int | None = None,
    *,
    scale_grad_by_freq: bool = False,
    out_of_range: Policy = "raise",
) -> Any:
    """Return the rows of `table` at `ids`, with a coalesced gradient.

    Args:
        table: a Keras variable or a tensor, shape (vocab, dim).
        ids: integers, any shape.
        padding_idx: the id whose row gets no gradient; its row is returned as it is stored.
        scale_grad_by_freq: divide the gradient of a row by how often its id occurs in this call.
        out_of_range: what becomes of ids outside 0..vocab-1; see tf_emb.layers.ids.

    Returns:
        The rows, shape ids.shape + (dim,), dtype of `table`.

    Raises:
        TypeError: `ids` are not integers. They are not truncated: 16777217.0 is not even exact.
        IndexError: an id names no row, `out_of_range` is "raise", and the program can raise.
    """
    vocab = table.shape[0]
    ids = as_index(ids)
    if out_of_range == "raise":
        ids = raise_outside(ids, vocab)
    elif isinstance(out_of_range, int):
        ids = ops.where(inside(ids, vocab), ids, ops.cast(out_of_range, ids.dtype))
    read = _read_tensorflow if keras.backend.backend() == "tensorflow" else _read
    return read(uncast(table), ids, padding_idx, scale_grad_by_freq, out_of_range)


def _read_tensorflow(table: Any, ids: Any, padding_idx: int | None, by_freq: bool, policy: Policy) -> Any:
    """Read each distinct id once, straight from the variable: a gather reads only the rows it is asked for."""
    import tensorflow as tf

    distinct, place = tf.unique(tf.reshape(ids, [-1]), out_idx=tf.int32)
    # Not tf.unique_with_counts: XLA cannot compile it.
    counts = tf.math.unsorted_segment_sum(tf.ones_like(place), place, tf.size(distinct)) if by_freq else None
    rows = _rows(lambda safe: tf.gather(table, safe), table, distinct, counts, padding_idx, by_freq, policy)
    dim = rows.shape[-1]
    result = tf.reshape(tf.gather(rows, place), tf.concat([tf.shape(ids), [dim]], 0))
    return tf.ensure_shape(result, [*ids.shape, dim])


def _read(table: Any, ids: Any, padding_idx: int | None, by_freq: bool, policy: Policy) -> Any:
    """Read every place; on JAX and PyTorch a table's gradient is dense, so it is summed anyway."""
    counts = _counts(ids, table.shape[0]) if by_freq else None
    return _rows(lambda safe: ops.take(table, safe, axis=0), table, ids, counts, padding_idx, by_freq, policy)


def _rows(take: Any, table: Any, ids: Any, counts: Any, padding_idx: int | None, by_freq: bool, policy: Policy) -> Any:
    """Take the rows of `ids` and shape their gradient; `counts` says how often each occurs in the call."""
    exists = None if isinstance(policy, int) else inside(ids, table.shape[0])
    rows = take(ids if exists is None else ops.where(exists, ids, ops.zeros_like(ids)))
    if by_freq:
        rows = scale_gradient(rows, ops.expand_dims(1 / ops.cast(counts, rows.dtype), -1))
    if padding_idx is not None:
        rows = _where(ids != padding_idx, rows, ops.stop_gradient(rows))
    if exists is not None:
        rows = _where(exists, rows, ops.full_like(rows, fill_value(policy)))
    return rows


def _where(condition: Any, rows: Any, otherwise: Any) -> Any:
    return ops.where(ops.expand_dims(condition, -1), rows, otherwise)


def _counts(ids: Any, vocab: int) -> Any:
    """Return how often the id at each place occurs, 1 for ids that name no row."""
    exists = inside(ids, vocab)
    safe = ops.where(exists, ids, ops.zeros_like(ids))
    ones = ops.reshape(ops.cast(exists, "int32"), (-1,))
    total = ops.scatter(ops.reshape(safe, (-1, 1)), ones, (vocab,))
    return ops.where(exists, ops.take(total, safe), 1)
