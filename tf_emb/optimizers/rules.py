"""SGD, Adam and Adagrad on the rows a batch looked up; other rows, and their state, stay as they are."""

import math
from typing import Any

import keras
from keras import ops

from tf_emb.ops.types import Initializer, Rows, Tensor, Variable
from tf_emb.optimizers.lazy import Gradient, LazyOptimizer, LearningRate, checked, filled, is_slices

if keras.backend.backend() == "tensorflow":
    from tf_emb.ops.program import in_xla
    from tf_emb.optimizers.lazy import WholeRows


@keras.saving.register_keras_serializable("tf_emb")
class LazySGD(LazyOptimizer):
    r"""Stochastic gradient descent on the rows a batch looked up; `torch.optim.SGD` on sparse gradients.

    For every row with gradient g:

        w -= lr g

    The numbers are those of `keras.optimizers.SGD`, which subtracts slices on one thread (ResourceScatterSub). Here
    the rows are gathered and written back, each once, which makes the whole step a third faster on a large table.
    There is no momentum, which would move rows that no batch named; for it use `keras.optimizers.SGD`.

    Args:
        learning_rate: a float, or a schedule of `keras.optimizers.schedules`.
        **kwargs: what all Keras optimizers take: `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema`, `name` ...

    Raises:
        ValueError: `weight_decay`, `gradient_accumulation_steps` or `loss_scale_factor` is given.

    Source: Robbins and Monro 1951; torch.optim.sgd, `_single_tensor_sgd`.
    """

    def __init__(self, learning_rate: LearningRate = 1e-2, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)

    def update_step(self, gradient: Gradient, variable: Variable, learning_rate: Tensor) -> None:
        """Subtract from the rows that `gradient` names."""
        if is_slices(gradient) and in_xla() and not isinstance(gradient, WholeRows):  # no need of sums
            self.assign_sub(variable, self._rule(ops.cast(gradient, variable.dtype), [], learning_rate)[1])
        else:
            super().update_step(gradient, variable, learning_rate)

    def _rule(self, g: Rows, slots: list[Rows], learning_rate: Tensor) -> tuple[list[Rows], Rows]:
        return [], ops.multiply(g, ops.cast(learning_rate, g.dtype))


@keras.saving.register_keras_serializable("tf_emb")
class LazyAdam(LazyOptimizer):
    r"""Adam on the rows a batch looked up; `torch.optim.SparseAdam`.

    For every row with gradient g at step t, counted from 1 over all batches, not only those of the row:

        m += (1 - b1) (g - m);  v += (1 - b2) (g^2 - v)
        w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)

    and nothing happens to other rows: their moments do not decay, so a word that comes back after a long absence finds
    the moments it left. `epsilon` is added to sqrt(v) before the bias correction (Kingma and Ba's eps-hat), unlike in
    `torch.optim.Adam`.

    Args:
        learning_rate: a float, or a schedule of `keras.optimizers.schedules`.
        beta_1: decay of the first moment, in [0, 1).
        beta_2: decay of the second moment, in [0, 1).
        epsilon: positive, and not 0 when rounded to the dtype of the table: a float16 table needs a larger one.
        **kwargs: what all Keras optimizers take: `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema`, `name` ...

    Raises:
        ValueError: a beta or `epsilon` is outside its range; `weight_decay`, `gradient_accumulation_steps` or
            `loss_scale_factor` is given.

    Source: Kingma and Ba 2015, section 2; torch.optim._functional.sparse_adam.
    """

    slot_names = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: LearningRate = 1e-3,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = checked("beta_1", beta_1, 0 <= beta_1 < 1, "in [0, 1)", 0.9)
        self.beta_2 = checked("beta_2", beta_2, 0 <= beta_2 < 1, "in [0, 1)", 0.999)
        self.epsilon = checked("epsilon", epsilon, epsilon > 0, "positive", 1e-8)

    def _rule(self, g: Rows, slots: list[Rows], learning_rate: Tensor) -> tuple[list[Rows], Rows]:
        m, v = slots
        m = m + (g - m) * (1 - self.beta_1)
        v = v + (g * g - v) * (1 - self.beta_2)
        return [m, v], m / (ops.sqrt(v) + self.epsilon) * ops.cast(self._step_size(g, learning_rate), g.dtype)

    def _step_size(self, g: Rows, learning_rate: Tensor) -> Tensor:
        """Return lr sqrt(1 - b2^t) / (1 - b1^t), at float32 or wider: bfloat16 cannot count to 300."""
        dtype = keras.backend.result_type(g.dtype, "float32")
        t = ops.cast(self.iterations, dtype) + 1
        lr = ops.cast(learning_rate, dtype)
        return lr * ops.sqrt(_one_minus_power(self.beta_2, t)) / _one_minus_power(self.beta_1, t)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


def _one_minus_power(beta: float, t: Tensor) -> Tensor:
    """Return 1 - beta^t without its cancellation, which costs a thousand roundings for 0.999 at float32."""
    return -ops.expm1(t * math.log(beta)) if beta else ops.ones_like(t)


@keras.saving.register_keras_serializable("tf_emb")
class LazyAdagrad(LazyOptimizer):
    r"""Adagrad on the rows a batch looked up; `torch.optim.Adagrad` on sparse gradients.

    For every row with gradient g:

        a += g^2;  w -= lr g / (sqrt(a) + eps)

    `keras.optimizers.Adagrad` puts eps under the root. For torch's `lr_decay`, use
    `keras.optimizers.schedules.InverseTimeDecay(lr, 1, lr_decay)`.

    Args:
        learning_rate: a float, or a schedule of `keras.optimizers.schedules`.
        initial_accumulator_value: initial value of a, 0 or more.
        epsilon: positive, and not 0 when rounded to the dtype of the table: a float16 table needs a larger one.
        **kwargs: what all Keras optimizers take: `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema`, `name` ...

    Raises:
        ValueError: `initial_accumulator_value` or `epsilon` is outside its range; `weight_decay`,
            `gradient_accumulation_steps` or `loss_scale_factor` is given.

    Source: Duchi, Hazan and Singer 2011, figure 1; torch.optim.adagrad, `_single_tensor_adagrad`.
    """

    slot_names = ("accumulator",)

    def __init__(
        self,
        learning_rate: LearningRate = 1e-2,
        initial_accumulator_value: float = 0.0,
        epsilon: float = 1e-10,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        start = initial_accumulator_value
        self.initial_accumulator_value = checked("initial_accumulator_value", start, start >= 0, "0 or more", 0.0)
        self.epsilon = checked("epsilon", epsilon, epsilon > 0, "positive", 1e-10)

    def _initial(self, name: str) -> Initializer:
        return filled(self.initial_accumulator_value)

    def _rule(self, g: Rows, slots: list[Rows], learning_rate: Tensor) -> tuple[list[Rows], Rows]:
        a = slots[0] + g * g
        return [a], g / (ops.sqrt(a) + self.epsilon) * ops.cast(learning_rate, g.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        own = {"initial_accumulator_value": self.initial_accumulator_value, "epsilon": self.epsilon}
        return {**super().get_config(), **own}
