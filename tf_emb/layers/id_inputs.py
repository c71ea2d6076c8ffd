"""Ids as a layer may be given them, turned into what a lookup takes: dense integers of 32 or 64 bits.

Three things happen to ids before a layer's `call` sees them, and each can turn one id into another:

    Keras converts NumPy arrays     on JAX, without x64, 2**32 + 1 becomes 1; uint64 becomes int64: `seen_whole`
    a model converts to its Input   which `Sequential`, not given one, makes at the layer's float dtype: `TakesIds`
    sparse tensors hold no zeros    a place that is absent is id 0, as in keras.layers.Embedding: `dense`
"""

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops
from keras.src.backend.common.symbolic_scope import in_symbolic_scope  # nothing public says it

from tf_emb.layers.given import called_by, given, in_functional_model
from tf_emb.ops.ids import Policy, as_index, as_tensor, can_raise, check_ids, raise_outside, raise_values
from tf_emb.ops.types import Index, Mask, Tensor

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

# What `call` may be given: Ids, or a tf.RaggedTensor, a tf.SparseTensor, a BCOO of JAX, or a keras.KerasTensor.
AnyIds: TypeAlias = Any
Arguments: TypeAlias = tuple[Any, ...]  # of a call, whatever they are
Keywords: TypeAlias = dict[str, Any]

# How many bits of a whole number a float holds: beside id 2**bits may stand for 2**bits + 1.
BITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
FRACTION = "`ids` must be whole numbers; got {}. Cast them, or use keras.Input(..., dtype='int32')."


def is_ragged(ids: AnyIds) -> bool:
    """Return whether `ids` are a tf.RaggedTensor."""
    return hasattr(ids, "flat_values")


def is_sparse(ids: AnyIds) -> bool:
    """Return whether `ids` are a tf.SparseTensor, or a sparse array of JAX."""
    return hasattr(ids, "dense_shape") or hasattr(ids, "todense")


def dense(ids: AnyIds) -> AnyIds:
    """Return sparse ids as a tensor with 0 at the places that are absent; anything else unchanged."""
    if hasattr(ids, "dense_shape"):
        shape, ids = ids.shape, tf.sparse.to_dense(tf.sparse.reorder(ids))
        ids.set_shape(shape)  # which `reorder` forgets
        return ids
    return ids.todense() if hasattr(ids, "todense") else ids


def mask_of(ids: AnyIds, padding: int) -> Mask:
    """Return ids != padding, in the form of the ids; dense for sparse ones."""
    if is_ragged(ids):
        return ids.with_flat_values(mask_of(ids.flat_values, padding))
    if not keras.backend.is_keras_tensor(ids):
        ids = dense(ids)
    # Narrow integers may not hold the number of the padding row.
    return ops.not_equal(ids if keras.backend.is_float_dtype(ids.dtype) else as_index(ids), padding)


def map_values(function: Callable[[AnyIds], AnyIds], ids: AnyIds) -> AnyIds:
    """Return a tf.SparseTensor of function(ids.values); another sparse array unchanged."""
    if not hasattr(ids, "dense_shape"):
        return ids
    return tf.SparseTensor(ids.indices, function(ids.values), ids.dense_shape)


def seen_whole(ids: AnyIds, vocab: int, policy: Policy) -> AnyIds:
    """Return an array that Keras would narrow as one that it takes as it is, with -1 for what does not fit.

    An id that does not fit names no row, and neither does -1; without this it could name one.

    Args:
        ids: what the layer is given; anything but an array on the host is returned as it is.
        vocab: how many rows there are.
        policy: see tf_emb.ops.ids.

    Raises:
        IndexError: an id does not fit, under "raise".
    """
    if keras.backend.is_keras_tensor(ids) or ops.is_tensor(ids) or not hasattr(ids, "__array__"):
        return ids
    array = np.asarray(ids)
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 4:
        return ids
    name = keras.backend.backend()
    kept = np.iinfo(np.int32 if name == "jax" and _narrows() else np.int64)
    outside = array > kept.max  # NumPy compares uint64 with a Python int exactly
    if array.dtype.kind == "i":
        outside |= array < kept.min
    if not outside.any():
        return ids if array.dtype in (np.int32, kept.dtype) else array.astype(kept.dtype)
    if policy == "raise":
        raise_values(array, vocab)
    return np.where(outside, -1, array).astype(kept.dtype)


def _narrows() -> bool:
    """Return whether JAX holds no integers of 64 bits."""
    return not sys.modules["jax"].config.jax_enable_x64  # Keras has imported it


