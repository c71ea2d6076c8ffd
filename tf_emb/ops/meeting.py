"""Where the gradients of one table meet on TensorFlow, so that an optimizer sees one sum per row.

A lookup's gradient names a row per place. TensorFlow only concatenates what several lookups of a variable name, and
an optimizer that squares what it gets (Adagrad, Adam, RMSprop ...) then accumulates sum(g^2) where (sum g)^2 is due; so
do norms. Summing within each lookup is not enough: a layer is called twice, once per time step, once per replica.

So every lookup under one tape sends its gradient not to the variable but to a scalar between them, the meeting, whose
own gradient function gets the concatenation of all and passes on their sum:

    table -- meeting -+- lookup
                      +- lookup

The sum names each row once. Where one cannot know that it holds all of the lookups (a function that is called twice
under a tape outside, a loop, replicas, nested tapes), or where slices break Keras' optimizers (XLA), it has the shape
of the table instead: TensorFlow adds tensors, and does not concatenate them. An optimizer that sums repeated slices
itself may say so by `wants_slices`, and gets slices everywhere, for as long as it lives.
"""

import functools
import gc
import weakref
from collections.abc import Callable
from typing import Any, TypeAlias

import tensorflow as tf
from tensorflow.python.eager import record

from tf_emb.ops.csr import has_csr, place_sum
from tf_emb.ops.program import (
    ONE_TAPE,
    current_graph,
    in_branch,
    in_control_flow,
    in_vectorized_map,
    in_xla,
    replicas,
    tapes,
)
from tf_emb.ops.types import Graph, Held, Index, Output, Rows, Slices, Tensor

Handle: TypeAlias = Any  # the resource tensor of a tf.Variable
Gradient: TypeAlias = Any  # a tensor of the shape of the table, or Slices
Noted: TypeAlias = Any  # a set or a dictionary


class Meeting:
    """The scalar between a table and the lookups under one tape, and what its gradient function must know.

    Attributes:
        handle: of the table.
        graph: where the lookups were traced; None in eager mode.
        token: the scalar.
        sparse: whether the sum may be slices.
    """

    def __init__(self, table: Held, handle: Handle) -> None:
        self.handle, self.graph, self.sparse = handle, current_graph(), True
        self.vocab = int(table.shape[0])
        _present(handle).add(self)
        self.token = self._connected()

    def _connected(self) -> Tensor:
        if in_control_flow():  # whose gradient cannot pass a resource through an operation: only a tape may know
            with record.stop_recording():
                token = tf.zeros([])
            record.record_operation("Meeting", [token], [self.handle], lambda upstream: [self.total(upstream)])
            return token

        @tf.custom_gradient
        def connect(_: Handle) -> tuple[Tensor, Callable[[Gradient], Gradient]]:
            return tf.zeros([]), self.total

        return connect(self.handle)

    def is_of_the_same_tape(self) -> bool:
        """Return whether exactly the tape that follows the token follows the table now."""
        return tapes(self.handle) == tapes(self.token) == ONE_TAPE

    def total(self, upstream: Gradient) -> Gradient:
        """Return the table's gradient: what the lookups sent, summed."""
        if self.sparse and self._has_all():
            return coalesced(upstream)
        if self.sparse and _slices_are_wanted(self.handle):
            return upstream
        total = tf.math.unsorted_segment_sum(upstream.values, upstream.indices, self.vocab)
        return _noted(total, upstream.indices, self.handle, self.graph) if self.sparse else total

    def _has_all(self) -> bool:
        """Return whether no other gradient of the table can join this one as slices, and slices may be used."""
        same = current_graph() is self.graph and len(_present(self.handle)) == 1
        return same and replicas() == 1 and not in_xla() and not in_vectorized_map()


def read_rows(table: Held, ids: Index, sparse: bool) -> Rows:
    """Return the rows `ids` of a variable; their gradient is summed with those of other lookups of the variable.

    Args:
        table: a tf.Variable, shape (vocab, dim).
        ids: int32 or int64, shape (places,), each in 0..vocab-1.
        sparse: whether the gradient may be slices.
    """
    rows = tf.gather(table, ids)  # which tells the tapes that the table is used
    if not tapes(table.handle):
        if tf.executing_eagerly():
            return rows
        return _summed_once(rows, ids, int(table.shape[0])) if sparse else tf.gather(whole(table), ids)
    meeting = _meeting(table)
    meeting.sparse &= sparse
    shape = table.shape.as_list()
    if in_control_flow():
        # A tape inside sees the meeting. One outside sees the loop or the condition, whose gradient is that of the
        # operations: a loop adds tensors up, a condition returns the slices of a branch as they are.
        with record.stop_recording():
            out = tf.gather(whole(table), ids) if in_branch() else _summed_once(rows, ids, shape[0])
        slices = functools.partial(tf.IndexedSlices, indices=ids, dense_shape=tf.constant(shape))
        record.record_operation("Lookup", [out], [meeting.token], lambda upstream: [slices(upstream)])
        return out

    @tf.custom_gradient
    def joined(_: Tensor, tensor: Rows, at: Index) -> tuple[Rows, Callable[[Rows], tuple[Slices, None, None]]]:
        def gradient(upstream: Rows) -> tuple[Slices, None, None]:
            # An identity, since slices must be of the graph in which the gradient is taken.
            return tf.IndexedSlices(upstream, tf.identity(at), tf.constant(shape)), None, None

        return tf.identity(tensor), gradient

    return joined(meeting.token, tf.stop_gradient(rows), ids)


