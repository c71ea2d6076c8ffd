"""The inputs that an `EmbeddingBag` accepts, in one form: flat ids, and the bag of each."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from tf_emb.ops.ids import as_index
from tf_emb.ops.reductions import segment_max, segment_sum
from tf_emb.ops.types import Count, Ids, Index, Rows, Shape, Weights

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

# Ids of shape (batch, time), a tf.RaggedTensor, a tf.SparseTensor, or (ids, offsets), both flat; weights take the form
# of the ids, floating point, or None.
BagInputs: TypeAlias = Any
BagWeights: TypeAlias = Any


@dataclass(frozen=True)
class Bags:
    """Flat ids and the bags they belong to.

    Attributes:
        ids: shape (places,), int32 or int64.
        bag: shape (places,), int32: the bag of each place, not decreasing.
        count: how many bags, an int or a scalar tensor.
        weights: shape (places,), or None.
        width: how many places each bag has, where all have as many.
    """

    ids: Index
    bag: Index
    count: Count
    weights: Weights | None
    width: Count | None = None

    def sum(self, values: Rows) -> Rows:
        """Return the sum of `values`, shape (places, ...), in each bag."""
        if self.width is None:
            return segment_sum(values, self.bag, self.count)
        return ops.sum(self._by_bag(values), axis=1)

    def max(self, values: Rows) -> Rows:
        """Return the largest of `values`, shape (places, dim), in each bag; an empty bag holds an arbitrary number."""
        sizes = self.width, self.count
        if all(isinstance(size, int) and size > 0 for size in sizes):  # a maximum of nothing is an error
            return ops.max(self._by_bag(values), axis=1)
        return segment_max(values, self.bag, self.count)

    def spread(self, vectors: Rows) -> Rows:
        """Return the vector of each place's bag."""
        return ops.take(vectors, self.bag, axis=0)

    def _by_bag(self, values: Rows) -> Rows:
        return ops.reshape(values, (self.count, self.width, *values.shape[1:]))


def as_bags(inputs: BagInputs, weights: BagWeights, include_last_offset: bool) -> Bags:
    """Return the bags of a dense batch, a ragged or sparse tensor, or a pair (ids, offsets).

    Args:
        inputs: integers of shape (batch, time), each row a bag; or a tf.RaggedTensor, a tf.SparseTensor; or
            ids of shape (places,) with the offsets at which their bags start.
        weights: None, or one number per place, in the form of the ids.
        include_last_offset: whether the last offset is the end of the last bag (CSR), not a start.

    Raises:
        ValueError: a shape is wrong; or offsets, where their values are known, do not start at 0, decrease, or
            reach past the ids.
    """
    if isinstance(inputs, tuple | list) and len(inputs) == 2:
        return _from_offsets(as_index(ops.convert_to_tensor(inputs[0])), inputs[1], weights, include_last_offset)
    if hasattr(inputs, "value_rowids"):
        return Bags(as_index(inputs.values), inputs.value_rowids(), inputs.nrows(), _flat(weights))
    if hasattr(inputs, "dense_shape"):
        inputs, weights = _ordered(inputs), _ordered(weights)
        bag = ops.cast(inputs.indices[:, 0], "int32")
        return Bags(as_index(inputs.values), bag, inputs.dense_shape[0], _flat(weights))
    return _from_dense(as_index(inputs), weights)


def _ordered(sparse: BagInputs) -> BagInputs:
    """Return a tf.SparseTensor with its indices in rising order, as bags need them; anything else unchanged."""
    if not hasattr(sparse, "dense_shape"):
        return sparse
    return tf.sparse.reorder(sparse)


def _from_dense(ids: Ids, weights: BagWeights) -> Bags:
    if len(ids.shape) != 2:
        raise ValueError(
            f"`inputs` must have shape (batch, time); got {tuple(ids.shape)}. Give (ids, offsets) for flat ids."
        )
    _check_shape("per_sample_weights", weights, ids.shape)
    batch, time = ops.shape(ids)
    bag = ops.reshape(ops.broadcast_to(ops.arange(batch, dtype="int32")[:, None], (batch, time)), (-1,))
    flat = None if weights is None else ops.reshape(weights, (-1,))
    return Bags(ops.reshape(ids, (-1,)), bag, batch, flat, time)


def _from_offsets(ids: Index, offsets: Index, weights: Weights | None, include_last: bool) -> Bags:
    offsets = as_index(ops.convert_to_tensor(offsets))
    for name, flat in (("inputs", ids), ("offsets", offsets)):
        if len(flat.shape) != 1:
            shape = tuple(flat.shape)
            raise ValueError(f"`{name}` must have shape (places,) beside offsets; got {shape}. Flatten it.")
    _check_shape("per_sample_weights", weights, ids.shape)
    _check_offsets(offsets, ids, include_last)
    starts = offsets[:-1] if include_last else offsets
    place = ops.arange(ops.shape(ids)[0], dtype=keras.backend.standardize_dtype(starts.dtype))
    bag = ops.cast(ops.searchsorted(starts, place, side="right"), "int32") - 1
    return Bags(ids, bag, ops.shape(starts)[0], weights)


def _check_offsets(offsets: Index, ids: Index, include_last: bool) -> None:
    """Reject offsets that torch rejects, and unsorted ones, which it silently accepts; symbolic values pass."""
    try:
        known, places = np.asarray(ops.convert_to_numpy(offsets)), int(ops.shape(ids)[0])
    except Exception:  # a tensor of a graph or a tracer has no values yet, and every backend says so differently
        return
    if not (len(known) or places or include_last):
        return  # no bags of no ids
    if not len(known) or known[0] != 0:
        rule, got = "start at 0", known[:3].tolist()
    elif (np.diff(known) < 0).any():
        rule, got = "not decrease", known[int(np.argmax(np.diff(known) < 0)) :][:2].tolist()
    elif known[-1] > places or (include_last and known[-1] != places):
        rule, got = f"end {'at' if include_last else 'within'} the {places} ids", int(known[-1])
    else:
        return
    raise ValueError(f"`offsets` must {rule}; got {got}. They say where each bag starts among the ids.")


def _check_shape(name: str, given: BagWeights, shape: Shape) -> None:
    """Reject an array whose known sizes are not those of the ids."""
    if given is None:
        return
    got = tuple(given.shape)
    if len(got) != len(shape) or any(None not in pair and pair[0] != pair[1] for pair in zip(got, shape, strict=True)):
        raise ValueError(f"`{name}` must have shape {tuple(shape)}, that of the ids; got {got}. Give one per id.")


def _flat(weights: BagWeights) -> Weights | None:
    """Return the values of ragged or sparse weights."""
    return getattr(weights, "flat_values", getattr(weights, "values", weights))
