"""What a model was given, before it converted it: found on the call stack, because Keras keeps it nowhere else.

A functional or sequential model turns its data into the dtype of its Input before any layer runs
(`Functional._convert_inputs_to_tensors`, keras/src/models/functional.py): under keras.Input(dtype="int32") 1.9 becomes
1, and so does 2**32 + 1; under a float Input 16777217 becomes 16777216. The layer that is called next gets the result,
and nothing in Keras leads from that to the data: the call context holds the outermost layer but not its arguments,
neither the Input nor its `InputSpec` sees data, and tensors keep no history. So the frames of the functions that
convert are read, never written; where there are none, as in a reloaded SavedModel, ids are taken as they come.
"""

import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any, TypeAlias

import keras
from keras import tree
from keras.src.models.functional import Functional

Given: TypeAlias = Any  # a tensor or an array, or a structure of them


def _code(function: Callable[..., object]) -> CodeType:
    return getattr(function, "__wrapped__", function).__code__


STANDARDIZES = _code(Functional.call)
CONVERTS = _code(keras.Layer.__call__)
IN_A_ROW = _code(keras.Sequential.call)
STATELESS = _code(keras.Layer.stateless_call)  # which JAX's trainer uses, and which goes straight to `call`


def called_by(function: Callable[..., object]) -> bool:
    """Return whether `function` is running, and has led to this call."""
    return any(frame.f_code is _code(function) for frame in _frames())


def in_functional_model() -> bool:
    """Return whether a model that converts its inputs is calling; also where no frames can be followed."""
    return _is_compiling() or any(frame.f_code is STANDARDIZES for frame in _frames())


def given(tensor: Given) -> Given:
    """Return what `tensor` was before the layers and models that are being called converted it.

    Args:
        tensor: an argument of a layer, dense, as `call` got it.

    Returns:
        The data of the outermost model that passes it on; `tensor` itself if none has converted it.
    """
    raw: tuple[Functional, int] | None = None  # a model that has converted, and which of its inputs is meant
    for frame in _frames():
        if frame.f_code is STANDARDIZES:
            model, inputs = frame.f_locals["self"], frame.f_locals["inputs"]
            place = _place(tensor, inputs) if isinstance(inputs, list) else None
            if place is None:
                return tensor  # an earlier layer of the model made it
            raw = model, place
            continue
        if frame.f_code is IN_A_ROW and raw is not None:
            tensor, raw = _input(raw, frame.f_locals["inputs"], tensor), None
        elif frame.f_code in (CONVERTS, STATELESS):
            values = frame.f_locals
            if raw is not None and values["self"] is raw[0]:
                tensor, raw = _input(raw, _first(values["args"], values["kwargs"]), tensor), None
        if frame.f_code is CONVERTS:
            values = frame.f_locals
            after, before = tree.flatten([values["args"]]), tree.flatten([values["original_args"]])
            place = _place(tensor, after) if len(after) == len(before) else None
            tensor = tensor if place is None else before[place]
    return tensor


def _frames() -> Iterator[FrameType]:
    frame = None if _is_compiling() else sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_compiling() -> bool:
    """Return whether torch.compile or torch.export is tracing, which cannot trace this."""
    torch = sys.modules.get("torch")
    return torch is not None and torch.compiler.is_compiling()


def _place(tensor: Given, among: list[Given]) -> int | None:
    return next((i for i, other in enumerate(among) if other is tensor), None)


def _first(args: tuple[Given, ...], kwargs: dict[str, Given]) -> Given:
    return args[0] if args else kwargs.get("inputs")


def _input(raw: tuple[Functional, int], inputs: Given, otherwise: Given) -> Given:
    """Return the input of a model, found as `Functional._standardize_inputs` finds it."""
    model, place = raw
    names = [placeholder.name for placeholder in model.inputs]
    if isinstance(inputs, dict) and not isinstance(model._inputs_struct, dict):
        return inputs.get(names[place], otherwise)
    flat = tree.flatten(inputs)
    return flat[place] if len(flat) == len(names) else otherwise
