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

from tf_emb.ops.gradient import scale_gradient, uncast
from tf_emb.ops.ids import Policy, as_index, can_raise, fill_value, inside, raise_outside


def lookup(
    table: Any,
    ids: Any,
    padding_idx: int | None = None,
    *,
    scale_grad_by_freq: bool = False,
    out_of_range: Policy = "raise",
    sparse: bool = True,
) -> Any:
    """Return the rows of `table` at `ids`, with a coalesced gradient.

    Args:
        table: a Keras variable or a tensor, shape (vocab, dim).
        ids: integers, any shape.
        padding_idx: the id whose row gets no gradient; its row is returned as it is stored.
        scale_grad_by_freq: divide the gradient of a row by how often its id occurs in this call.
        out_of_range: what becomes of ids outside 0..vocab-1; see tf_emb.ops.ids.
        sparse: whether the gradient names only the rows that are looked up (tf.IndexedSlices); else it is a tensor of
            the table's shape, as it always is on JAX and PyTorch.

    Returns:
        The rows, shape ids.shape + (dim,), dtype of `table`.

    Raises:
        TypeError: `ids` are not integers. They are not truncated: 16777217.0 is not even exact.
        IndexError: an id names no row, `out_of_range` is "raise", and the program can raise.
    """
    ids = as_index(ids)
    arguments = padding_idx, scale_grad_by_freq, out_of_range
    if keras.backend.backend() != "tensorflow":
        return _read(uncast(table), _known(ids, table.shape[0], out_of_range), *arguments)
    import tensorflow as tf

    from tf_emb.ops.places import spread

    rows, _, place = distinct_rows(table, ids, *arguments, sparse)
    dim = rows.shape[-1]
    result = tf.reshape(spread(rows, place), tf.concat([tf.shape(ids), [dim]], 0))
    return tf.ensure_shape(result, [*ids.shape, dim])


def distinct_rows(
    table: Any, ids: Any, padding_idx: int | None, scale_grad_by_freq: bool, out_of_range: Policy, sparse: bool
) -> tuple[Any, Any, Any]:
    """Return the row of each distinct id, read straight from the variable, and for every place which it is.

    TensorFlow only; the arguments are those of `lookup`. A gather reads only the rows it is asked for.

    Returns:
        Rows, shape (distinct, dim); their ids, shape (distinct,); and places, int32, shape (ids.size,).
    """
    import tensorflow as tf

    from tf_emb.ops.places import gather_dense

    ids = tf.reshape(_known(ids, table.shape[0], out_of_range), [-1])
    distinct, place = tf.unique(ids, out_idx=tf.int32)
    # Not tf.unique_with_counts: XLA cannot compile it.
    count = tf.math.unsorted_segment_sum(tf.ones_like(place), place, tf.size(distinct)) if scale_grad_by_freq else None
    held = uncast(table)
    take = lambda safe: tf.gather(held, safe) if sparse else gather_dense(held, safe)  # noqa: E731
    return _rows(take, held, distinct, count, padding_idx, scale_grad_by_freq, out_of_range), distinct, place


def _known(ids: Any, vocab: int, policy: Policy) -> Any:
    """Refuse ids that name no row, or let the row of unknown words stand for them, as `policy` has it."""
    if policy == "raise":
        return raise_outside(ids, vocab)
    if isinstance(policy, int):
        return ops.where(inside(ids, vocab), ids, ops.cast(policy, ids.dtype))
    return ids


def _read(table: Any, ids: Any, padding_idx: int | None, by_freq: bool, policy: Policy) -> Any:
    """Read every place; on JAX and PyTorch a table's gradient is dense, so it is summed anyway."""
    counts = _counts(ids, table.shape[0]) if by_freq else None
    return _rows(lambda safe: ops.take(table, safe, axis=0), table, ids, counts, padding_idx, by_freq, policy)


def _rows(take: Any, table: Any, ids: Any, counts: Any, padding_idx: int | None, by_freq: bool, policy: Policy) -> Any:
    """Take the rows of `ids` and shape their gradient; `counts` says how often each occurs in the call."""
    known = isinstance(policy, int) or (policy == "raise" and can_raise(ids))
    exists = None if known else inside(ids, table.shape[0])
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
