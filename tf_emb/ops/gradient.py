"""Functions whose gradient is not that of their formula, on every backend."""

from collections.abc import Callable

from keras import ops

from tf_emb.ops.types import Rows, Tensor


def scale_gradient(rows: Tensor, factor: Tensor) -> Tensor:
    """Return `rows` bit for bit, with their gradient multiplied by `factor`; a factor of 0 stops NaN too.

    Args:
        rows: any shape.
        factor: broadcastable to it, the same dtype.
    """

    # `factor` is an argument, not a closure: JAX cannot differentiate a function that closes over a tracer.
    @ops.custom_gradient
    def identity(tensor: Tensor, weight: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
        def gradient(*args: Tensor, upstream: Tensor | None = None) -> tuple[Tensor, Tensor]:
            g = args[0] if upstream is None else upstream
            return ops.where(weight == 0, ops.zeros_like(g), g * weight), ops.zeros_like(weight)

        return tensor * 1, gradient

    return identity(rows, factor)


def straight_through(function: Callable[[Rows], Rows], rows: Rows) -> Rows:
    """Return function(rows) with the gradient of the identity."""

    @ops.custom_gradient
    def apply(tensor: Rows) -> tuple[Rows, Callable[..., Rows]]:
        def gradient(*args: Rows, upstream: Rows | None = None) -> Rows:
            return args[0] if upstream is None else upstream

        return function(tensor), gradient

    return apply(rows)
