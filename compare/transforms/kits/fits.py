"""Real training: Keras' `train_on_batch` with each of its optimizers, twice, against the rule on summed gradients."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import keras
import numpy as np

from compare.transforms.kits.kit import Do, Kit, applied, held, oracle_of
from compare.transforms.modes import TABLE, Call, Mode, calls, upstream
from compare.transforms.oracle import U32
from compare.transforms.rules import FITS, MU, RATE, Fit, State, clipped
from compare.transforms.verdict import AbsentError, Numbers
from tf_emb.parity.rounding import Rounded

Step: TypeAlias = Sequence[tuple[Call, np.ndarray]]  # the calls of one step, each with its upstream


@keras.saving.register_keras_serializable("compare")
class Dot(keras.losses.Loss):
    """The sum of y_true y_pred: the gradient of the output is y_true, to the bit."""

    def __init__(self, **options: Any) -> None:
        super().__init__(reduction="sum", name="dot")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the sums over the last axis; of losses, the products."""
        if len(y_pred.shape) < 2:
            return y_true * y_pred
        return keras.ops.sum(keras.ops.cast(y_true, y_pred.dtype) * y_pred, axis=-1)


def optimizer(fit: Fit) -> keras.optimizers.Optimizer:
    """Return Keras' optimizer."""
    return getattr(keras.optimizers, fit.kind)(learning_rate=RATE, **fit.arguments)


def trained(mode: Mode, fit: Fit, steps: Sequence[Step], writes: bool) -> Rounded:
    """Return the table after some steps: the summed gradients of each step's calls, then the rule.

    Args:
        mode: the layer.
        fit: the optimizer.
        steps: the calls of each step.
        writes: whether `max_norm` writes the table.
    """
    table, state = Rounded.exact(TABLE, U32), State()
    average, waiting, done = table, [], 0
    for step in steps:
        gradients = []
        for call, u in step:
            oracle = oracle_of(mode, call, table.value, writes)
            # What is known of the table so far is less than exact: so is what max_norm makes of it.
            error = table.error + 60 * U32 * np.abs(table.value) * (oracle.held != table.value)
            table = Rounded(oracle.held, error, U32)
            gradients.append(oracle.gradient(u))
        waiting.append(_sum(gradients))
        if len(waiting) == fit.steps:
            g = _sum(waiting) / float(fit.steps) if fit.steps > 1 else waiting[0]
            done, waiting = done + fit.steps, []
            table = _updated(mode, fit, table, g, state, done)
        if fit.ema:
            average = table if step is steps[0] else average * MU + table * (1 - MU)
            table = average
    return table


def _sum(parts: Sequence[Rounded]) -> Rounded:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _updated(mode: Mode, fit: Fit, table: Rounded, g: Rounded, state: State, step: int) -> Rounded:
    """Return the table with its trained rows updated by the rule."""
    rows = mode.trained
    new = fit.rule(table[rows], clipped(g[rows], fit.clip), state, step)
    value, error = table.value.copy(), np.array(table.error)
    value[rows], error[rows] = new.value, new.error
    return Rounded(value, error, U32)


def model_of(layer: keras.Layer, mode: Mode) -> keras.Model:
    """Return a functional model of one layer, with an input for each array of a call."""
    if mode.form == "ragged":
        raise AbsentError("Keras' models take ragged ids by tf.data alone")
    inputs = inputs_of(mode)
    return keras.Model(feed(inputs), applied(layer, mode, inputs))


def inputs_of(mode: Mode) -> list[keras.KerasTensor]:
    """Return the inputs of a model; flat ones know no size, batches know none either."""
    return [keras.Input(batch_shape=(None, *part.shape[1:]), dtype=part.dtype.name) for part in calls(mode)[0].parts]


def feed(parts: Sequence[Any]) -> Any:
    """Return what a model of these inputs takes."""
    return list(parts) if len(parts) > 1 else parts[0]


def simple(mode: Mode) -> list[Step]:
    """Return two steps of one call each."""
    return [[(call, upstream(mode, n))] for n, call in enumerate(calls(mode))]


def _fit(kit: Kit, fit: Fit, jit: bool, eagerly: bool, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
    model = model_of(layer, mode)
    model.compile(optimizer(fit), Dot(), jit_compile=jit, run_eagerly=eagerly)
    for n, call in enumerate(calls(mode)):
        model.train_on_batch(feed(call.parts), upstream(mode, n).astype(np.float32))
    numbers.hold("trained", held(layer), trained(mode, fit, simple(mode), kit.writes))


def ways(kit: Kit) -> dict[str, Do]:
    """Return a transformation for each optimizer, and on TensorFlow one more under XLA."""
    compiled = kit.name == "jax"
    found: dict[str, Callable[..., None]] = {
        f"fit: {name}": partial(_fit, kit, fit, compiled, False) for name, fit in FITS.items()
    }
    if kit.name == "tensorflow":
        found |= {f"fit, XLA: {name}": partial(_fit, kit, fit, True, False) for name, fit in FITS.items()}
    found["fit, eagerly"] = partial(_fit, kit, FITS["Adagrad"], False, True)
    return found
