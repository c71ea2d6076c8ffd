"""Vectors times a matrix, at the dtype they have and at the speed of one matrix product, on every backend.

Keras 3.15's matmul and tensordot round float64 to float32 on PyTorch (keras/src/backend/torch/numpy.py: result_type
has no float64). Its einsum does not; but on TensorFlow the gradient of "...d,dj->...j" with respect to the matrix is
as many products as there are vectors, then summed: some fifty times the time of this one.
"""

from typing import Any

from keras import ops


def product(vectors: Any, matrix: Any, *, transposed: bool = False) -> Any:
    """Return vectors @ matrix, or vectors @ matrix^T.

    Args:
        vectors: shape (..., dim).
        matrix: a Keras variable or a tensor, shape (dim, out), or (out, dim) if `transposed`; the same dtype.
        transposed: whether the last axis of `matrix` is the one that is summed over.

    Returns:
        Shape (..., out).
    """
    vectors = ops.convert_to_tensor(vectors)
    flat = ops.reshape(vectors, (-1, vectors.shape[-1]))
    out = ops.einsum("nd,jd->nj" if transposed else "nd,dj->nj", flat, matrix)
    return ops.reshape(out, (*ops.shape(vectors)[:-1], matrix.shape[0 if transposed else 1]))
