"""Attention by several heads, and the block of a Transformer's encoder.

softmax(Q K^T / sqrt(d) + mask) V (Vaswani et al. 2017, equation 1); post-norm, as BERT has it.
"""

from typing import Any

import keras
from keras import ops

# The score of a masked key: far below every other, so that its exponential is 0, yet within float16.
_MASKED = -3e4


def attention(query: Any, key: Any, value: Any, attention_mask: Any, heads: int) -> tuple[Any, Any]:
    """Return what each query attends to, and the probabilities.

    softmax(Q K^T / sqrt(dim / heads)) V in each head, over the unmasked keys.

    Args:
        query: shape (batch, time, dim); `key` and `value` too.
        key: what the queries are compared with.
        value: what is averaged.
        attention_mask: shape (batch, time), nonzero at tokens and 0 at padding.
        heads: the number of heads, each with consecutive columns.

    Returns:
        Shape (batch, time, dim), and probabilities of shape (batch, heads, query, key).
    """
    shape = ops.shape(query)
    q, k, v = (ops.reshape(part, (*shape[:2], heads, shape[2] // heads)) for part in (query, key, value))
    scores = ops.einsum("bqhd,bkhd->bhqk", q, k) / (shape[2] // heads) ** 0.5
    keys = ops.not_equal(attention_mask, 0)[:, None, None, :]
    probabilities = ops.softmax(ops.where(keys, scores, ops.cast(_MASKED, scores.dtype)))
    return ops.reshape(ops.einsum("bhqk,bkhd->bqhd", probabilities, v), shape), probabilities


def gelu(x: Any) -> Any:
    """Return x (1 + erf(x / sqrt(2))) / 2, not its form by tanh (Hendrycks and Gimpel 2016, section 2)."""
    # Not ops.gelu: TensorFlow 2.21 rounds its sqrt(1 / 2) to float32 at float64 too.
    return x * (1 + ops.erf(x / 2**0.5)) / 2


@keras.saving.register_keras_serializable("tf_emb")
class Block(keras.layers.Layer):
    """A layer of BERT: a = norm(h + attention(h)), then norm(a + feed-forward(a)).

    Args:
        dim: the size of a hidden vector.
        heads: the number of heads, a divisor of `dim`.
        inner: the width of the feed-forward layer.
        epsilon: added to the variance in both norms.
        dropout: the share of each residual branch that is dropped in training.
        initializer: the initializer of the matrices.
        **kwargs: arguments of `keras.layers.Layer`.
    """

    def __init__(
        self, dim: int, heads: int, inner: int, *, epsilon: float = 1e-12, dropout: float = 0.0,
        initializer: Any = "glorot_uniform", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.dim, self.heads, self.inner, self.epsilon, self.dropout = dim, heads, inner, epsilon, dropout
        options = {"kernel_initializer": initializer, "dtype": self.dtype_policy}
        self.query, self.key, self.value, self.joined = (keras.layers.Dense(dim, **options) for _ in range(4))
        self.widened, self.narrowed = keras.layers.Dense(inner, **options), keras.layers.Dense(dim, **options)
        self.norms = [keras.layers.LayerNormalization(epsilon=epsilon, dtype=self.dtype_policy) for _ in range(2)]
        self.drops = [keras.layers.Dropout(dropout, seed=i, dtype=self.dtype_policy) for i in range(2)]

    def build(self, input_shape: Any) -> None:
        """Create the weights."""
        for dense in (self.query, self.key, self.value, self.joined, self.widened):
            dense.build((None, None, self.dim))
        self.narrowed.build((None, None, self.inner))
        for norm in self.norms:
            norm.build((None, None, self.dim))
        self.built = True

    def call(self, hidden: Any, attention_mask: Any, training: bool = False) -> Any:
        """Return the layer's output, shape (batch, time, dim)."""
        return self.feed_forward(self.attend(hidden, attention_mask, training=training)[0], training=training)

    def attend(self, hidden: Any, attention_mask: Any, *, training: bool = False) -> tuple[Any, Any]:
        """Return norm(h + attention(h)), and the probabilities of shape (batch, heads, query, key)."""
        parts = self.query(hidden), self.key(hidden), self.value(hidden)
        gathered, probabilities = attention(*parts, attention_mask, self.heads)
        return self.norms[0](hidden + self.drops[0](self.joined(gathered), training=training)), probabilities

    def feed_forward(self, attended: Any, *, training: bool = False) -> Any:
        """Return norm(a + W gelu(V a)), shape (batch, time, dim)."""
        forward = self.narrowed(gelu(self.widened(attended)))
        return self.norms[1](attended + self.drops[1](forward, training=training))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for `from_config`."""
        own = ("dim", "heads", "inner", "epsilon", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
