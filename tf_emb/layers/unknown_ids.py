"""Ids that name no row, in a program that cannot raise: a warning when it is compiled, and the first id afterwards.

Under XLA (TensorFlow's jit_compile, JAX's jit) and where PyTorch traces, `out_of_range="raise"` gives a row of NaN.
The layer says so once. What the program then meets the host learns

- on JAX from a callback, which runs only when there is such an id: a warning, at once;
- on TensorFlow from a variable that the program writes: XLA on CPU cannot call the host.

The variable is none of the layer's: it is in no list of weights and in no file but a SavedModel of the very program.
"""

import warnings
import weakref
from typing import Any, TypeAlias

import keras
import numpy as np

from tf_emb.ops import torch_ids
from tf_emb.ops.ids import inside, rule
from tf_emb.ops.types import Held, Ids, Output

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
elif keras.backend.backend() == "jax":
    from tf_emb.ops import jax_ids

Seen = tuple[int, tuple[int, ...]]  # an id, and its position among those of its call
Watched: TypeAlias = Any  # an `Embedding`, whose module imports this one
Logs: TypeAlias = dict[str, Any] | None  # what Keras passes to callbacks
AXES = 8  # that the variable has room for


class Witness:
    """What is known of one layer's unknown ids.

    Args:
        layer: a name to print.
        vocab: how many rows there are.
    """

    def __init__(self, layer: str, vocab: int) -> None:
        self.layer, self.vocab = layer, vocab
        self.seen: Seen | None = None
        self.warned = False
        self.variable: Held | None = None

    def compiled(self) -> None:
        """Warn, once, that a program is compiled which cannot raise."""
        if self.warned:
            return
        self.warned = True
        hear = {
            "tensorflow": "Give `fit` the callback tf_emb.layers.StopAtUnknownIds(), or ask `first_unknown_id()`.",
            "jax": "A warning will name the first; give `fit` the callback tf_emb.layers.StopAtUnknownIds() to stop.",
        }.get(keras.backend.backend(), "Check the ids before.")
        warnings.warn(
            f"Layer {self.layer!r}: out_of_range='raise' cannot raise in a compiled program. An id outside "
            f"0..{self.vocab - 1} will give a row of NaN there, and send none to the table. {hear} "
            "Choose out_of_range='nan' to have this in silence, or 'zero', or the row of unknown words.",
            stacklevel=2,
        )

    def saw(self, value: int, position: tuple[int, ...]) -> None:
        """Keep the first id that named no row, and warn of it."""
        if self.seen is None:
            self.seen = value, position
            warnings.warn(f"A compiled program met an unknown id. {self.message()}", stacklevel=2)

    def first(self) -> Seen | None:
        """Return the first id that named no row, and where it was."""
        if self.seen is None and self.variable is not None:
            known = self.variable.numpy().tolist()
            if known[0]:
                self.seen = known[1], tuple(known[2 : 1 + known[0]])
        return self.seen

    def message(self) -> str:
        """Return the text of an error, after `first`."""
        value, position = self.seen or (None, None)
        return f"{rule(self.vocab)}; layer {self.layer!r} got {value} at {position}."

    def forget(self) -> None:
        """Begin anew."""
        self.seen = None
        if self.variable is not None:
            self.variable.assign(np.zeros(2 + AXES, np.int64))


_witnesses: weakref.WeakKeyDictionary[keras.Layer, Witness] = weakref.WeakKeyDictionary()


def witness_of(layer: keras.Layer) -> Witness | None:
    """Return what is known of a layer's unknown ids; None where no program was compiled that could meet one."""
    return _witnesses.get(layer)


def watched(layer: Watched, ids: Ids) -> Ids:
    """Return `ids`, to be looked up in the place of those given, and see what happens to them.

    Args:
        layer: an `Embedding` whose `out_of_range` is "raise".
        ids: integers, any shape, of a program that cannot raise.
    """
    backend = keras.backend.backend()
    if backend == "torch" and torch_ids.cannot_warn():
        return ids
    witness = _witnesses.setdefault(layer, Witness(layer.name, layer.input_dim))
    if backend == "jax":
        return jax_ids.watched(ids, layer.input_dim, witness)
    witness.compiled()
    if backend == "tensorflow":
        _write_first(ids, witness)
    return ids


def _write_first(ids: Ids, witness: Witness) -> None:
    """Let the program that is being built write the first unknown id into the variable of `witness`."""
    if tf.distribute.has_strategy():  # whose variables are one per replica, made outside of it
        return
    with tf.init_scope():
        if not tf.executing_eagerly():
            return
        if witness.variable is None:
            witness.variable = tf.Variable(np.zeros(2 + AXES, np.int64), trainable=False, name="first_unknown_id")
    flat, rank = tf.reshape(ids, [-1]), ids.shape.rank
    outside = tf.concat([tf.logical_not(inside(flat, witness.vocab)), [True]], 0)  # so that there is a first one always
    first = tf.argmax(tf.cast(outside, tf.int32))
    # Not `[first]`: XLA compiles a slice anew for every place where it begins, so for every batch.
    value = tf.cast(tf.gather(tf.concat([flat, [0]], 0), first), tf.int64)
    rank = 1 if rank is None or rank > AXES else rank
    position: list[Output] = []
    rest = first
    for axis in reversed(range(1, rank)):
        size = tf.shape(ids, out_type=tf.int64)[axis]
        position.insert(0, rest % tf.maximum(size, 1))
        rest = rest // tf.maximum(size, 1)
    found = tf.stack(
        [rank + 1, value, *([rest, *position] if rank else []), *[tf.constant(0, tf.int64)] * (AXES - rank)]
    )
    before = witness.variable.read_value()
    new = tf.logical_and(first < tf.size(flat, tf.int64), before[0] == 0)
    witness.variable.assign(tf.where(new, found, before))


class StopAtUnknownIds(keras.callbacks.Callback):
    """Raises after the first batch in which a compiled step met an id that names no row, and names it.

    By then the step is done: the tables have no NaN of it, but layers after them, whose inputs were NaN, have.

        model.fit(ids, targets, callbacks=[tf_emb.layers.StopAtUnknownIds()])

    Raises:
        IndexError: a layer with out_of_range="raise" met such an id: its name, the id, and where in the batch.
    """

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forget what was met before."""
        for witness in self._witnesses():
            witness.forget()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look."""
        self._look(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look."""
        self._look(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look."""
        self._look(batch, logs)

    def _look(self, batch: int, logs: Logs) -> None:
        for value in keras.tree.flatten(logs):
            np.asarray(value)  # on JAX the step may still run; with its results the callback has been heard
        for witness in self._witnesses():
            if witness.first() is not None:
                raise IndexError(f"{witness.message()} It was in batch {batch}.")

    def _witnesses(self) -> list[Witness]:
        known = [witness_of(layer) for layer in self.model._flatten_layers()]
        return [witness for witness in known if witness is not None]
