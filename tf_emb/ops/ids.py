"""What ids may be, and what becomes of those that name no row.

One policy, the same in eager mode, tf.function, XLA and on every Keras backend:

    "raise"   an error that names the id; where a compiled program cannot raise (XLA, JAX's jit), a row of NaN
    "nan"     a row of NaN
    "zero"    a row of zeros
    a number  the row of that number, which then is the out-of-vocabulary row and learns as such

Whatever the policy, no other row gets a gradient from an id that names none. Left to themselves the frameworks
wrap, clamp, give zeros, give NaN, raise, or stop the device (docs/semantics.md).
"""

import sys
from numbers import Integral
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

Policy = Literal["raise", "nan", "zero"] | int


def check_ids(ids: Any) -> str:
    """Return the dtype of `ids`, arrays or symbolic tensors.

    Raises:
        TypeError: it is not an integer dtype.
    """
    dtype = keras.backend.standardize_dtype(ids.dtype)
    if not dtype.startswith(("int", "uint")):
        raise TypeError(f"`ids` must be integers; got {dtype}. Cast them, or give keras.Input(..., dtype='int32').")
    return dtype


def as_tensor(ids: Any) -> Any:
    """Return an array of integers or bools as a tensor of its own dtype.

    Keras 3.15 on JAX makes float64 of it, unless told, where floatx is bfloat16 (keras/src/backend/jax/core.py,
    convert_to_tensor: no dtype is taken for bfloat16).
    """
    return ops.convert_to_tensor(ids, keras.backend.standardize_dtype(ids.dtype) if hasattr(ids, "dtype") else None)


def as_index(ids: Any) -> Any:
    """Return `ids` as int32 or int64, whichever holds them; other integers are widened."""
    dtype = check_ids(ids)
    if dtype in ("int32", "int64"):
        return ids
    return ops.cast(ids, "int64" if dtype in ("uint32", "uint64") else "int32")


def check_policy(out_of_range: Policy, vocab: int) -> Policy:
    """Return the policy, a number as an int.

    Raises:
        ValueError: it is none of the four.
    """
    if isinstance(out_of_range, Integral) and not isinstance(out_of_range, bool) and 0 <= out_of_range < vocab:
        return int(out_of_range)
    if out_of_range in ("raise", "nan", "zero") and isinstance(out_of_range, str):
        return out_of_range
    raise ValueError(
        f"`out_of_range` must be 'raise', 'nan', 'zero' or a row in 0..{vocab - 1}; got {out_of_range!r}. "
        "Name the row that stands for unknown words, or choose one of the three."
    )


def inside(ids: Any, vocab: int) -> Any:
    """Return whether each id names a row."""
    return ops.logical_and(ids >= 0, ids < vocab)


def fill_value(out_of_range: Policy) -> float:
    """Return what fills the row of an id that names none."""
    return 0.0 if out_of_range == "zero" else float("nan")


def raise_outside(ids: Any, vocab: int) -> Any:
    """Return `ids`, after an error if one names no row and this program can raise.

    Raises:
        IndexError: eagerly, with the first such id and its place. In a tf.function TensorFlow raises
            InvalidArgumentError instead.
    """
    if not can_raise(ids):
        return ids
    if keras.backend.backend() == "tensorflow":
        return _raise_tensorflow(ids, vocab)
    _raise_eager(ops.convert_to_numpy(ids), vocab)
    return ids


def can_raise(ids: Any) -> bool:
    """Return whether the program that reads `ids` can stop with an error: not under XLA, nor under JAX's jit."""
    backend = keras.backend.backend()
    if backend == "jax":
        return not isinstance(ids, sys.modules["jax"].core.Tracer)  # Keras has imported it
    return backend != "tensorflow" or not in_xla()


def in_xla() -> bool:
    """Return whether TensorFlow is tracing a function that XLA will compile."""
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util  # there is no public way to ask

    return control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def _raise_tensorflow(ids: Any, vocab: int) -> Any:
    import tensorflow as tf

    if not tf.is_symbolic_tensor(ids):
        _raise_eager(ops.convert_to_numpy(ids), vocab)
        return ids
    low = tf.debugging.Assert(tf.reduce_all(inside(ids, vocab)), [message(vocab), ids], summarize=20)
    with tf.control_dependencies([low] if low is not None else []):
        return tf.identity(ids)


def _raise_eager(ids: np.ndarray, vocab: int) -> None:
    if ids.size and (ids.min() < 0 or ids.max() >= vocab):
        at = np.argwhere((ids < 0) | (ids >= vocab))[0]
        place = tuple(int(i) for i in at)
        raise IndexError(f"{message(vocab)}; got {ids[place]} at {place}.")


def message(vocab: int) -> str:
    """Return the rule, for errors."""
    return f"`ids` must be in 0..{vocab - 1} (or choose out_of_range='nan', 'zero' or a row)"