class TakesIds(keras.layers.Layer):
    """A layer that is called with ids, and answers for what becomes of them on their way."""

    input_dim: int
    out_of_range: Policy
    _pools: bool = False  # whether absent places of sparse ids are no ids, rather than id 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Look at ids before Keras converts them, then call the layer."""
        args, kwargs = self._arguments(args, kwargs)
        if args:
            args = (self._map_ids(self._seen_whole, args[0]), *args[1:])
        elif "inputs" in kwargs:
            kwargs = {**kwargs, "inputs": self._map_ids(self._seen_whole, kwargs["inputs"])}
        return super().__call__(*args, **kwargs)

    def _arguments(self, args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords]:
        return args, kwargs

    def _map_ids(self, function: Callable[[AnyIds], AnyIds], inputs: AnyIds) -> AnyIds:
        """Return `inputs` with function(ids) in the place of the ids."""
        return function(inputs)

    def _seen_whole(self, ids: AnyIds) -> AnyIds:
        return seen_whole(ids, self.input_dim, self.out_of_range)

    def _accept(self, ids: keras.KerasTensor) -> None:
        """Take a placeholder of integers, or of floats: those hold no data that could be refused."""
        if keras.backend.is_float_dtype(ids.dtype):
            widen_own_input(ids, self.input_dim, self.compute_dtype)
        else:
            check_ids(ids)

    def _arrived(self, ids: AnyIds) -> Index:
        """Return what reached `call` as ids of 32 or 64 bits: dense, or ragged, or sparse where bags are pooled."""
        ids = self._unconverted(ids)
        if is_ragged(ids):
            return ids.with_flat_values(self._as_ids(ids.flat_values))
        if self._pools and is_sparse(ids):
            return map_values(self._as_ids, ids)
        return self._as_ids(dense(ids))

    def _unconverted(self, ids: AnyIds) -> AnyIds:
        """Return the integers from which a model made `ids`, if one did.

        Raises:
            TypeError: it made them from floats.
        """
        raw = ids if in_symbolic_scope() else given(ids)
        if raw is ids or keras.backend.is_keras_tensor(raw) or not hasattr(raw, "dtype") or raw.dtype == ids.dtype:
            return ids
        if keras.backend.is_float_dtype(ids.dtype) and keras.backend.is_float_dtype(raw.dtype):
            return ids  # the model was made for floats, or did not know
        check_ids(raw)
        if is_ragged(raw) or is_sparse(raw) or is_sparse(ids):
            return ids
        return ops.reshape(as_tensor(self._seen_whole(raw)), ops.shape(ids))  # a model may add or drop an axis of 1

    def _as_ids(self, ids: AnyIds) -> Index:
        if keras.backend.is_float_dtype(ids.dtype):
            return self._from_floats(ids)
        if check_ids(ids) in ("uint32", "uint64") and self.out_of_range == "raise":
            ids = raise_outside(ids, self.input_dim)  # while the ids are what they are: as int64, 2**64 - 1 is -1
        return as_index(ids)

    def _from_floats(self, ids: Tensor) -> Index:
        """Return floats as integers, if they stand for integers that a model has turned into floats."""
        if in_symbolic_scope():
            return ops.cast(ids, "int32")  # there is no data
        if not in_functional_model():
            check_ids(ids)  # data as they were given: refused
        return whole(ids, self.input_dim, self.out_of_range)


def whole(ids: Tensor, vocab: int, policy: Policy) -> Index:
    """Return ids that a model has turned into floats as integers, to the bit.

    Args:
        ids: floating point, any shape.
        vocab: how many rows there are.
        policy: see tf_emb.ops.ids.

    Returns:
        int32, or int64 for a table that needs it; -1 for what is no whole number, where the program cannot raise.

    Raises:
        TypeError: the dtype does not hold every id of the table; or an id is no whole number, and the program can
            raise. In a tf.function TensorFlow raises InvalidArgumentError instead.
        IndexError: an id names no row, under "raise".
    """
    dtype = keras.backend.standardize_dtype(ids.dtype)
    if vocab > 2 ** BITS.get(dtype, 0):
        most = f"{dtype} holds ids up to {2 ** BITS.get(dtype, 0) - 1} of 0..{vocab - 1}"
        raise TypeError(f"`ids` must be integers; {most}. Use keras.Input(..., dtype='int32').")
    ids = _refuse_fractions(ids)
    if policy == "raise":
        ids = raise_outside(ids, vocab)
    named = _is_whole(ids) & (ids >= 0) & (ids < vocab)  # a float past the largest int is cast to no one knows what
    return ops.cast(ops.where(named, ids, ops.full_like(ids, -1)), "int32" if vocab <= 2**31 else "int64")


def _is_whole(ids: Tensor) -> Mask:
    return ops.floor(ids) == ids


def _refuse_fractions(ids: Tensor) -> Tensor:
    if not can_raise(ids):
        return ids
    if keras.backend.backend() == "tensorflow" and tf.is_symbolic_tensor(ids):
        holds = tf.debugging.Assert(tf.reduce_all(_is_whole(ids)), [FRACTION.format("others"), ids], summarize=20)
        with tf.control_dependencies([holds] if holds is not None else []):
            return tf.identity(ids)
    known = ops.convert_to_numpy(ids)
    broken = np.argwhere(np.floor(known) != known)
    if len(broken):
        place = tuple(int(i) for i in broken[0])
        raise TypeError(FRACTION.format(f"{known[place]} at {place}"))
    return ids


def widen_own_input(ids: keras.KerasTensor, vocab: int, dtype: str) -> None:
    """Let the placeholder that `keras.Sequential` makes for its first layer hold every id of that layer.

    Sequential.build gives it the compute dtype of the layer, which is right for layers of numbers: under mixed_float16
    it would round ids from 2,048 on, before any layer runs. Nobody has asked for that placeholder by its dtype, and
    nothing but this layer reads it. A placeholder that was made in another way is left alone.
    """
    made = getattr(getattr(ids, "_keras_history", None), "operation", None)
    if not isinstance(made, keras.layers.InputLayer) or not called_by(keras.Sequential.build):
        return
    if keras.backend.standardize_dtype(ids.dtype) == dtype and vocab > 2 ** BITS.get(dtype, 0):
        ids._dtype = made._dtype = "float32" if vocab <= 2 ** BITS["float32"] else "int32"
