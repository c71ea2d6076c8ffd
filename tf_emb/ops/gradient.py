"""Identities whose gradient is not the identity's, and what a Keras variable holds."""

from typing import Any

import keras
from keras import ops
from keras.src.backend.common.variables import AutocastScope  # Keras has no public way to leave the scope


def uncast(variable: Any) -> Any:
    """Return what a Keras variable holds, at its own dtype.

    `variable.value` is cast under an autocast scope, which a layer of mixed precision opens even with
    `autocast=False`: rows would be gathered from a float16 copy of the table, and gradients of repeated
    ids would be summed in float16, where 2048 + 1 is 2048.
    """
    if not isinstance(variable, keras.Variable):
        return variable
    with AutocastScope(None):
        return variable.value


def scale_gradient(rows: Any, factor: Any) -> Any:
    """Return `rows` to the bit, with their gradient multiplied by `factor`; a factor of 0 stops NaN too.

    Args:
        rows: any shape.
        factor: broadcastable to it, the same dtype.
    """

    # `factor` is an argument, not a closure: JAX cannot differentiate a function that closes over a tracer.
    @ops.custom_gradient
    def identity(tensor: Any, weight: Any) -> Any:
        def gradient(*args: Any, upstream: Any = None) -> Any:
            g = args[0] if upstream is None else upstream
            return ops.where(weight == 0, ops.zeros_like(g), g * weight), ops.zeros_like(weight)

        return tensor * 1, gradient

    return identity(rows, factor)
