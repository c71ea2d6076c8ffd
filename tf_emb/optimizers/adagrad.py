"""Adagrad on the rows a batch looked up: a += g^2, w -= lr g / (sqrt(a) + eps)."""

from typing import Any

import keras
from keras import ops

from tf_emb.ops.types import Initializer, Rows, Tensor
from tf_emb.optimizers.lazy import LazyOptimizer, LearningRate, checked, filled


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
