"""Sparse matrices in CSR form, and the sums over places that they compute; TensorFlow only.

    spread     out[p, :] = rows[place[p], :]
    place_sum  out[i, :] = sum over p with place[p] = i of values[p, :]

each is the gradient of the other.
"""

from collections.abc import Callable

import tensorflow as tf

from tf_emb.ops.program import current_graph, may_use_variants
from tf_emb.ops.types import Count, CSRMatrix, DType, Index, Output, Rows, Weights


def spread(rows: Rows, place: Index) -> Rows:
    """Return rows[place]; the gradient of a row is the sum over its places.

    Args:
        rows: shape (distinct, dim).
        place: int32, shape (places,), in 0..distinct-1.
    """
    graph, by_csr = current_graph(), has_csr(rows.dtype)

    @tf.custom_gradient
    def gather(tensor: Rows) -> tuple[Rows, Callable[[Rows], Rows]]:
        def gradient(upstream: Rows) -> Rows:
            fast = by_csr and current_graph() is graph and has_csr(upstream.dtype, in_gradient=True)
            return place_sum(upstream, place, tf.shape(tensor)[0], fast)

        return tf.gather(tensor, place), gradient

    return gather(rows)


def place_sum(values: Rows, place: Index, count: Count, by_csr: bool) -> Rows:
    """Return the sum of `values` over the places of each of `count` rows.

    Args:
        values: shape (places, dim).
        place: int32, shape (places,), in 0..count-1.
        count: how many rows.
        by_csr: whether to multiply sparse matrices: `has_csr`, asked outside of any tf.cond.
    """
    if not by_csr:
        return tf.math.unsorted_segment_sum(values, place, count)

    @tf.custom_gradient
    def total(tensor: Rows) -> tuple[Rows, Callable[[Rows], Rows]]:
        one_each = csr_matrix(tf.range(tf.size(place)), place, tf.ones_like(place, tensor.dtype), tf.size(place), count)
        # By `spread`, so that a tape may differentiate a gradient.
        return csr_product(csr_transposed(one_each, tensor.dtype), tensor, count), lambda g: spread(g, place)

    return total(values)


def has_csr(dtype: DType, *, in_gradient: bool = False) -> bool:
    """Return whether this program may multiply CSR matrices, and it pays: on GPU the scatter is faster."""
    multiplied = dtype in (tf.float32, tf.float64)
    return multiplied and may_use_variants(in_gradient=in_gradient) and not tf.config.list_logical_devices("GPU")


def csr_matrix(row: Index, column: Index, values: Weights, rows: Count, columns: Count) -> CSRMatrix:
    """Return the CSR matrix of shape (rows, columns) with entry values[p] at (row[p], column[p]).

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
    return tf.cond(
        tf.equal(tf.shape(dense)[0], 0), lambda: tf.zeros([1, tf.shape(dense)[1]], dense.dtype), lambda: dense
    )
