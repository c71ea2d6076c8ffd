"""The skip-gram model: two tables, and the product of their rows.

Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 3.2.
"""

from typing import Any

import keras
import tensorflow as tf

from tf_emb.layers import Embedding
from tf_emb.word2vec.losses import negative_sampling_loss


@keras.saving.register_keras_serializable("tf_emb")
class SkipGram(keras.Model):
    """Skip-gram with negative sampling.

    `center` holds the word vectors, uniform in (-1/2, 1/2) / dim at the start; `context` the output
    vectors, zero at the start (word2vec.c, InitNet).

    Args:
        vocab_size: how many words.
        dim: size of a vector.
        seed: of the initial vectors.
        **kwargs: what `keras.Model` takes, `dtype` among them.
    """

    def __init__(self, vocab_size: int, dim: int, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocab_size, self.dim, self.seed = vocab_size, dim, seed
        uniform = keras.initializers.RandomUniform(-0.5 / dim, 0.5 / dim, seed=seed)
        self.center = Embedding(vocab_size, dim, embeddings_initializer=uniform, dtype=self.dtype_policy)
        self.context = Embedding(vocab_size, dim, embeddings_initializer="zeros", dtype=self.dtype_policy)
        self.center.build()
        self.context.build()
        self.built = True

    def call(self, inputs: tuple[Any, Any, Any]) -> Any:
        """Return the logits of the context word and then of the noise words.

        Args:
            inputs: ids of center (batch,), context (batch,) and noise (batch, negatives).

        Returns:
            Shape (batch, 1 + negatives).
        """
        center, context, noise = inputs
        # One lookup for both, so that a word that is context here and noise there gets one gradient.
        outputs = self.context(tf.concat([context[:, None], noise], axis=1))
        return tf.einsum("bd,bkd->bk", self.center(center), outputs)

    def pair_loss(self, center: Any, context: Any, noise: Any) -> Any:
        """Return the negative-sampling loss of every pair, in nats, shape (batch,)."""
        return self.loss_of(self((center, context, noise)), context, noise)

    @staticmethod
    def loss_of(logits: Any, context: Any, noise: Any) -> Any:
        """Return the loss of every pair from its logits, leaving out noise that is the context."""
        return negative_sampling_loss(logits[:, 0], logits[:, 1:], tf.not_equal(noise, context[:, None]))

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build nothing: the tables exist since the constructor."""

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {**super().get_config(), "vocab_size": self.vocab_size, "dim": self.dim, "seed": self.seed}
