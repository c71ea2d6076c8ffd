"""Functions that are the identity, or close to it, with a gradient of their own; right under every transformation.

`keras.ops.custom_gradient` is not: on JAX it has no forward mode (jax.jvp, jax.jacfwd, jax.linearize), and on PyTorch
it cannot be in torch.func. Nor can a formula take its place: fixed + factor * (rows - fixed), where `fixed` has no
gradient, is NaN for a row that holds an infinity, and no formula turns the NaN of a gradient into anything else.
So each backend is asked in its own words.
"""

import importlib
from collections.abc import Callable

import keras
from keras import ops

from tf_emb.ops.types import Mask, Rows, Tensor

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from tf_emb.ops.program import in_vectorized_map
else:
    other = importlib.import_module(f"tf_emb.ops.{keras.backend.backend()}_gradient")


def scaled(rows: Rows, factor: Tensor) -> Rows:
    """Return `rows` bit for bit, with their gradient multiplied by `factor`; a factor of 0 stops NaN too.

    Args:
        rows: any shape, floating point.
        factor: broadcastable to it, the same dtype; no gradient reaches it.
    """
    if keras.backend.backend() != "tensorflow":
        return other.scaled(rows, ops.stop_gradient(factor))
    if in_vectorized_map():  # which drops custom gradients
        fixed = tf.stop_gradient(rows)
        return tf.where(tf.math.is_finite(fixed), fixed + (rows - fixed) * tf.stop_gradient(factor), fixed)

    @tf.custom_gradient
    def identity(tensor: Rows) -> tuple[Rows, Callable[[Rows], Rows]]:
        return tf.identity(tensor), lambda upstream: tf.where(factor == 0, tf.zeros_like(upstream), upstream * factor)

    return identity(rows)


def straight_through(function: Callable[[Rows], Rows], rows: Rows) -> Rows:
    """Return function(rows), of the shape of `rows`, with the gradient of the identity."""
    if keras.backend.backend() != "tensorflow":
        return other.straight_through(function, rows)
    if in_vectorized_map():
        fixed = tf.stop_gradient(rows)
        return tf.stop_gradient(function(fixed)) + (rows - fixed)

    @tf.custom_gradient
    def apply(tensor: Rows) -> tuple[Rows, Callable[[Rows], Rows]]:
        return function(tensor), tf.identity

    return apply(rows)


def without_nan(rows: Tensor, when: Mask) -> Tensor:
    """Return `rows` bit for bit; `when` is true, a gradient of NaN becomes 0, entry by entry.

    A derivative in forward mode passes as it is: it is no gradient, and reaches no table.

    Args:
        rows: any shape, floating point.
        when: bool, a scalar.
    """
    if keras.backend.backend() != "tensorflow":
        return other.without_nan(rows, when)

    @tf.custom_gradient
    def identity(tensor: Rows) -> tuple[Rows, Callable[[Rows], Rows]]:
        def backward(upstream: Rows) -> Rows:
            return tf.where(tf.logical_and(when, tf.math.is_nan(upstream)), tf.zeros_like(upstream), upstream)

        return tf.identity(tensor), backward

    return identity(rows)
