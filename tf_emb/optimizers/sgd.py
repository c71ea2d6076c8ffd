"""Stochastic gradient descent on the rows a batch looked up: w -= lr g."""

from typing import Any

import keras
from keras import ops

from tf_emb.ops.ids import in_xla
from tf_emb.optimizers.lazy import LazyOptimizer, is_slices


@keras.saving.register_keras_serializable("tf_emb")
class LazySGD(LazyOptimizer):
    r"""Stochastic gradient descent on the rows a batch looked up; `torch.optim.SGD` on sparse gradients.

    For every row with gradient g:

        w -= lr g

    These are the numbers of `keras.optimizers.SGD`, which subtracts slices with one thread (ResourceScatterSub). Here
    the rows are gathered and written back, each once, which takes a third less of the whole step on a large table.
    There is no momentum: it moves rows that no batch named; take `keras.optimizers.SGD`.

    Args:
        learning_rate: a float, or a schedule of `keras.optimizers.schedules`.
        **kwargs: what every Keras optimizer takes: `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema`, `name` ...

    Raises:
        ValueError: `weight_decay`, `gradient_accumulation_steps` or `loss_scale_factor` is given.

    Source: Robbins and Monro 1951; torch.optim.sgd, `_single_tensor_sgd`.
    """

    def __init__(self, learning_rate: Any = 1e-2, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Subtract from the rows that `gradient` names."""
        if is_slices(gradient) and in_xla():  # where slices cannot be summed first: see LazyOptimizer._row_sums
            self.assign_sub(variable, self._rule(ops.cast(gradient, variable.dtype), [], learning_rate)[1])
        else:
            super().update_step(gradient, variable, learning_rate)

    def _rule(self, g: Any, slots: list[Any], learning_rate: Any) -> tuple[list[Any], Any]:
        return [], ops.multiply(g, ops.cast(learning_rate, g.dtype))
