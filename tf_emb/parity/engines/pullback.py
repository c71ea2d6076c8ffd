"""Outputs and gradients of Keras layers on any backend: what cases need of every Keras engine."""

from collections.abc import Callable, Sequence
from typing import Any

# How TensorFlow runs what is pulled back: eager, graph or xla. Set by the engine's process.
MODE = "eager"


def evaluate(forward: Callable[..., Any], *arguments: Any) -> Any:
    """Return forward(*arguments), a tensor or a tuple of them, run the way the engine runs.

    Args:
        forward: calls layers.
        *arguments: tensors, the arguments of a compiled program; whatever else `forward` closes over is constant.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "torch":
        return forward(*arguments)
    return (_compiled_tensorflow if backend == "tensorflow" else _compiled_jax)(forward)(*arguments)


def pull_back(
    forward: Callable[..., Any], variables: Sequence[Any], upstream: Any = None, *arguments: Any
) -> tuple[Any, list[Any]]:
    """Return forward(*arguments) and the gradients of sum(forward(*arguments) * upstream), dense.

    Args:
        forward: calls layers that own the variables; returns one tensor.
        variables: keras.Variables, with respect to which the gradients are.
        upstream: the gradient that arrives at the output, of its shape; None stands for ones.
        *arguments: as for `evaluate`.
    """
    import keras

    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](
        forward, variables, upstream, arguments
    )


def _compiled_tensorflow(function: Callable[..., Any]) -> Callable[..., Any]:
    import tensorflow as tf

    return function if MODE == "eager" else tf.function(function, jit_compile=MODE == "xla")


def _compiled_jax(function: Callable[..., Any]) -> Callable[..., Any]:
    import jax

    return jax.jit(function)


def _tensorflow(
    forward: Callable[..., Any], variables: Sequence[Any], upstream: Any, arguments: tuple[Any, ...]
) -> tuple[Any, list[Any]]:
    import tensorflow as tf

    def both(*given: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            out = forward(*given)
        gradients = tape.gradient(out, [variable.value for variable in variables], upstream)
        return out, [tf.convert_to_tensor(gradient) for gradient in gradients]

    pulled: tuple[Any, list[Any]] = _compiled_tensorflow(both)(*arguments)
    return pulled


def _jax(
    forward: Callable[..., Any], variables: Sequence[Any], upstream: Any, arguments: tuple[Any, ...]
) -> tuple[Any, list[Any]]:
    import jax
    import keras

    def pure(values: list[Any], *given: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return forward(*given)

    compiled = jax.jit(pure)
    out, pull = jax.vjp(lambda values: compiled(values, *arguments), [variable.value for variable in variables])
    return out, pull(jax.numpy.ones_like(out) if upstream is None else upstream)[0]


def _torch(
    forward: Callable[..., Any], variables: Sequence[Any], upstream: Any, arguments: tuple[Any, ...]
) -> tuple[Any, list[Any]]:
    for variable in variables:
        variable.value.grad = None
    out = forward(*arguments)
    (out.sum() if upstream is None else out).backward(upstream)
    return out, [variable.value.grad.clone() for variable in variables]
