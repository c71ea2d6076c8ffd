"""What every optimizer here has in common: the rows a gradient names are read, changed and written back."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from tf_emb.ops.ids import in_xla

# Each is dense by nature, or fails in Keras on slices; silently, rows that no batch named would move.
REFUSED = {
    "weight_decay": "It decays rows that no batch named. Regularise the looked-up rows in the loss.",
    "gradient_accumulation_steps": "Keras sums into a dense gradient, which names every row. Use larger batches.",
    "loss_scale_factor": "Keras cannot divide slices by it. Use keras.optimizers.LossScaleOptimizer(...).",
}


class LazyOptimizer(keras.optimizers.Optimizer):
    """Reads the named rows, applies a rule to them, and writes them back."""

    slot_names: tuple[str, ...] = ()
    _learning_rate: Any

    def __init__(self, learning_rate: Any, **kwargs: Any) -> None:
        for name, remedy in REFUSED.items():
            if kwargs.get(name):
                raise ValueError(f"`{name}` must be None; got {kwargs[name]}. {remedy}")
            kwargs[name] = None
        super().__init__(learning_rate, **kwargs)
        self._keep_digits(learning_rate)

    def _keep_digits(self, learning_rate: Any) -> None:
        """Keep the rate at float64: Keras keeps it at floatx, and a float64 table would see 0.1 as float32 has it."""
        if keras.backend.backend() == "tensorflow" and isinstance(self._learning_rate, keras.Variable):
            self._untrack_variable(self._learning_rate)
            self._learning_rate = self.add_variable(
                (), filled(learning_rate), "float64", aggregation="only_first_replica", name="learning_rate"
            )

    def build(self, variables: Sequence[Any]) -> None:
        """Create the state of every variable."""
        if self.built:
            return
        super().build(variables)
        initial = [self._initial(name) for name in self.slot_names]
        self._slots = self.add_optimizer_variables(variables, list(self.slot_names), initial)

    def slots(self, variable: Any) -> dict[str, Any]:
        """Return the state of `variable`, by name: Keras variables of its shape and dtype."""
        index = self._get_variable_index(variable)
        return {name: slots[index] for name, slots in zip(self.slot_names, self._slots, strict=True)}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update the rows that `gradient` names, and their state."""
        targets = [variable, *self.slots(variable).values()]
        gradient = ops.cast(gradient, variable.dtype)
        if is_slices(gradient) and not in_xla():
            gradient = coalesced(gradient)
        read, place = _named_rows(gradient.indices) if is_slices(gradient) else _all_rows()
        rows, *old = [read(target) for target in targets]
        new, step = self._rule(self._row_sums(gradient, targets[-1]), old, learning_rate)
        for target, values in zip(targets, [rows - step, *new], strict=True):
            self.assign(target, place(values))

    def _row_sums(self, gradient: Any, scratch: Any) -> Any:
        """Return for each slice the sum over all slices of its row; squares are taken of that sum.

        Under XLA they are summed in the rows of a slot, which has been read and gets its new value next. Then slices of
        one row all hold the same numbers, and it does not matter which is written last. No tf.unique there: it returns
        garbage for ids that themselves come from a tf.unique, as a lookup's do.
        """
        if not is_slices(gradient):
            return gradient
        if not in_xla():
            return gradient.values
        read, place = _named_rows(gradient.indices)
        self.assign(scratch, place(ops.zeros_like(gradient.values)))
        self.assign_add(scratch, gradient)
        return read(scratch)

    def _initial(self, name: str) -> Any:
        return "zeros"

    def _rule(self, g: Any, slots: list[Any], learning_rate: Any) -> tuple[list[Any], Any]:
        """Return the new state of the rows whose gradient is `g`, and the step to subtract from them."""
        raise NotImplementedError

    def _clip_gradients(self, grads: Sequence[Any]) -> list[Any]:
        """Clip slices by their values: of coalesced slices, norm and maximum are the dense gradient's.

        Keras would take norms over repeated slices, and make slices dense under `global_clipnorm`.
        """
        if self.clipnorm is None and self.global_clipnorm is None and self.clipvalue is None:
            return list(grads)
        rows = [coalesced(g) if is_slices(g) else g for g in grads]
        clipped = super()._clip_gradients([g.values if is_slices(g) else g for g in rows])
        return [_with_values(g, values) if is_slices(g) else values for g, values in zip(rows, clipped, strict=True)]


def coalesced(slices: Any) -> Any:
    """Return `tf.IndexedSlices` with each row once, its slices summed; not under XLA.

    The gradient of a lookup is so already, and then nothing is copied.
    """
    import tensorflow as tf

    from tf_emb.ops.places import place_sum

    # With counts, which XLA cannot compile: it compiles tf.unique, and miscounts (see _row_sums).
    rows, place, _ = tf.unique_with_counts(slices.indices)
    once = tf.equal(tf.size(rows), tf.size(place))
    held = tf.convert_to_tensor(slices.values)
    values = tf.cond(once, lambda: held, lambda: place_sum(held, place, tf.size(rows)))
    return tf.IndexedSlices(values, rows, slices.dense_shape)


def _named_rows(ids: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return how to read the rows `ids` of a variable, and how to say that values belong there."""
    import tensorflow as tf

    # tf.gather reads the rows from the variable itself, where variable[...] would read all of it first.
    return (
        lambda v: tf.gather(v.value if isinstance(v, keras.Variable) else v, ids),
        lambda values: tf.IndexedSlices(values, ids),
    )


def _all_rows() -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    return ops.convert_to_tensor, lambda values: values


def is_slices(gradient: Any) -> bool:
    """Return whether a gradient names rows."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return isinstance(gradient, tf.IndexedSlices)


def _with_values(slices: Any, values: Any) -> Any:
    import tensorflow as tf

    return tf.IndexedSlices(values, slices.indices, slices.dense_shape)


def filled(value: float) -> Callable[..., Any]:
    """Return an initializer of `value` that keeps every digit; Keras' own passes through float32."""
    return lambda shape, dtype=None: ops.full(shape, value, dtype)


def checked(name: str, value: float, holds: bool, rule: str, remedy: float) -> float:
    """Return `value` as a float, or say the rule it breaks."""
    if not holds:
        raise ValueError(f"`{name}` must be {rule}; got {value}. The default is {remedy}.")
    return float(value)
