"""Negative sampling: tells the target from words drawn at random, instead of scoring the vocabulary.

With v'_j the output vectors, o the target and k the noise words:

    u_j = v'_j . h
    E = -log sigmoid(u_o) - sum_k log sigmoid(-u_k)
    dE/du_o = sigmoid(u_o) - 1,  dE/du_k = sigmoid(u_k)
    dE/dv'_j = dE/du_j h,  dE/dh = sum_j dE/du_j v'_j

Mikolov et al. 2013b, "Distributed Representations of Words and Phrases", equation 4; Rong 2014, "word2vec
Parameter Learning Explained", section 3.2, equations 55 to 61; word2vec.c (tmikolov/word2vec, 20c129a), lines
520 to 540. A noise word that is the target itself is left out (line 529). word2vec.c never draws word 0, its
end of sentence (line 528), and cuts the sigmoid off at 6 (lines 535 to 537); neither is done here.
"""

from numbers import Integral
from typing import Any

import keras
import numpy as np
from keras import ops

from tf_emb.corpus.noise import noise_distribution
from tf_emb.layers.lookup import lookup
from tf_emb.ops.ids import as_index, as_tensor
from tf_emb.ops.product import product

DOMAIN = 2**31 - 1


def negative_sampling_loss(positive: Any, negative: Any, valid: Any) -> Any:
    """Return E = -log sigmoid(u_o) - sum_k log sigmoid(-u_k), in nats, one an example.

    Args:
        positive: logits u_o of the targets, shape (...).
        negative: logits u_k of the noise words, shape (..., negatives).
        valid: bool, shape (..., negatives): False where the noise word is the target, and is left out.

    Returns:
        The shape and dtype of `positive`. word2vec's update follows its *sum* over examples, not its mean.
    """
    # Not ops.softplus: PyTorch's drops log1p(exp(-u)) from u = 20 on, which float64 can still see.
    noise = ops.where(valid, -ops.log_sigmoid(-negative), ops.zeros_like(negative))
    return ops.sum(noise, axis=-1) - ops.log_sigmoid(positive)


def cumulative_counts(distribution: np.ndarray) -> np.ndarray:
    """Return the cumulative sum of `distribution`, scaled to 0..2^31 - 1 and rounded; int32, shape (vocab,).

    Word i is drawn for the integers in cumulative[i-1] <= r < cumulative[i]. Integers, as in gensim's table:
    a float32 sum near 1 cannot hold a probability below 6e-8, which a large vocabulary has; these hold 5e-10.
    """
    total = np.cumsum(np.asarray(distribution, np.float64))
    return np.rint(total / total[-1] * DOMAIN).astype(np.int32)


