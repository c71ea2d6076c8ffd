"""Output and gradient of a Keras layer on whichever backend runs: what a case asks of every Keras engine."""

from collections.abc import Callable
from typing import Any

# How TensorFlow runs what is pulled back: eager, graph or xla. Set by the engine's process.
MODE = "eager"


def pull_back(forward: Callable[[], Any], variable: Any, upstream: Any) -> tuple[Any, Any]:
    """Return forward() and the gradient of sum(forward() * upstream) with respect to `variable`, dense.

    Args:
        forward: calls layers that own `variable`.
        variable: a keras.Variable.
        upstream: the gradient that arrives at the output, of its shape.
    """
    import keras

    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](
        forward, variable, upstream
    )


def _tensorflow(forward: Callable[[], Any], variable: Any, upstream: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    def both() -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            out = forward()
        return out, tf.convert_to_tensor(tape.gradient(out, variable.value, upstream))

    return both() if MODE == "eager" else tf.function(both, jit_compile=MODE == "xla")()


def _jax(forward: Callable[[], Any], variable: Any, upstream: Any) -> tuple[Any, Any]:
    import jax
    import keras

    def pure(value: Any) -> Any:
        with keras.StatelessScope(state_mapping=[(variable, value)]):
            return forward()

    out, pull = jax.vjp(jax.jit(pure), variable.value)
    return out, pull(upstream)[0]


def _torch(forward: Callable[[], Any], variable: Any, upstream: Any) -> tuple[Any, Any]:
    variable.value.grad = None
    out = forward()
    out.backward(upstream)
    return out, variable.value.grad.clone()
