"""Products, and sums and maxima over segments, at the dtype of their values and fast on every backend.

Keras 3.15 loses digits on PyTorch: its segment operations compute into a float32 buffer whatever the values are
(keras/src/backend/torch/math.py, _segment_reduction_fn), so that integers become floats, and its matmul and tensordot
round float64 to float32 (keras/src/backend/torch/numpy.py: result_type has no float64).
"""

from collections.abc import Callable

import keras
from keras import ops

from tf_emb.ops.types import Count, Index, Output, Rows, Table, Tensor, Weights

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from tf_emb.ops.csr import csr_matrix, csr_product, csr_transposed, has_csr
    from tf_emb.ops.program import current_graph, tapes


def product(vectors: Tensor, matrix: Table, *, transposed: bool = False) -> Output:
    """Return vectors @ matrix, or vectors @ matrix^T, by one matrix product.

    einsum keeps float64; but on TensorFlow the gradient of its "...d,dj->...j" with respect to the matrix is as many
    products as there are vectors, then summed: about fifty times as slow as this.

    Args:
        vectors: shape (..., dim).
        matrix: a Keras variable or a tensor, shape (dim, out), or (out, dim) if `transposed`; the same dtype.
        transposed: whether the last axis of `matrix` is the one that is summed over.

    Returns:
        Shape (..., out).
    """
    vectors = ops.convert_to_tensor(vectors)
    inner, outer = matrix.shape[::-1] if transposed else matrix.shape  # the vectors may not know theirs
    flat = ops.reshape(vectors, (-1, inner))
    out = ops.einsum("nd,jd->nj" if transposed else "nd,dj->nj", flat, matrix)
    return ops.reshape(out, (*ops.shape(vectors)[:-1], outer))


def segment_sum(values: Tensor, segment: Index, count: Count) -> Tensor:
    """Return the sum of `values` in each of `count` segments.

    Args:
        values: shape (places, ...).
        segment: int32, shape (places,).
        count: how many segments.
    """
    if keras.backend.backend() == "torch":
        zeros = ops.zeros((count, *values.shape[1:]), dtype=keras.backend.standardize_dtype(values.dtype))
        return zeros.index_add(0, segment, values)
    return ops.segment_sum(values, segment, num_segments=count)


def segment_max(values: Rows, segment: Index, count: Count) -> Rows:
    """Return the largest of `values` in each of `count` segments, without gradient.

    A segment without values holds an arbitrary number.

    Args:
        values: shape (places, dim).
        segment: int32, shape (places,).
        count: how many segments.
    """
    if keras.backend.backend() == "torch":
        index = ops.cast(ops.broadcast_to(segment[:, None], values.shape), "int64")
        zeros = ops.zeros((count, *values.shape[1:]), dtype=keras.backend.standardize_dtype(values.dtype))
        return zeros.scatter_reduce(0, index, values, "amax", include_self=False)
    return ops.segment_max(values, segment, num_segments=count)


def gathered_sum(
    rows: Rows, place: Index, segment: Index, count: Count, weights: Weights, *, learned: bool = True
) -> Rows:
    """Return out[b, :] = sum over p with segment[p] = b of weights[p] rows[place[p], :], for each of `count` segments.

    TensorFlow only, where sparse matrices may be used (`has_csr`).

    Args:
        rows: shape (distinct, dim).
        place: int32, shape (places,), in 0..distinct-1.
        segment: int32, shape (places,), not decreasing, in 0..count-1.
        count: how many segments.
        weights: shape (places,), the dtype of `rows`.
        learned: whether `weights` need a gradient, the product of upstream and row.
    """
    graph = current_graph()

    @tf.custom_gradient
    def total(tensor: Rows, of: Weights) -> tuple[Rows, Callable[[Rows], tuple[Rows, Weights | None]]]:
        def gradient(upstream: Rows) -> tuple[Rows, Weights | None]:
            # A sparse matrix has no second derivative, and a gradient in another graph may be a loop's.
            fast = (
                current_graph() is graph
                and has_csr(of.dtype, in_gradient=True)
                and not any(map(tapes, (upstream, tensor, of)))
            )
            to_rows = _transposed_sum if fast else _scattered_sum
            to_weights = _dots(upstream, segment, tensor, place) if learned else None
            return to_rows(upstream, segment, of, place, tf.shape(tensor)[0]), to_weights

        return csr_product(csr_matrix(segment, place, of, count, tf.shape(tensor)[0]), tensor, count), gradient

    return total(rows, weights)


def _transposed_sum(upstream: Rows, segment: Index, weights: Weights, place: Index, distinct: Count) -> Rows:
    matrix = csr_matrix(segment, place, weights, tf.shape(upstream)[0], distinct)
    return csr_product(csr_transposed(matrix, weights.dtype), upstream, distinct)


def _scattered_sum(upstream: Rows, segment: Index, weights: Weights, place: Index, distinct: Count) -> Rows:
    return tf.math.unsorted_segment_sum(tf.gather(upstream, segment) * weights[:, None], place, distinct)


def _dots(upstream: Rows, segment: Index, rows: Rows, place: Index) -> Weights:
    return tf.reduce_sum(tf.gather(upstream, segment) * tf.gather(rows, place), -1)


def scaled_place_sum(values: Rows, place: Index, scale: Weights) -> Output:
    """Return scale[i] times the sum of `values` over the places of row i; TensorFlow only, not differentiable.

    The scale costs nothing in the sparse product, where it would take one more pass over the sums.

    Args:
        values: shape (places, dim).
        place: int64, shape (places,), in 0..rows-1.
        scale: shape (rows,), the dtype of `values`.
    """
    count = tf.size(scale, tf.int64)
    if not has_csr(values.dtype):
        return tf.math.unsorted_segment_sum(values, place, count) * scale[:, None]
    size = tf.size(place, tf.int64)
    weighted = csr_matrix(tf.range(size), place, tf.gather(scale, place), size, count)
    return csr_product(csr_transposed(weighted, values.dtype), values, count)
