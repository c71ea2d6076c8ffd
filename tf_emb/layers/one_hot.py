"""An embedding written as what it is: a bias-free Dense layer on one-hot vectors.

x = onehot(id); h = W^T x = W[id, :]; dE/dW = x (dE/dh)^T. Equal to a lookup, value and gradient, at
vocab x dim multiplications an id instead of none. To show that, and for models that need a
differentiable input; use `Embedding` otherwise.
"""

from typing import Any

import keras
from keras import ops

from tf_emb.ops.gradient import uncast
from tf_emb.ops.ids import check_ids
from tf_emb.ops.product import product


def one_hot_dense(kernel: Any, ids: Any) -> Any:
    """Return onehot(ids) @ kernel.

    Args:
        kernel: shape (vocab, dim).
        ids: integers in 0..vocab-1, any shape; another id gives a row of zeros.

    Returns:
        Shape ids.shape + (dim,), dtype of `kernel`.
    """
    return product(ops.one_hot(ids, kernel.shape[0], dtype=kernel.dtype), kernel)


@keras.saving.register_keras_serializable("tf_emb")
class OneHotDense(keras.layers.Layer):
    """A Dense layer without bias, fed with the one-hot vectors of its integer inputs.

    Args:
        input_dim: size of the vocabulary.
        output_dim: size of a vector.
        kernel_initializer: how the (input_dim, output_dim) kernel starts.
        **kwargs: what `keras.layers.Layer` takes.

    Input: integers, any shape; output: input shape + (output_dim,).

    Raises:
        TypeError: called with ids that are not integers.
    """

    def __init__(self, input_dim: int, output_dim: int, *, kernel_initializer: Any = "uniform", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.autocast = False  # ids are not to be cast

    def build(self, input_shape: Any = None) -> None:
        """Create the kernel."""
        self.kernel = self.add_weight(
            shape=(self.input_dim, self.output_dim), initializer=self.kernel_initializer, name="kernel"
        )

    def call(self, inputs: Any) -> Any:
        """Return onehot(inputs) @ kernel."""
        check_ids(inputs)
        return ops.cast(one_hot_dense(uncast(self.kernel), inputs), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """Return the input shape with the size of a vector appended."""
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
