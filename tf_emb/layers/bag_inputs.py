"""The inputs that an `EmbeddingBag` accepts, in one form: flat ids, and the bag of each."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops
from keras.src.backend.common.symbolic_scope import in_symbolic_scope  # nothing public says it

from tf_emb.layers.id_inputs import is_ragged, is_sparse
from tf_emb.ops import torch_ids
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
            return ops.amax(self._by_bag(values), axis=1)  # torch.compile cannot follow Keras' max
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
    if is_ragged(inputs):
        inputs, weights = _beside_ragged(inputs, weights)
        return Bags(as_index(inputs.values), inputs.value_rowids(), inputs.nrows(), weights)
    if hasattr(inputs, "dense_shape"):
        inputs, weights = _beside_sparse(inputs, weights)
        bag = ops.cast(inputs.indices[:, 0], "int32")
        return Bags(as_index(inputs.values), bag, inputs.dense_shape[0], weights)
    if is_sparse(inputs):
        raise ValueError("`inputs` must not be a BCOO; got one. Give (ids, offsets), or dense ids with `padding_idx`.")
    return _from_dense(as_index(inputs), weights)


def _beside_ragged(ids: BagInputs, weights: BagWeights) -> tuple[BagInputs, Weights | None]:
    """Return ragged ids, and the flat weights whose rows are as long as theirs."""
    if ids.ragged_rank != 1 or len(ids.flat_values.shape) != 1:
        got = f"ragged_rank {ids.ragged_rank} and shape {tuple(ids.shape)}"
        raise ValueError(
            f"Ragged `inputs` must have shape (bags, None); got {got}. Flatten it: inputs.merge_dims(1, -1)."
        )
    if weights is None:
        return ids, None
    if not is_ragged(weights) or weights.ragged_rank != 1:
        raise ValueError(_form("a tf.RaggedTensor with the rows of the ids", weights))
    same = tf.cast(ids.row_splits, tf.int64), tf.cast(weights.row_splits, tf.int64)
    said = _form("row lengths like the ids", weights.row_lengths())
    return ids, _if_equal(*same, said, weights.values)


def _beside_sparse(ids: BagInputs, weights: BagWeights) -> tuple[BagInputs, Weights | None]:
    """Return sparse ids in rising order, as bags need them, and the flat weights at the same places."""
    if ids.shape.rank not in (2, None):
        got = tuple(ids.shape)
        raise ValueError(f"Sparse `inputs` must have shape (bags, places); got {got}. tf.sparse.reshape makes it so.")
    ids = tf.sparse.reorder(tf.SparseTensor(tf.ensure_shape(ids.indices, [None, 2]), ids.values, ids.dense_shape))
    if weights is None:
        return ids, None
    if not hasattr(weights, "dense_shape") or weights.shape.rank not in (2, None):
        raise ValueError(_form("a tf.SparseTensor with the indices of the ids", weights))
    weights = tf.sparse.reorder(weights)
    said = _form("the shape of the ids", weights.dense_shape)
    values = _if_equal(ids.dense_shape, weights.dense_shape, said, weights.values)
    return ids, _if_equal(ids.indices, weights.indices, _form("the indices of the ids", weights.indices), values)


def _form(wanted: str, got: BagWeights) -> str:
    """Return the message for weights that have not the form of the ids."""
    shown = type(got).__name__ if not tf.is_tensor(got) else f"a tensor of shape {tuple(got.shape)}"
    shown = got.numpy().tolist() if isinstance(got, tf.__internal__.EagerTensor) and got.shape.rank == 1 else shown
    return f"`per_sample_weights` must have {wanted}; got {shown}. Give one weight per id, in the form of the ids."


def _if_equal(one: Index, other: Index, said: str, values: Weights) -> Weights:
    """Return `values` if the two are equal; in a graph by an assertion, which XLA drops.

    Raises:
        ValueError: they are not; in a tf.function it is an InvalidArgumentError.
    """
    if not (tf.is_symbolic_tensor(one) or tf.is_symbolic_tensor(other)):
        if one.shape != other.shape or bool(tf.reduce_any(one != other)):
            raise ValueError(said)
        return values
    same_size = tf.assert_equal(tf.shape(one), tf.shape(other), said)
    with tf.control_dependencies([same_size] if same_size is not None else []):
        same = tf.assert_equal(one, other, said)
    with tf.control_dependencies([same] if same is not None else []):
        return tf.identity(values)


def _from_dense(ids: Ids, weights: BagWeights) -> Bags:
    ids, weights = of_rank(2, ids), weights if weights is None else of_rank(2, weights)
    if len(ids.shape) != 2:
        raise ValueError(
            f"`inputs` must have shape (batch, time); got {tuple(ids.shape)}. Give (ids, offsets) for flat ids."
        )
    _check_shape("per_sample_weights", weights, ids.shape)
    batch, time = ops.shape(ids)
    bag = ops.reshape(ops.broadcast_to(ops.arange(batch, dtype="int32")[:, None], (batch, time)), (-1,))
    flat = None if weights is None else ops.reshape(weights, (-1,))
    return Bags(ops.reshape(ids, (-1,)), bag, batch, flat, time)


def of_rank(rank: int, tensor: Ids) -> Ids:
    """Return a tensor of a tf.function whose rank is unknown with that rank, which is then checked when it runs."""
    if keras.backend.backend() != "tensorflow" or not tf.is_tensor(tensor) or tensor.shape.rank is not None:
        return tensor
    return tf.ensure_shape(tensor, [None] * rank)


def _from_offsets(ids: Index, offsets: Index, weights: Weights | None, include_last: bool) -> Bags:
    ids, offsets = of_rank(1, ids), of_rank(1, as_index(ops.convert_to_tensor(offsets)))
    weights = weights if weights is None else of_rank(1, weights)
    for name, flat in (("inputs", ids), ("offsets", offsets)):
        if len(flat.shape) != 1:
            shape = tuple(flat.shape)
            raise ValueError(f"`{name}` must have shape (places,) beside offsets; got {shape}. Flatten it.")
    _check_shape("per_sample_weights", weights, ids.shape)
    _check_offsets(offsets, ids, include_last)
    starts = offsets[:-1] if include_last else offsets
    place = ops.arange(ops.shape(ids)[0], dtype=keras.backend.standardize_dtype(starts.dtype))
    search = torch_ids.searchsorted if keras.backend.backend() == "torch" else ops.searchsorted
    bag = ops.cast(search(starts, place, side="right"), "int32") - 1
    if in_symbolic_scope():  # where PyTorch's offsets are all 1, and the first place would lie before the first bag
        bag = ops.maximum(bag, 0)
    return Bags(ids, bag, ops.shape(starts)[0], weights)


def _check_offsets(offsets: Index, ids: Index, include_last: bool) -> None:
    """Reject offsets that torch rejects, and unsorted ones, which it silently accepts; symbolic values pass."""
    if in_symbolic_scope() or (keras.backend.backend() == "torch" and not torch_ids.readable(offsets)):
        return  # while Keras computes shapes on PyTorch, every value is 1
    try:
        known = torch_ids.values(offsets) if keras.backend.backend() == "torch" else ops.convert_to_numpy(offsets)
        known, places = np.asarray(known), int(ops.shape(ids)[0])
    except Exception:  # a tensor of a graph or a tracer has no values yet, and every backend says so differently
        return
    if known.ndim != 1:
        return  # of several examples, under torch.func.vmap
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


def _differ(one: Count | None, other: Count | None) -> bool:
    """Return whether two sizes are known, and not the same; those of an exported program are symbols."""
    return isinstance(one, int) and isinstance(other, int) and one != other


def _check_shape(name: str, given: BagWeights, shape: Shape) -> None:
    """Reject an array whose known sizes are not those of the ids."""
    if given is None:
        return
    got = tuple(given.shape)
    if len(got) != len(shape) or any(_differ(*pair) for pair in zip(got, shape, strict=True)):
        raise ValueError(f"`{name}` must have shape {tuple(shape)}, that of the ids; got {got}. Give one per id.")
