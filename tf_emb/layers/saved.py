"""Layers from configurations that a file holds: every argument has its kind, or one line says which has not.

A .keras file is data from anywhere. Keras opens it in safe mode, without code; what its config.json gives to our
layers is checked here, before a table is made.
"""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Self, TypeAlias

import keras

from tf_emb.memory import check_memory

Config: TypeAlias = dict[str, Any]  # what Keras writes of a layer
Kind: TypeAlias = tuple[str, Callable[[Any], bool]]
LARGEST = 2**31 - 1  # rows or columns


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _or_none(kind: Kind) -> Kind:
    said, holds = kind
    return f"{said}, or null", lambda value: value is None or holds(value)


SIZE: Kind = (f"a positive integer up to {LARGEST}", lambda value: _whole(value) and 1 <= value <= LARGEST)
INTEGER: Kind = ("a whole number below 2**63", lambda value: _whole(value) and abs(value) < 2**63)
NUMBER: Kind = ("a number", lambda value: isinstance(value, Real) and not isinstance(value, bool))
TRUTH: Kind = ("true or false", lambda value: isinstance(value, bool))
TEXT: Kind = ("a string", lambda value: isinstance(value, str))
NUMBERS: Kind = ("a list of numbers", lambda value: isinstance(value, list | tuple) and all(map(NUMBER[1], value)))
ENTRY: Kind = ("a name, or an object", lambda value: isinstance(value, str | dict | keras.initializers.Initializer))

KINDS: dict[str, Kind] = {
    **dict.fromkeys(("input_dim", "output_dim", "vocab_size", "negatives"), SIZE),
    **dict.fromkeys(("padding_idx", "default_id", "seed", "lora_rank"), _or_none(INTEGER)),
    **dict.fromkeys(("mask_zero", "scale_grad_by_freq", "sparse", "include_last_offset", "trainable"), TRUTH),
    **dict.fromkeys(("norm_type", "exponent"), NUMBER),
    **dict.fromkeys(("max_norm", "lora_alpha"), _or_none(NUMBER)),
    **dict.fromkeys(("name", "combiner"), TEXT),
    **dict.fromkeys(("trainable_rows", "noise"), _or_none(NUMBERS)),
    **dict.fromkeys(("embeddings_initializer", "kernel_initializer"), ENTRY),
    "counts": NUMBERS,
}


def check_config(layer: str, config: Config) -> None:
    """Refuse a configuration that has an argument of another kind than its layer takes.

    Args:
        layer: the name of its class.
        config: arguments by name; those of no name known here are left to the constructor.

    Raises:
        ValueError: an argument is of another kind, or the table would not fit in memory.
    """
    if not isinstance(config, dict):
        raise ValueError(f"`config` of {layer} must be an object; got {_short(config)}. Save the model again.")
    for name, value in config.items():
        said, holds = KINDS.get(name, ("", lambda _: True))
        if not holds(value):
            raise _wrong(
                f"`{name}` must be {said}; the configuration of {layer} has {_short(repr(value))}. "
                "Save the model again."
            )
    rows, columns = config.get("input_dim"), config.get("output_dim")
    if rows is not None and columns is not None:
        check_memory(4 * rows * columns, f"A table of {rows:,} x {columns:,} numbers", "Save the model again.")


class WrongConfigError(TypeError, ValueError):
    """A configuration that no layer wrote: a TypeError where Keras raises one, a ValueError as all that we refuse."""


def _wrong(said: str) -> ValueError:
    """Return the error; from within a file no TypeError, which Keras would bury in many lines of its own."""
    from keras.src.saving.serialization_lib import in_safe_mode

    return ValueError(said) if in_safe_mode() is not None else WrongConfigError(said)


class Restored(keras.layers.Layer):
    """A layer that takes only configurations of its own kind, as a file may hold any."""

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Return the layer that `get_config` described.

        Raises:
            ValueError: an argument is unknown, of another kind, or outside its range.
        """
        check_config(cls.__name__, config)
        try:
            return super().from_config(config)
        except Exception as error:  # whatever Keras makes of arguments that nobody wrote
            raise _wrong(
                f"`config` of {cls.__name__} must hold what the layer takes; it does not ({_short(error)}). "
                "Save the model again."
            ) from error

    def build_from_config(self, config: Config) -> None:
        """Create the weights for the input shape that a file holds.

        Raises:
            ValueError: it is no shape that the layer takes.
        """
        shape = config.get("input_shape") if isinstance(config, dict) else None
        sides: list[Any] = list(shape) if isinstance(shape, list | tuple) else ["none"]
        if shape is not None and not all(side is None or (_whole(side) and 0 <= side <= LARGEST) for side in sides):
            raise ValueError(
                f"`input_shape` of {self.name!r} must be whole numbers or null; the configuration has "
                f"{_short(repr(shape))}. Save the model again."
            )
        try:
            super().build_from_config(config)
        except Exception as error:  # whatever Keras makes of a shape that nobody wrote
            raise ValueError(
                f"`build_config` of {type(self).__name__} must hold a shape that the layer takes; it does not "
                f"({_short(error)}). Save the model again."
            ) from error


def _short(said: object) -> str:
    """Return text in one line of 200 characters at most."""
    line = " ".join(str(said)[:2000].split())
    return line if len(line) <= 200 else f"{line[:199]}…"
