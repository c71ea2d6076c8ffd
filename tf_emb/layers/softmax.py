"""The full softmax over a vocabulary, and its loss.

u = W'^T h;  y = softmax(u);  E = -log y_j for the target j;  dE/du = y - onehot(j) = e;
dE/dW' = h e^T;  dE/dh = W' e.  Rong 2014, "word2vec Parameter Learning Explained", equations 2 to 15.
"""

from typing import Any

import keras
from keras import ops

from tf_emb.ops.reductions import product
from tf_emb.ops.types import Ids, Initializer, Output, Rows, Shape, Tensor


def full_softmax_loss(logits: Tensor, targets: Ids) -> Output:
    """Return -log softmax(logits)[target], in nats, one per example.

    Args:
        logits: shape (batch, vocab).
        targets: integers, shape (batch,).

    Returns:
        Shape (batch,). Sum it for word2vec's update; a mean over the batch amounts to a smaller rate.
    """
    highest = ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
    shifted = logits - highest
    target = ops.take_along_axis(shifted, ops.expand_dims(targets, -1), axis=-1)
    return ops.log(ops.sum(ops.exp(shifted), axis=-1)) - ops.squeeze(target, -1)


@keras.saving.register_keras_serializable("tf_emb")
class FullSoftmax(keras.layers.Layer):
    """Scores every word of the vocabulary: hidden (batch, dim) to logits (batch, vocab).

    Args:
        vocab_size: how many words.
        kernel_initializer: initial values of the matrix W', shape (dim, vocab_size); zeros, as in word2vec.
        **kwargs: what `keras.layers.Layer` takes.
    """

    def __init__(self, vocab_size: int, *, kernel_initializer: Initializer = "zeros", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocab_size = vocab_size
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        """Create W'."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.vocab_size), initializer=self.kernel_initializer, name="kernel"
        )

    def call(self, hidden: Rows) -> Output:
        """Return the logits u = W'^T h."""
        return product(hidden, self.kernel)

    def loss(self, hidden: Rows, targets: Ids) -> Output:
        """Return -log p(target | hidden), in nats, shape (batch,)."""
        return full_softmax_loss(self(hidden), targets)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with the size of the vocabulary as last axis."""
        return (*input_shape[:-1], self.vocab_size)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "vocab_size": self.vocab_size,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
