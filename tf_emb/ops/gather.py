"""Rows of a table by id: forward[..., :] = table[ids[...], :].

The gradient of row i is the sum of the upstream gradients over all places where i was looked up, and it reaches the
optimizer as that sum. `tf.gather` alone returns one slice per *place* instead, and an optimizer that squares what it
gets (Adagrad, Adam, RMSprop ...) then accumulates sum(g^2) where (sum g)^2 is due. So the table is read once per
distinct id, and the places are read from those rows: the gradient of this second read is dense over distinct ids,
which makes it the summed gradient.

    spread     out[p, :] = rows[place[p], :]
    place_sum  out[i, :] = sum over p with place[p] = i of values[p, :]

are the second read and its gradient; each is the gradient of the other.
"""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import ops
from keras.src.backend.common.variables import AutocastScope  # Keras has no public way to leave the scope

from tf_emb.ops.gradient import scaled, without_nan
from tf_emb.ops.ids import Policy, apply_policy, as_index, existing, fill_value, in_xla, inside, leaves_nan
from tf_emb.ops.shield import shielded, some_unknown
from tf_emb.ops.types import Count, CSRMatrix, DType, Held, Ids, Index, Mask, Output, Rows, Table, Weights

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


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
    if keras.backend.backend() == "tensorflow":
        rows, _, place = distinct_rows(table, ids, padding_idx, scale_grad_by_freq, out_of_range, sparse)
        dim = rows.shape[-1]
        places = spread(rows, place)
        if leaves_nan(ids, out_of_range):  # here too, where NaN of one example is not yet added to another's gradient
            places = shielded(places, ids, vocab)
        result = tf.reshape(places, tf.concat([tf.shape(ids), [dim]], 0))
        return tf.ensure_shape(result, [*ids.shape, dim])
    # The gradient of a table is dense here, so it is summed in any case.
    ids = apply_policy(ids, vocab, out_of_range)
    exists, safe = existing(ids, vocab, out_of_range)
    counts = _counts(ids, vocab) if scale_grad_by_freq else None
    return _with_gradient(ops.take(held, safe, axis=0), ids, exists, counts, padding_idx, out_of_range)


def distinct_rows(
    table: Table, ids: Index, padding_idx: int | None, scale_grad_by_freq: bool, out_of_range: Policy, sparse: bool
) -> tuple[Rows, Index, Index]:
    """Return the row of each distinct id, gathered straight from the variable, and for each place which row it is.

    TensorFlow only; the arguments are those of `lookup`. A gather reads only the rows it is asked for.

    Returns:
        Rows, shape (distinct, dim); their ids, shape (distinct,); and for each place the row, int32, shape (ids.size,).
    """
    held, vocab = uncast(table), table.shape[0]
    distinct, place = tf.unique(tf.reshape(apply_policy(ids, vocab, out_of_range), [-1]), out_idx=tf.int32)
    # Not tf.unique_with_counts: XLA cannot compile it.
    counts = tf.math.unsorted_segment_sum(tf.ones_like(place), place, tf.size(distinct)) if scale_grad_by_freq else None
    exists, safe = existing(distinct, vocab, out_of_range)
    rows = tf.gather(held, safe) if sparse else gather_dense(held, safe)
    return _with_gradient(rows, distinct, exists, counts, padding_idx, out_of_range), distinct, place


def _with_gradient(
    rows: Rows, ids: Index, exists: Mask | None, counts: Index | None, padding_idx: int | None, policy: Policy
) -> Rows:
    """Return `rows` with the gradient they are due, and the policy's fill where no row exists."""
    if counts is not None:
        rows = scaled(rows, ops.expand_dims(1 / ops.cast(counts, rows.dtype), -1))
    if padding_idx is not None:
        rows = _where(ids != padding_idx, rows, ops.stop_gradient(rows))
    if exists is None:
        return rows
    rows = _where(exists, rows, ops.full_like(rows, fill_value(policy)))
    # After the fill: XLA cannot broadcast a mask to what a custom gradient returns, where ids may be one or none.
    return rows if policy == "zero" else without_nan(rows, some_unknown(exists))


def _where(condition: Mask, rows: Rows, otherwise: Rows) -> Rows:
    return ops.where(ops.expand_dims(condition, -1), rows, otherwise)


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


