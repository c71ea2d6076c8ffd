"""Which ids are allowed, and what becomes of those that name no row.

One policy, the same in eager mode, tf.function, XLA and on every Keras backend:

    "raise"   an error that names the id; where a compiled program cannot raise (XLA, JAX's jit), a row of NaN
    "nan"     a row of NaN
    "zero"    a row of zeros
    a number  the row of that number, which is then the out-of-vocabulary row and is trained as such

Under every policy, an id that names no row sends no gradient to any other row. On their own the frameworks
wrap, clamp, return zeros, return NaN, raise, or crash the device (docs/semantics.md).
"""

import sys
from numbers import Integral
from typing import Literal

import keras
import numpy as np
from keras import ops

from tf_emb.ops import torch_ids
from tf_emb.ops.types import Ids, Index, Mask

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from tf_emb.ops.program import in_xla

Policy = Literal["raise", "nan", "zero"] | int


def check_ids(ids: Ids) -> str:
    """Return the dtype of `ids`, arrays or symbolic tensors.

    Raises:
        TypeError: it is not an integer dtype.
    """
    dtype: str = keras.backend.standardize_dtype(ids.dtype)
    if not dtype.startswith(("int", "uint")):
        raise TypeError(f"`ids` must be integers; got {dtype}. Cast them, or use keras.Input(..., dtype='int32').")
    return dtype


def as_tensor(ids: Ids | Mask) -> Ids | Mask:
    """Return an array of integers or bools as a tensor of the same dtype.

    Without an explicit dtype Keras 3.15 on JAX converts it to float64 where floatx is bfloat16
    (keras/src/backend/jax/core.py, convert_to_tensor: no dtype is taken for bfloat16).
    """
    return ops.convert_to_tensor(ids, keras.backend.standardize_dtype(ids.dtype) if hasattr(ids, "dtype") else None)


def as_index(ids: Ids) -> Index:
    """Return `ids` as int32 or int64, whichever holds them; other integers are widened."""
    dtype = check_ids(ids)
    if dtype in ("int32", "int64"):
        return ids
    return ops.cast(ids, "int64" if dtype in ("uint32", "uint64") else "int32")


def check_policy(out_of_range: Policy, vocab: int) -> Policy:
    """Return the policy, a row number as an int.

    Raises:
        ValueError: it is none of the four.
    """
    if isinstance(out_of_range, Integral) and not isinstance(out_of_range, bool) and 0 <= out_of_range < vocab:
        return int(out_of_range)
    if out_of_range in ("raise", "nan", "zero") and isinstance(out_of_range, str):
        return out_of_range
    raise ValueError(
        f"`out_of_range` must be 'raise', 'nan', 'zero' or a row in 0..{vocab - 1}; got {out_of_range!r}. "
        "Give the row of unknown words, or choose one of the three names."
    )


def inside(ids: Ids, vocab: int) -> Mask:
    """Return whether each id names a row."""
    return ops.logical_and(ids >= 0, ids < vocab)


def apply_policy(ids: Index, vocab: int, policy: Policy) -> Index:
    """Return `ids` with the row of unknown words, if there is one, for those that name no row; or raise.

    Raises:
        IndexError: the policy is "raise", the program can raise, and an id names no row; it is the first such id,
            with its position. In a tf.function TensorFlow raises InvalidArgumentError instead.
    """
    if policy == "raise":
        return raise_outside(ids, vocab)
    if isinstance(policy, int):
        return ops.where(inside(ids, vocab), ids, ops.cast(policy, ids.dtype))
    return ids


def existing(ids: Index, vocab: int, policy: Policy) -> tuple[Mask | None, Index]:
    """Return whether each id names a row, None where `apply_policy` made sure of it, and ids that can be gathered."""
    if isinstance(policy, int) or (policy == "raise" and can_raise(ids)):
        return None, ids
    exists = inside(ids, vocab)
    return exists, ops.where(exists, ids, ops.zeros_like(ids))


def leaves_nan(ids: Index, policy: Policy) -> bool:
    """Return whether an id that names no row gives a row of NaN here."""
    return policy == "nan" or (policy == "raise" and not can_raise(ids))


def fill_value(out_of_range: Policy) -> float:
    """Return what fills the row of an id that names none."""
    return 0.0 if out_of_range == "zero" else float("nan")


def raise_outside(ids: Index, vocab: int) -> Index:
    """Return `ids`, after an error if one names no row and this program can raise; see `apply_policy`."""
    backend = keras.backend.backend()
    if not can_raise(ids):
        if backend == "torch":
            torch_ids.assert_all(inside(ids, vocab), rule(vocab))
        return ids
    if backend == "tensorflow" and tf.is_symbolic_tensor(ids):
        holds = tf.debugging.Assert(tf.reduce_all(inside(ids, vocab)), [rule(vocab), ids], summarize=20)
        with tf.control_dependencies([holds] if holds is not None else []):
            return tf.identity(ids)
    raise_values(torch_ids.values(ids) if backend == "torch" else ops.convert_to_numpy(ids), vocab)
    return ids


def raise_values(ids: np.ndarray, vocab: int) -> None:
    """Raise IndexError if one of `ids` names no row; it has the first, and its position."""
    if ids.size and (ids.min() < 0 or ids.max() >= vocab):
        at = np.argwhere((ids < 0) | (ids >= vocab))[0]
        place = tuple(int(i) for i in at)
        raise IndexError(f"{rule(vocab)}; got {ids[place]} at {place}.")


def rule(vocab: int) -> str:
    """Return what an error says first."""
    return f"`ids` must be in 0..{vocab - 1} (or choose out_of_range='nan', 'zero' or a row)"


def can_raise(ids: Ids) -> bool:
    """Return whether the program that reads `ids` can stop with an error that names one.

    Not under XLA, nor under JAX's jit, nor where PyTorch traces (tf_emb.ops.torch_ids).
    """
    backend = keras.backend.backend()
    if backend == "jax":
        return not isinstance(ids, sys.modules["jax"].core.Tracer)  # Keras has imported it
    if backend == "torch":
        return torch_ids.readable(ids)
    return tf.executing_eagerly() or not in_xla()
