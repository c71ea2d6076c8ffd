"""torch.func.functional_call for a Keras layer.

It puts tensors in the place of a module's parameters and calls it. A Keras layer on PyTorch registers its variables as
parameters and then reads the variables, so what was put there is not seen, and its gradient is zero. Keras has a scope
in which variables have other values; this opens it where something was put.
"""

import contextlib
from typing import Any

import keras

from tf_emb.ops.types import Output

Scope = contextlib.AbstractContextManager[object]


def functional_parameters(layer: keras.Layer) -> Scope:
    """Return the scope in which `layer` reads what stands in its parameters' place; on other backends, an empty one."""
    parameters = getattr(layer, "_torch_params", None)  # a torch.nn.ParameterDict, by path
    if parameters is None:
        return contextlib.nullcontext()
    held = [(variable, parameters[variable.path]) for variable in layer.variables if variable.path in parameters]
    put = [(variable, tensor) for variable, tensor in held if tensor is not variable._value]
    return keras.StatelessScope(put) if put else contextlib.nullcontext()


class Functional:
    """A layer that functional_call can call."""

    def __call__(self, *args: Any, **kwargs: Any) -> Output:
        """Call the layer, with what stands in its parameters' place."""
        with functional_parameters(self):
            return super().__call__(*args, **kwargs)  # type: ignore[misc]


# The base classes that a layer needs for it.
FUNCTIONAL: tuple[Any, ...] = (Functional,) if keras.backend.backend() == "torch" else ()
