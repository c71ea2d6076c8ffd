"""An embedding written out as what it is: a bias-free Dense layer on one-hot vectors.

x = onehot(id); h = W^T x = W[id, :]; dE/dW = x (dE/dh)^T. It equals a lookup, in value and
gradient, at vocab x dim multiplications per id instead of none. It is here to show that, and for models that need a
differentiable input; otherwise use `Embedding`.
"""

from typing import Any

import keras
from keras import ops

from tf_emb.layers.saved import Restored
from tf_emb.ops.gather import uncast
from tf_emb.ops.ids import check_ids
from tf_emb.ops.reductions import product
from tf_emb.ops.types import Ids, Initializer, Output, Shape, Table


def one_hot_dense(kernel: Table, ids: Ids) -> Output:
    """Return onehot(ids) @ kernel.

    Args:
        kernel: shape (vocab, dim).
        ids: integers in 0..vocab-1, any shape; another id gives a row of zeros.

    Returns:
        Shape ids.shape + (dim,), dtype of `kernel`.
    """
    # Not ops.one_hot: PyTorch's looks at the values, which torch.func.vmap does not allow.
    words = ops.expand_dims(ids, -1) == ops.arange(kernel.shape[0], dtype=keras.backend.standardize_dtype(ids.dtype))
    return product(ops.cast(words, kernel.dtype), kernel)


@keras.saving.register_keras_serializable("tf_emb")
class OneHotDense(Restored):
    """A Dense layer without bias, fed with the one-hot vectors of its integer inputs.

    Args:
        input_dim: size of the vocabulary.
        output_dim: size of a vector.
        kernel_initializer: initial values of the kernel, shape (input_dim, output_dim).
        **kwargs: what `keras.layers.Layer` takes.

    Input: integers, any shape; output: input shape + (output_dim,).

    Raises:
        TypeError: called with ids that are not integers.
    """

    def __init__(
        self, input_dim: int, output_dim: int, *, kernel_initializer: Initializer = "uniform", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.autocast = False  # ids must not be cast

    def build(self, input_shape: Shape = None) -> None:
        """Create the kernel."""
        self.kernel = self.add_weight(
            shape=(self.input_dim, self.output_dim), initializer=self.kernel_initializer, name="kernel"
        )

    def call(self, inputs: Ids) -> Output:
        """Return onehot(inputs) @ kernel."""
        check_ids(inputs)
        return ops.cast(one_hot_dense(uncast(self.kernel), inputs), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
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
