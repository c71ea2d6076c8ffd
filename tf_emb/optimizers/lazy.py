"""What all optimizers here have in common: the rows that a gradient names are read, changed and written back."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
from keras import ops

from tf_emb.ops.types import Index, Initializer, Rows, Slices, Tensor, Variable

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from tf_emb.ops.meeting import check_named, coalesced, ids_of, wants_slices
    from tf_emb.ops.program import has_handle, in_xla

    class WholeRows(tf.IndexedSlices):
        """Slices that each hold the whole gradient of their row: those that repeat one are not to be added."""


LearningRate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule
Gradient: TypeAlias = Any  # a tensor of the shape of the table, or Slices

# Each is dense by nature, or fails in Keras on slices; accepted silently, it would move rows that no batch named.
REJECTED = {
    "weight_decay": "It decays rows that no batch named. Regularize the looked-up rows in the loss.",
    "gradient_accumulation_steps": "Keras sums into a dense gradient, which names every row. Use larger batches.",
    "loss_scale_factor": "Keras cannot divide slices by it. Use keras.optimizers.LossScaleOptimizer(...).",
}


class LazyOptimizer(keras.optimizers.Optimizer):
    """Reads the named rows, applies a rule to them, and writes them back."""

    slot_names: tuple[str, ...] = ()
    _learning_rate: Any
    _applying = False  # whether the gradients were taken before the optimizer knew the variables

    def __init__(self, learning_rate: LearningRate, **kwargs: Any) -> None:
        for name, remedy in REJECTED.items():
            if kwargs.get(name):
                raise ValueError(f"`{name}` must be None; got {kwargs[name]}. {remedy}")
            kwargs[name] = None
        super().__init__(learning_rate, **kwargs)
        self._keep_digits(learning_rate)

    def _keep_digits(self, learning_rate: LearningRate) -> None:
        """Keep the rate at float64: Keras stores it at floatx, and a float64 table would get 0.1 rounded to float32."""
        if keras.backend.backend() == "tensorflow" and isinstance(self._learning_rate, keras.Variable):
            self._untrack_variable(self._learning_rate)
            self._learning_rate = self.add_variable(
                (), filled(learning_rate), "float64", aggregation="only_first_replica", name="learning_rate"
            )

    def apply(self, grads: Sequence[Gradient], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Update the variables, as in Keras."""
        self._applying = True
        try:
            super().apply(grads, trainable_variables)
        finally:
            self._applying = False

    def build(self, variables: Sequence[Variable]) -> None:
        """Create the state of every variable."""
        if self.built:
            return
        super().build(variables)
        initial = [self._initial(name) for name in self.slot_names]
        self._slots = self.add_optimizer_variables(variables, list(self.slot_names), initial)
        if keras.backend.backend() == "tensorflow":
            for variable in variables:
                wants_slices(self, variable.value, from_now=not self._applying)

    def slots(self, variable: Variable) -> dict[str, Variable]:
        """Return the state of `variable`, by name: Keras variables of its shape and dtype."""
        index = self._get_variable_index(variable)
        return {name: slots[index] for name, slots in zip(self.slot_names, self._slots, strict=True)}

    def update_step(self, gradient: Gradient, variable: Variable, learning_rate: Tensor) -> None:
        """Update the rows that `gradient` names, and their state."""
        targets = [variable, *self.slots(variable).values()]
        gradient = self._summed(gradient, variable, scratch=targets[-1])
        read, place = _named_rows(gradient.indices) if is_slices(gradient) else _all_rows()
        rows, *old = [read(target) for target in targets]
        sums = ops.cast(gradient.values if is_slices(gradient) else gradient, variable.dtype)
        new, step = self._rule(sums, old, learning_rate)
        for target, values in zip(targets, [rows - step, *new], strict=True):
            self.assign(target, place(values))

    def _summed(self, gradient: Gradient, variable: Variable, scratch: Variable) -> Gradient:
        """Return slices that each hold the whole gradient of their row, which is what gets squared.

        A gradient of the variable's shape stays as it is, unless it was made of lookups: then it becomes their rows.

        Under XLA slices are summed in the rows of a slot, which has been read and gets its new value next. All slices
        of one row then hold the same numbers, and it does not matter which is written last. tf.unique is no option
        there: it returns garbage for ids that themselves come from a tf.unique.
        """
        gradient = _as_slices(gradient)
        if not is_slices(gradient):
            held = variable.value if isinstance(variable, keras.Variable) else variable
            if keras.backend.backend() == "tensorflow" and has_handle(held):
                check_named(held)
            return gradient
        if isinstance(gradient, WholeRows):
            return gradient
        if not in_xla():
            return coalesced(gradient)
        read, place = _named_rows(gradient.indices)
        values = ops.cast(gradient.values, variable.dtype)
        before = read(scratch)
        self.assign(scratch, place(ops.zeros_like(values)))
        self.assign_add(scratch, place(values))
        sums = read(scratch)
        self.assign(scratch, place(before))
        return tf.IndexedSlices(sums, gradient.indices)

    def _initial(self, name: str) -> Initializer:
        return "zeros"

    def _rule(self, g: Rows, slots: list[Rows], learning_rate: Tensor) -> tuple[list[Rows], Rows]:
        """Return the new state of the rows whose gradient is `g`, and the step to subtract from them."""
        raise NotImplementedError

    def _clip_gradients(self, grads: Sequence[Gradient]) -> list[Gradient]:
        """Clip slices by their values: coalesced, they have the norm and the maximum of the dense gradient.

        Keras would take norms over repeated slices, and would make slices dense under `global_clipnorm`.
        """
        if self.clipnorm is None and self.global_clipnorm is None and self.clipvalue is None:
            return list(grads)
        if keras.backend.backend() == "tensorflow" and in_xla():  # which cannot coalesce
            clipped = super()._clip_gradients([tf.convert_to_tensor(g) for g in grads])
            ids = [g.indices if is_slices(g) else ids_of(g) for g in grads]
            return [c if i is None else _whole_rows(c, i) for c, i in zip(clipped, ids, strict=True)]
        rows = [coalesced(g) if is_slices(g) else g for g in map(_as_slices, grads)]
        clipped = super()._clip_gradients([g.values if is_slices(g) else g for g in rows])
        return [_with_values(g, values) if is_slices(g) else values for g, values in zip(rows, clipped, strict=True)]


