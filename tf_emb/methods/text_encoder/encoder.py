"""BERT's encoder: the sum of three embeddings, normalised, then one block of attention after another."""

from typing import Any

import keras
from keras import ops

from tf_emb.layers import Embedding

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
        self,
        dim: int,
        heads: int,
        inner: int,
        *,
        epsilon: float = 1e-12,
        dropout: float = 0.0,
        initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
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


@keras.saving.register_keras_serializable("tf_emb")
class Encoder(keras.Model):
    """The encoder of BERT (Devlin et al. 2019, section 3), without its pooler.

    h_0 = norm(token + position + segment);  h_l = block_l(h_(l - 1)).

    Args:
        vocab_size: the number of tokens in the vocabulary.
        dim: the size of a hidden vector.
        layers: the number of blocks.
        heads: the number of attention heads, a divisor of `dim`.
        inner: the width of the feed-forward layers; the default is 4 `dim`.
        positions: the length of the longest sentence.
        segments: the number of segment types, 2 in BERT.
        epsilon: added to the variance in the norms.
        dropout: the share that is dropped in training.
        seed: the seed of the initial weights, normal with standard deviation 0.02, truncated at two of them.
        **kwargs: arguments of `keras.Model`, such as `dtype`.

    Raises:
        ValueError: `heads` does not divide `dim`.
    """

    def __init__(
        self,
        vocab_size: int,
        dim: int,
        *,
        layers: int,
        heads: int,
        inner: int | None = None,
        positions: int = 512,
        segments: int = 2,
        epsilon: float = 1e-12,
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if dim % heads:
            raise ValueError(f"`heads` must divide `dim`, {dim}; got {heads}. Take 1 for a single head.")
        self.options: dict[str, Any] = {
            "vocab_size": vocab_size, "dim": dim, "layers": layers, "heads": heads, "inner": inner or 4 * dim,
            "positions": positions, "segments": segments, "epsilon": epsilon, "dropout": dropout, "seed": seed,
        }  # fmt: skip
        draw = keras.initializers.TruncatedNormal(stddev=0.02, seed=keras.random.SeedGenerator(seed))
        # A dense gradient: the table of a masked language model is also its output layer.
        self.tokens, self.positions, self.segments = (
            Embedding(size, dim, embeddings_initializer=draw, sparse=False, dtype=self.dtype_policy)
            for size in (vocab_size, positions, segments)
        )
        self.norm = keras.layers.LayerNormalization(epsilon=epsilon, dtype=self.dtype_policy)
        self.drop = keras.layers.Dropout(dropout, seed=seed, dtype=self.dtype_policy)
        more: dict[str, Any] = {"epsilon": epsilon, "dropout": dropout, "initializer": draw, "dtype": self.dtype_policy}
        self.blocks = [Block(dim, heads, inner or 4 * dim, **more) for _ in range(layers)]
        for layer in (self.tokens, self.positions, self.segments, self.norm, *self.blocks):
            layer.build((None, None, dim) if layer is self.norm or layer in self.blocks else None)
        self.built = True

    def call(self, ids: Any, attention_mask: Any, segments: Any = None, training: bool = False) -> Any:
        """Return the output of the last layer; see `hidden`."""
        return self.hidden(ids, attention_mask, segments, training=training)[-1]

    def hidden(self, ids: Any, attention_mask: Any, segments: Any = None, *, training: bool = False) -> list[Any]:
        """Return the output of every layer, starting with the embeddings.

        Args:
            ids: integers, shape (batch, time), time at most `positions`.
            attention_mask: shape (batch, time), nonzero at tokens and 0 at padding.
            segments: integers, shape (batch, time); the default is 0 everywhere.
            training: whether dropout is applied.

        Returns:
            1 + layers tensors of shape (batch, time, dim); rows at padding are meaningless.
        """
        states = [self.embed(ids, segments, training=training)]
        for block in self.blocks:
            states.append(block(states[-1], attention_mask, training=training))
        return states

    def embed(self, ids: Any, segments: Any = None, *, training: bool = False) -> Any:
        """Return norm(token + position + segment), shape (batch, time, dim)."""
        places = ops.arange(ops.shape(ids)[1])
        kinds = ops.zeros_like(ids) if segments is None else segments
        total = self.tokens(ids) + self.positions(places)[None] + self.segments(kinds)
        return self.drop(self.norm(total), training=training)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build nothing: the constructor has created the weights."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for `from_config`."""
        return {**super().get_config(), **self.options}


def mean_pooled(hidden: Any, attention_mask: Any) -> Any:
    """Return the mean over the tokens of each sentence, normalised to length 1, shape (batch, dim).

    v = sum_t m_t h_t / sum_t m_t;  v / |v| (Reimers and Gurevych 2019, section 3).
    """
    kept = ops.cast(ops.not_equal(attention_mask, 0), hidden.dtype)[:, :, None]
    mean = ops.sum(hidden * kept, axis=1) / ops.maximum(ops.sum(kept, axis=1), 1)
    return mean / ops.maximum(ops.sqrt(ops.sum(mean * mean, axis=1, keepdims=True)), 1e-12)
