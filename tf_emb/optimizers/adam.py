"""Adam on the rows a batch looked up: their m and v are updated, the others keep theirs."""

import math
from typing import Any

import keras
from keras import ops

from tf_emb.ops.types import Rows, Tensor
from tf_emb.optimizers.lazy import LazyOptimizer, LearningRate, checked


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