def spread(rows: Rows, place: Index | None) -> Rows:
    """Return rows[place]; the gradient of a row is the sum over its places.

    Args:
        rows: shape (distinct, dim).
        place: int32, shape (places,), in 0..distinct-1; None where there is one row per place.
    """
    if place is None:
        return rows
    by_csr = has_csr(rows.dtype)

    @tf.custom_gradient
    def gather(tensor: Rows) -> tuple[Rows, Callable[[Rows], Rows]]:
        return tf.gather(tensor, place), lambda upstream: place_sum(upstream, place, tf.shape(tensor)[0], by_csr)

    return gather(rows)


def place_sum(values: Rows, place: Index, count: Count, by_csr: bool | None = None) -> Rows:
    """Return the sum of `values` over the places of each of `count` rows; TensorFlow only.

    Args:
        values: shape (places, dim).
        place: int32, shape (places,), in 0..count-1.
        count: how many rows.
        by_csr: whether to use a CSR product; None to ask `has_csr`, which a gradient function cannot.
    """
    by_csr = has_csr(values.dtype) if by_csr is None else by_csr

    @tf.custom_gradient
    def total(tensor: Rows) -> tuple[Rows, Callable[[Rows], Rows]]:
        def backward(upstream: Rows) -> Rows:  # by `spread`, so that a tape may differentiate a gradient
            return spread(upstream, place)

        if not by_csr:
            return tf.math.unsorted_segment_sum(tensor, place, count), backward
        one_each = csr_matrix(tf.range(tf.size(place)), place, tf.ones_like(place, tensor.dtype), tf.size(place), count)
        return csr_product(csr_transposed(one_each, tensor.dtype), tensor, count), backward

    return total(values)


def gather_dense(table: Table, ids: Index) -> Rows:
    """Return table[ids], `ids` distinct, with a gradient of the table's shape: zeros, and one row per id."""

    @tf.custom_gradient
    def gather(tensor: Table) -> tuple[Rows, Callable[[Rows], Table]]:
        shape = tf.shape(tensor)
        return tf.gather(tensor, ids), lambda upstream: tf.math.unsorted_segment_sum(upstream, ids, shape[0])

    return gather(tf.convert_to_tensor(table))


def has_csr(dtype: DType) -> bool:
    """Return whether this program may multiply CSR matrices: not under XLA; on GPU the scatter is faster."""
    multiplied = dtype in (tf.float32, tf.float64)
    return multiplied and not tf.config.list_logical_devices("GPU") and not in_xla()


def csr_matrix(row: Index, column: Index, values: Weights, rows: Count, columns: Count) -> CSRMatrix:
    """Return the CSR matrix of shape (rows, columns) with entry values[p] at (row[p], column[p]); TensorFlow only.

    Its product with a dense matrix shares the rows among the threads, and its transposition is a counting sort, where
    `unsorted_segment_sum` and `scatter_nd` walk the places one by one on one thread: a sum of 163,840 rows into 55,000
    took 0.45 of their time at 64 columns and 0.38 at 128.

    It is at least 1 x 1: TensorFlow 2.21 divides by the number of rows and aborts the process at 0.

    Args:
        row: int32 or int64, shape (places,), not decreasing.
        column: int32 or int64, shape (places,).
        values: float32 or float64, shape (places,).
        rows: how many rows.
        columns: how many columns.
    """
    at = tf.stack([tf.cast(row, tf.int64), tf.cast(column, tf.int64)], axis=1)
    shape = tf.maximum(tf.stack([tf.cast(rows, tf.int64), tf.cast(columns, tf.int64)]), 1)
    return tf.raw_ops.SparseTensorToCSRSparseMatrix(indices=at, values=values, dense_shape=shape)


def csr_transposed(matrix: CSRMatrix, dtype: DType) -> CSRMatrix:
    """Return the transpose of a CSR matrix of `dtype`."""
    return tf.raw_ops.SparseMatrixTranspose(input=matrix, type=dtype)


def csr_product(matrix: CSRMatrix, dense: Rows, count: Count) -> Output:
    """Return the first `count` rows of matrix @ dense."""
    return tf.raw_ops.SparseMatrixMatMul(a=matrix, b=_with_a_row(dense))[:count]


def _with_a_row(dense: Rows) -> Rows:
    if dense.shape[0]:
        return dense
    return tf.cond(tf.equal(tf.shape(dense)[0], 0), lambda: tf.zeros([1, dense.shape[1]], dense.dtype), lambda: dense)