@keras.saving.register_keras_serializable("tf_emb")
class NegativeSampling(keras.layers.Layer):
    """An output layer trained by negative sampling: hidden (..., dim) to logits (..., vocab).

    sigmoid(u_j) estimates how likely it is that word j was seen with h rather than drawn as noise. It is no
    probability over the vocabulary: those do not sum to 1, and the optimum u_j is shifted by the noise
    distribution (Levy and Goldberg 2014).

    Args:
        vocab_size: how many words.
        negatives: noise words drawn an example.
        noise: how often each word occurs, shape (vocab_size,): counts, or probabilities (then give
            `exponent=1`). None draws every word equally often.
        exponent: noise words are drawn with P(w) proportional to noise(w)^exponent.
        seed: of the draws.
        embeddings_initializer: how the output vectors start, shape (vocab_size, dim); zeros, as in word2vec.c.
        **kwargs: what `keras.layers.Layer` takes.

    Raises:
        ValueError: an argument breaks its rule.
    """

    def __init__(
        self, vocab_size: int, *, negatives: int = 5, noise: Any = None, exponent: float = 0.75,
        seed: int | None = None, embeddings_initializer: Any = "zeros", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.vocab_size, self.negatives = _positive("vocab_size", vocab_size), _positive("negatives", negatives)
        self.noise, self.exponent, self.seed = _weights(noise, vocab_size), _exponent(exponent), seed
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        weights = np.ones(vocab_size) if self.noise is None else np.array(self.noise)
        self._cumulative = cumulative_counts(noise_distribution(weights, self.exponent))
        self._random = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        """Create the output vectors."""
        self.embeddings = self.add_weight(
            shape=(self.vocab_size, input_shape[-1]), initializer=self.embeddings_initializer, name="embeddings"
        )

    def call(self, hidden: Any) -> Any:
        """Return the logits of every word, u_j = v'_j . h."""
        return product(hidden, self.embeddings, transposed=True)

    def loss(self, hidden: Any, targets: Any, noise: Any = None) -> Any:
        """Return the loss of every example.

        Args:
            hidden: shape (..., dim).
            targets: integers in 0..vocab_size-1, shape (...).
            noise: integers, shape (..., any number): the noise words to use. None draws `negatives` an example.

        Returns:
            Nats, the shape of `targets`, computed at `variable_dtype`. The gradient reaches the table once a row.

        Raises:
            TypeError: `targets` or `noise` are not integers.
            IndexError: an id names no word.
        """
        hidden = ops.convert_to_tensor(hidden, self.variable_dtype)
        if not self.built:
            self.build(tuple(hidden.shape))
        targets = ops.expand_dims(as_index(as_tensor(targets)), -1)
        noise = self.draw(ops.shape(targets)[:-1]) if noise is None else as_index(as_tensor(noise))
        # One lookup for both, so that a word that is target here and noise there gets one gradient.
        rows = lookup(self.embeddings, ops.concatenate([targets, noise], axis=-1))
        logits = ops.einsum("...d,...kd->...k", hidden, rows)
        return negative_sampling_loss(logits[..., 0], logits[..., 1:], ops.not_equal(noise, targets))

    def draw(self, shape: tuple[int, ...]) -> Any:
        """Draw `negatives` noise words for each of `shape` examples; int32, shape (*shape, negatives)."""
        shape = (*shape, self.negatives)
        integers = keras.random.randint(shape, 0, int(self._cumulative[-1]), dtype="int32", seed=self._random)
        # Flat, since TensorFlow searches as many rows as there are sums to search in.
        ids = ops.searchsorted(ops.convert_to_tensor(self._cumulative), ops.reshape(integers, (-1,)), side="right")
        return ops.reshape(ids, shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """Return the input shape with its last axis as large as the vocabulary."""
        return (*input_shape[:-1], self.vocab_size)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "vocab_size": self.vocab_size,
            "negatives": self.negatives,
            "noise": self.noise,
            "exponent": self.exponent,
            "seed": self.seed,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }


def _positive(name: str, number: Any) -> int:
    if not isinstance(number, Integral) or number < 1:
        raise ValueError(f"`{name}` must be an integer of 1 or more; got {number!r}. Give a count of words.")
    return int(number)


def _exponent(exponent: Any) -> float:
    if not 0 <= exponent < np.inf:
        raise ValueError(f"`exponent` must be a finite number of 0 or more; got {exponent!r}. word2vec uses 0.75.")
    return float(exponent)


def _weights(noise: Any, vocab_size: int) -> list[float] | None:
    """Return `noise` as plain numbers, which a configuration can hold."""
    if noise is None:
        return None
    weights = np.asarray(noise)
    if weights.shape != (vocab_size,):
        raise ValueError(
            f"`noise` must have shape ({vocab_size},), a number a word; got {weights.shape}. Give the counts."
        )
    wrong = np.flatnonzero(~((weights >= 0) & np.isfinite(weights)))
    if len(wrong):
        raise ValueError(
            f"`noise` must be finite and not negative; got {weights[wrong[0]]} at {wrong[0]}. Give the counts."
        )
    if not weights.any():
        raise ValueError("`noise` must have a word above 0; got only zeros. Give the counts.")
    return weights.tolist()
