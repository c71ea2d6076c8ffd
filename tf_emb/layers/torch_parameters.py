"""torch.func.functional_call for a Keras layer.

It puts tensors in the place of a module's parameters and calls it. A Keras layer on PyTorch registers its variables as
parameters and then reads the variables, so what was put there is not seen, and its gradient is zero. Keras has a scope
in which variables have other values; this opens it where something was put.
"""

import contextlib

import keras

Scope = contextlib.AbstractContextManager[object]


def functional_parameters(layer: keras.Layer) -> Scope:
    """Return the scope in which `layer` reads what stands in its parameters' place; on other backends, an empty one."""
    parameters = getattr(layer, "_torch_params", None)  # a torch.nn.ParameterDict, by path
    if parameters is None:
        return contextlib.nullcontext()
    held = [(variable, parameters[variable.path]) for variable in layer.variables if variable.path in parameters]
    put = [(variable, tensor) for variable, tensor in held if tensor is not variable._value]
    return keras.StatelessScope(put) if put else contextlib.nullcontext()