def _as_slices(gradient: Gradient) -> Gradient:
    """Return the rows of a gradient of the table's shape that is the sum of lookups; anything else as it is."""
    if keras.backend.backend() != "tensorflow" or is_slices(gradient) or (ids := ids_of(gradient)) is None:
        return gradient
    return _whole_rows(gradient, ids if in_xla() else tf.unique(ids)[0])


def _whole_rows(gradient: Tensor, ids: Index) -> Slices:
    return WholeRows(tf.gather(gradient, ids), ids)


def _named_rows(ids: Index) -> tuple[Callable[[Variable], Rows], Callable[[Rows], Slices]]:
    """Return a function that reads the rows `ids` of a variable, and one that marks values as belonging there."""
    # tf.gather reads the rows from the variable itself; variable[...] would read all of it first.
    return (
        lambda v: tf.gather(v.value if isinstance(v, keras.Variable) else v, ids),
        lambda values: tf.IndexedSlices(values, ids),
    )


def _all_rows() -> tuple[Callable[[Variable], Rows], Callable[[Rows], Rows]]:
    return ops.convert_to_tensor, lambda values: values


def is_slices(gradient: Gradient) -> bool:
    """Return whether a gradient names rows."""
    return keras.backend.backend() == "tensorflow" and isinstance(gradient, tf.IndexedSlices)


def _with_values(slices: Slices, values: Rows) -> Slices:
    return tf.IndexedSlices(values, slices.indices, slices.dense_shape)


def filled(value: float) -> Callable[..., Tensor]:
    """Return an initializer with `value`, all digits kept; Keras' own passes it through float32."""
    return lambda shape, dtype=None: ops.full(shape, value, dtype)


def checked(name: str, value: float, holds: bool, rule: str, remedy: float) -> float:
    """Return `value` as a float.

    Raises:
        ValueError: `holds` is false; the message states the rule.
    """
    if not holds:
        raise ValueError(f"`{name}` must be {rule}; got {value}. The default is {remedy}.")
    return float(value)
