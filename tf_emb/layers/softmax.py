"""The full softmax over a vocabulary, and its loss.

u = W'^T h;  y = softmax(u);  E = -log y_j for the target j;  dE/du = y - onehot(j) = e;
dE/dW' = h e^T;  dE/dh = W' e.  Rong 2014, "word2vec Parameter Learning Explained", equations 2 to 15.
"""

from typing import Any, Self

import keras
from keras import ops

from tf_emb.layers.embedding import Embedding
from tf_emb.layers.saved import Restored, check_config
from tf_emb.layers.tied import Config, checked, from_saved, output_table
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
class FullSoftmax(Restored):
    """Scores every word of the vocabulary: hidden (batch, dim) to logits (batch, vocab).

    Args:
        vocab_size: how many words; with `tied_to` it may be left out.
        kernel_initializer: initial values of the matrix W', shape (dim, vocab_size); zeros, as in word2vec.
        tied_to: an `Embedding` whose table W is the matrix too: u = W h, and there is no `kernel`. The gradients of
            both uses are added before an optimizer sees them. The padding row has its logit, as with PyTorch's
            `decoder.weight = encoder.weight`, but gets no gradient; rows that are not trained get none either.
        **kwargs: what `keras.layers.Layer` takes.

    The table belongs to the embedding: a model has it once among its weights, and must hold the embedding to train it.

    Raises:
        ValueError: `vocab_size` is missing, or not that of `tied_to`; `tied_to` has another dim than the input.
        TypeError: `tied_to` is not an `Embedding`.
    """

    def __init__(
        self,
        vocab_size: int | None = None,
        *,
        kernel_initializer: Initializer = "zeros",
        tied_to: Embedding | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True  # place by place, as keras.layers.Dense
        self._tie, self.vocab_size = checked(tied_to, vocab_size)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    @property
    def tied_to(self) -> Embedding | None:
        """The embedding whose table is read; None for a matrix of its own, or while only its name is known."""
        return None if self._tie is None else self._tie.embedding

    @tied_to.setter
    def tied_to(self, embedding: Embedding) -> None:
        self._tie, self.vocab_size = checked(embedding, self.vocab_size)

    def __call__(self, hidden: Rows, *args: Any, **kwargs: Any) -> Output:
        """Find the embedding of a tie of which only the name is known; call the layer."""
        if self._tie is not None:
            self._tie.found(hidden)
        return super().__call__(hidden, *args, **kwargs)

    def build(self, input_shape: Shape) -> None:
        """Create W', or check that there is one."""
        if self._tie is None:
            self.kernel = self.add_weight(
                shape=(input_shape[-1], self.vocab_size), initializer=self.kernel_initializer, name="kernel"
            )
        elif self.tied_to is not None:
            dim = self.tied_to.output_dim
            if dim != input_shape[-1]:
                raise ValueError(
                    f"`tied_to` must have the input's {input_shape[-1]} columns; got {dim}. Project first."
                )
            self.tied_to.build()

    def call(self, hidden: Rows) -> Output:
        """Return the logits u = W'^T h."""
        if self._tie is None:
            return product(hidden, self.kernel)
        return product(hidden, output_table(self._tie.found(hidden), self.compute_dtype), transposed=True)

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
            "tied_to": None if self._tie is None else self._tie.saved(),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Return a layer; one that was tied finds its embedding where it is first called (tf_emb.layers.tied)."""
        check_config(cls.__name__, config)
        own = dict(config)
        tied = own.pop("tied_to", None)
        layer = super().from_config(own)
        if tied is not None:
            layer._tie = from_saved(tied)
        return layer
