"""Sparse matrices in CSR form with one entry per place, and their products with dense ones, on TensorFlow.

TensorFlow's CSR product shares its rows among the threads, and its transposition is a counting sort, where
`unsorted_segment_sum` and `scatter_nd` walk the places one by one on one thread: a sum of 163,840 rows into 55,000
took 0.45 of their time at 64 columns and 0.38 at 128.
"""

import tensorflow as tf

from tf_emb.ops.types import Count, CSRMatrix, DType, Index, Output, Rows, Weights


def csr_matrix(row: Index, column: Index, values: Weights, rows: Count, columns: Count) -> CSRMatrix:
    """Return the CSR matrix of shape (rows, columns) with entry values[p] at (row[p], column[p]).

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