def whole(table: Held) -> Rows:
    """Return all of a table, whose gradient is not slices: tf.reshape sums them into a tensor of its shape."""
    return tf.reshape(table, table.shape)


def _summed_once(rows: Rows, ids: Index, vocab: int) -> Rows:
    """Return `rows`; at the first place of each id they get the sum of its gradients, and elsewhere zeros.

    For a graph that no tape follows, whose gradient may be taken from outside, or after it was saved and loaded. The
    slices of a lookup then have the norm and the squares of their sum, although they name an id more than once.
    """

    @tf.custom_gradient
    def joined(tensor: Rows, at: Index) -> tuple[Rows, Callable[[Rows], tuple[Rows, None]]]:
        def gradient(upstream: Rows) -> tuple[Rows, None]:
            place = tf.range(tf.size(at))
            first = tf.gather(tf.math.unsorted_segment_min(place, at, vocab), at)
            total = tf.gather(tf.math.unsorted_segment_sum(upstream, at, vocab), at)
            return tf.where(tf.equal(place, first)[:, None], total, tf.zeros_like(total)), None

        return tf.identity(tensor), gradient

    return joined(rows, ids)


def _noted(total: Rows, ids: Index, handle: Handle, graph: Graph | None) -> Rows:
    """Return `total`, after noting what it does not tell: that it was made of the rows `ids` (see `ids_of`)."""
    here = current_graph()
    if here is not graph or (here is not None and replicas() > 1):
        _kept(handle, "lost", bool)
    elif here is not None:
        _kept(here, "ids", dict)[id(total)] = total, ids
        _kept(here, "named", set).add(id(handle))
    return total


def _meeting(table: Held) -> Meeting:
    handle = table.handle
    return next((known for known in _present(handle) if known.is_of_the_same_tape()), None) or Meeting(table, handle)


def coalesced(slices: Slices) -> Slices:
    """Return `tf.IndexedSlices` with each row once, its slices summed; not under XLA."""
    # With counts, which XLA cannot compile: it compiles tf.unique, and miscounts.
    rows, place, _ = tf.unique_with_counts(slices.indices)
    once = tf.equal(tf.size(rows), tf.size(place))
    held = tf.convert_to_tensor(slices.values)
    by_csr = has_csr(held.dtype, in_gradient=True)  # a gradient is nothing that is exported
    values = tf.cond(once, lambda: held, lambda: place_sum(held, place, tf.size(rows), by_csr))
    return tf.IndexedSlices(values, rows, slices.dense_shape)


def wants_slices(optimizer: object, table: Held, *, from_now: bool) -> None:
    """Note that `optimizer` sums repeated slices itself, and is to get slices of `table` wherever there are any.

    Args:
        optimizer: what updates the table; the note lasts as long as it lives.
        table: a tf.Variable.
        from_now: whether no gradient that was traced before will be used.
    """
    for part in getattr(table, "values", [table]):  # a variable of several replicas has one part in each
        _kept(part.handle, "optimizers", weakref.WeakSet).add(optimizer)
        if from_now and _mark(part.handle, "lost"):
            delattr(part.handle, KEY + "lost")


def _slices_are_wanted(handle: Handle) -> bool:
    optimizers = _kept(handle, "optimizers", weakref.WeakSet)
    if optimizers and current_graph() is not None:
        gc.collect()  # an optimizer that `compile` has replaced is in a circle, and squares are those of another now
    return bool(optimizers)


def ids_of(gradient: Output) -> Index | None:
    """Return the ids, repeated or not, of the lookups that `gradient` is the sum of; None if it is of something else.

    It has the shape of the table, and has been taken in the function that is being traced.
    """
    graph = current_graph()
    if graph is None:
        return None
    while gradient.op.type in ("Identity", "IdentityN"):  # as tf.distribute wraps it where there is one replica
        gradient = gradient.op.inputs[gradient.value_index]
    total, ids = _kept(graph, "ids", dict).get(id(gradient), (None, None))
    return ids if total is gradient else None


def check_named(table: Held) -> None:
    """Reject a gradient of the shape of `table`, not known to `ids_of`, if lookups are in it.

    Raises:
        ValueError: they are. Their ids are lost, since the gradient was taken in another function or has been changed.
    """
    graph = current_graph()
    lost = _mark(table.handle, "lost")
    while graph is not None and not lost:
        lost = id(table.handle) in _kept(graph, "named", set)
        graph = getattr(graph, "outer_graph", None)
    if lost:
        raise ValueError(
            "The gradient must name the rows of the batch; got a tensor of the shape of the table. "
            "Call `optimizer.build(model.trainable_variables)` before the first gradient is taken."
        )


KEY = "_tf_emb_"  # of what is noted on a handle or a graph, whose lives it shares


def _present(handle: Handle) -> Any:
    """Return the meetings of a table that a gradient may still come from: those of this graph, or of living tapes."""
    graph = current_graph()
    if graph is None:  # a tape keeps its gradient functions, and they keep the meeting
        return _kept(handle, "meetings", weakref.WeakSet)
    return _kept(graph, "meetings", dict).setdefault(id(handle), set())


def _kept(owner: Graph | Handle, name: str, make: Callable[[], Noted]) -> Noted:
    """Return what is noted on `owner` under this name, after noting what `make` returns if nothing is."""
    if not _mark(owner, name):
        setattr(owner, KEY + name, make())
    return getattr(owner, KEY + name)


def _mark(owner: Graph | Handle, name: str) -> bool:
    return hasattr(owner, KEY + name)
