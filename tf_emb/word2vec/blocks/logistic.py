"""The logistic loss of many products at once: the loss of a block of negative sampling.

    u[b, t, m] = left[b, t, :] . right[b, m, :],  sign[m] = 1 for words of the text, -1 for noise
    p = sigmoid(sign u),  E = -sum over b, t, m of weight log p
    dE/du = -weight sign (1 - p);  dE/dleft = dE/du right;  dE/dright = (dE/du)^T left

Mikolov et al. 2013, "Distributed Representations of Words and Phrases", equation 4, with weights. The gradient is
written out since it can reuse the sigmoid of the forward pass, which a tape would compute a second time. And log p
takes a tenth of the time of TensorFlow's softplus, which works element by element.
"""

from typing import Any

import tensorflow as tf


def logistic_products(left: Any, right: Any, sign: Any, weight: Any) -> Any:
    """Return E, in nats; a product below -87 at float32 (-708 at float64), whose p underflows, counts as this limit.

    Args:
        left: shape (blocks, rows, dim).
        right: shape (blocks, columns, dim).
        sign: 1 or -1 for each column, shape (columns,) or (blocks, 1, columns), the dtype of `left`; arbitrary where
            the weight is 0.
        weight: shape (blocks, rows, columns), not differentiated.

    Returns:
        A scalar; its gradient reaches `left` and `right`.
    """

    @tf.custom_gradient
    def total(a: Any, b: Any) -> Any:
        p = tf.sigmoid(tf.matmul(a, b, transpose_b=True) * sign)

        def gradient(upstream: Any) -> Any:
            of_u = (p - 1) * (weight * (sign * upstream))
            return tf.matmul(of_u, b), tf.matmul(of_u, a, transpose_a=True)

        return -tf.reduce_sum(weight * tf.math.log(tf.maximum(p, _tiny(p.dtype)))), gradient

    return total(left, right)


def logistic_rows(left: Any, right: Any, weight: Any) -> Any:
    """Return the sum of -weight_bt log sigmoid(left_bt . right_bt), in nats; the gradient reaches both.

    Args:
        left: shape (blocks, rows, dim).
        right: the same shape.
        weight: shape (blocks, rows), not differentiated.
    """

    @tf.custom_gradient
    def total(a: Any, b: Any) -> Any:
        p = tf.sigmoid(tf.reduce_sum(a * b, 2))

        def gradient(upstream: Any) -> Any:
            of_u = ((p - 1) * (weight * upstream))[:, :, None]
            return of_u * b, of_u * a

        return -tf.reduce_sum(weight * tf.math.log(tf.maximum(p, _tiny(p.dtype)))), gradient

    return total(left, right)


def _tiny(dtype: Any) -> Any:
    return tf.constant(dtype.as_numpy_dtype(2.0) ** (-126 if dtype == tf.float32 else -1022), dtype)
