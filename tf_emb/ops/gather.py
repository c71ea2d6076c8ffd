"""Rows of a table by id: forward[..., :] = table[ids[...], :].

The gradient of row i is the sum of the upstream gradients over all places where i was looked up, and it reaches the
optimizer as that sum, with those of the step's other lookups of the table (tf_emb.ops.meeting).
"""

import keras
from keras import ops
from keras.src.backend.common.variables import AutocastScope  # Keras has no public way to leave the scope

from tf_emb.ops.gradient import scaled, without_nan
from tf_emb.ops.ids import Policy, apply_policy, as_index, existing, fill_value, inside
from tf_emb.ops.shield import shields
from tf_emb.ops.types import DType, Held, Ids, Index, Mask, Output, Rows, Table

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from tf_emb.ops.csr import has_csr
    from tf_emb.ops.meeting import read_rows, whole
    from tf_emb.ops.program import has_handle, has_tangent, in_vectorized_map, nothing_records


def lookup(
    table: Table,
    ids: Ids,
    padding_idx: int | None = None,
    *,
    scale_grad_by_freq: bool = False,
    out_of_range: Policy = "raise",
    sparse: bool = True,
) -> Output:
    """Return the rows of `table` at `ids`, with a gradient that is summed per row.

    Args:
        table: a Keras variable or a tensor, shape (vocab, dim).
        ids: integers, any shape.
        padding_idx: the id whose row gets no gradient; its row is returned as it is stored.
        scale_grad_by_freq: divide the gradient of a row by how often its id occurs in this call.
        out_of_range: what becomes of ids outside 0..vocab-1; see tf_emb.ops.ids.
        sparse: whether the gradient names only the rows that are looked up (tf.IndexedSlices); otherwise it is a
            tensor of the table's shape, as it always is on JAX and PyTorch.

    Returns:
        The rows, shape ids.shape + (dim,), dtype of `table`.

    Raises:
        TypeError: `ids` are not integers. They are not truncated: 16777217.0 is not even exact.
        IndexError: an id names no row, `out_of_range` is "raise", and the program can raise.
    """
    held = uncast(table)  # torch.compile cannot ask a Keras variable for its shape
    ids, vocab = as_index(ids), held.shape[0]
    ids = apply_policy(ids, vocab, out_of_range)
    exists, safe = existing(ids, vocab, out_of_range)
    counts = _counts(ids, vocab) if scale_grad_by_freq else None
    return _with_gradient(_rows(held, safe, sparse), ids, exists, counts, padding_idx, out_of_range)


def _rows(table: Held, ids: Index, sparse: bool) -> Rows:
    """Return the rows at `ids`, which exist, with a gradient that is summed per row of the table."""
    if keras.backend.backend() != "tensorflow":
        return ops.take(table, ids, axis=0)  # the gradient of a table has its shape, and is summed in any case
    if nothing_records() and tf.executing_eagerly():
        return tf.gather(table, ids)
    if not has_handle(table) or in_vectorized_map() or has_tangent(table.handle):
        return tf.gather(whole(table), ids)  # here a custom gradient would be dropped
    flat = read_rows(table, tf.reshape(ids, [-1]), sparse)
    rows = tf.reshape(flat, tf.concat([tf.shape(ids), flat.shape[-1:]], 0))
    return rows if ids.shape.rank is None else tf.ensure_shape(rows, [*ids.shape, flat.shape[-1]])


def distinct_rows(
    table: Table, ids: Index, padding_idx: int | None, scale_grad_by_freq: bool, out_of_range: Policy, sparse: bool
) -> tuple[Rows, Index, Index]:
    """Return the row of each distinct id, and for each place which row it is, where `reads_distinct` allows it.

    TensorFlow only; the arguments are those of `lookup`. A gather reads only the rows it is asked for.

    Returns:
        Rows, shape (distinct, dim); their ids, shape (distinct,); and for each place the row, int32, shape (ids.size,).
    """
    vocab = table.shape[0]
    distinct, place = tf.unique(tf.reshape(apply_policy(ids, vocab, out_of_range), [-1]), out_idx=tf.int32)
    counts = tf.math.unsorted_segment_sum(tf.ones_like(place), place, tf.size(distinct)) if scale_grad_by_freq else None
    exists, safe = existing(distinct, vocab, out_of_range)
    rows = read_rows(uncast(table), safe, sparse)
    return _with_gradient(rows, distinct, exists, counts, padding_idx, out_of_range), distinct, place


def reads_distinct(table: Table) -> bool:
    """Return whether `distinct_rows` may be used: tf.unique and sparse matrices survive what becomes of the program."""
    if keras.backend.backend() != "tensorflow":
        return False
    held = uncast(table)
    return has_handle(held) and has_csr(held.dtype) and not has_tangent(held.handle)


def _with_gradient(
    rows: Rows, ids: Index, exists: Mask | None, counts: Index | None, padding_idx: int | None, policy: Policy
) -> Rows:
    """Return `rows` with the gradient they are due, and the policy's fill where no row exists."""
    if counts is not None:
        rows = scaled(rows, _inverse(counts, rows.dtype)[..., None])
    if padding_idx is not None:
        rows = _where(ids != padding_idx, rows, ops.stop_gradient(rows))
    if exists is None:
        return rows
    rows = _where(exists, rows, ops.full_like(rows, fill_value(policy)))
    # After the fill: XLA cannot broadcast a mask to what a custom gradient returns, where ids may be one or none.
    return rows if policy == "zero" else without_nan(rows, shields(exists, policy))


def _inverse(counts: Index, dtype: DType) -> Output:
    # At float32 TensorFlow's graphs approximate a reciprocal: 1 / 2 is 0.49999997.
    wide = "float64" if keras.backend.backend() == "tensorflow" else dtype
    return ops.cast(1 / ops.cast(counts, wide), dtype)


def _where(condition: Mask, rows: Rows, otherwise: Rows) -> Rows:
    return ops.where(condition[..., None], rows, otherwise)  # of any rank, known or not


def _counts(ids: Index, vocab: int) -> Index:
    """Return how often the id at each place occurs, 1 for ids that name no row."""
    exists = inside(ids, vocab)
    safe = ops.where(exists, ids, ops.zeros_like(ids))
    ones = ops.reshape(ops.cast(exists, "int32"), (-1,))
    if keras.backend.backend() == "torch":  # where Keras' scatter asks for values
        total = ops.zeros((vocab,), "int32").index_add(0, ops.reshape(safe, (-1,)), ones)
    else:
        total = ops.scatter(ops.reshape(safe, (-1, 1)), ones, (vocab,))
    return ops.where(exists, ops.take(total, safe), 1)


def uncast(variable: Table) -> Held:
    """Return what a Keras variable holds, at its own dtype.

    `variable.value` is cast under an autocast scope, which a layer of mixed precision opens even with
    `autocast=False`: rows would be gathered from a float16 copy of the table, and gradients of repeated
    ids would be summed in float16, where 2048 + 1 is 2048.
    """
    if not isinstance(variable, keras.Variable):
        return variable
    with AutocastScope(None):
        return variable.value
