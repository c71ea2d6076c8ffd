"""Negative sampling: tell the target from words drawn at random, instead of scoring the whole vocabulary.

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

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import keras
import numpy as np
from keras import ops

from tf_emb.layers.saved import Restored
from tf_emb.ops.gather import lookup
from tf_emb.ops.ids import as_index, as_tensor
from tf_emb.ops.noise import cumulative_counts, noise_distribution
from tf_emb.ops.reductions import product
from tf_emb.ops.types import Ids, Initializer, Mask, Output, Rows, Shape, Tensor


def negative_sampling_loss(positive: Tensor, negative: Tensor, valid: Mask) -> Output:
    """Return E = -log sigmoid(u_o) - sum_k log sigmoid(-u_k), in nats, one per example.

    Args:
        positive: logits u_o of the targets, shape (...).
        negative: logits u_k of the noise words, shape (..., negatives).
        valid: bool, shape (..., negatives): False where the noise word is the target, which is left out.

    Returns:
        The shape and dtype of `positive`. word2vec's update follows its *sum* over examples, not its mean.
    """
    # Not ops.softplus: PyTorch's drops log1p(exp(-u)) from u = 20 on, which float64 can still see.
    noise = ops.where(valid, -ops.log_sigmoid(-negative), ops.zeros_like(negative))
    return ops.sum(noise, axis=-1) - ops.log_sigmoid(positive)


@keras.saving.register_keras_serializable("tf_emb")
class NegativeSampling(Restored):
    """An output layer trained by negative sampling: hidden (..., dim) to logits (..., vocab).

    sigmoid(u_j) estimates how likely it is that word j was seen with h rather than drawn as noise. It is no
    probability over the vocabulary: those do not sum to 1, and the optimum u_j is shifted by the noise
    distribution (Levy and Goldberg 2014).

    Args:
        vocab_size: how many words.
        negatives: how many noise words are drawn per example.
        noise: how often each word occurs, shape (vocab_size,): counts, or probabilities (then give
            `exponent=1`). None draws every word equally often.
        exponent: noise words are drawn with P(w) proportional to noise(w)^exponent.
        seed: seed of the draws.
        embeddings_initializer: initial output vectors, shape (vocab_size, dim); zeros, as in word2vec.c.
        **kwargs: what `keras.layers.Layer` takes.

    Raises:
        ValueError: an argument is outside its range.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        negatives: int = 5,
        noise: Sequence[float] | np.ndarray | None = None,
        exponent: float = 0.75,
        seed: int | None = None,
        embeddings_initializer: Initializer = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocab_size, self.negatives = _positive("vocab_size", vocab_size), _positive("negatives", negatives)
        self.noise, self.exponent, self.seed = _weights(noise, vocab_size), _exponent(exponent), seed
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        weights = np.ones(vocab_size) if self.noise is None else np.array(self.noise)
        self._cumulative = cumulative_counts(noise_distribution(weights, self.exponent))
        self._random = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Shape) -> None:
        """Create the output vectors."""
        self.embeddings = self.add_weight(
            shape=(self.vocab_size, input_shape[-1]), initializer=self.embeddings_initializer, name="embeddings"
        )

    def call(self, hidden: Rows) -> Output:
        """Return the logits of every word, u_j = v'_j . h."""
        return product(hidden, self.embeddings, transposed=True)

    def loss(self, hidden: Rows, targets: Ids, noise: Ids | None = None) -> Output:
        """Return the loss of every example.

        Args:
            hidden: shape (..., dim).
            targets: integers in 0..vocab_size-1, shape (...).
            noise: integers, shape (..., any number): the noise words to use; None draws `negatives` per example.

        Returns:
            Nats, the shape of `targets`, computed at `variable_dtype`. The gradient reaches the table summed per row.

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

    def draw(self, shape: Shape) -> Output:
        """Draw `negatives` noise words for each of `shape` examples; int32, shape (*shape, negatives)."""
        shape = (*shape, self.negatives)
        integers = keras.random.randint(shape, 0, int(self._cumulative[-1]), dtype="int32", seed=self._random)
        # Flat, since TensorFlow wants as many rows of values as rows of sums to search.
        ids = ops.searchsorted(ops.convert_to_tensor(self._cumulative), ops.reshape(integers, (-1,)), side="right")
        return ops.reshape(ids, shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with the size of the vocabulary as last axis."""
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


def _positive(name: str, number: int) -> int:
    if not isinstance(number, Integral) or number < 1:
        raise ValueError(f"`{name}` must be an integer of 1 or more; got {number!r}. Give a count of words.")
    return int(number)


def _exponent(exponent: float) -> float:
    if not 0 <= exponent < np.inf:
        raise ValueError(f"`exponent` must be a finite number of 0 or more; got {exponent!r}. word2vec uses 0.75.")
    return float(exponent)


def _weights(noise: Sequence[float] | np.ndarray | None, vocab_size: int) -> list[float] | None:
    """Return `noise` as plain numbers, for the configuration."""
    if noise is None:
        return None
    weights = np.asarray(noise)
    if weights.shape != (vocab_size,):
        raise ValueError(
            f"`noise` must have shape ({vocab_size},), one number per word; got {weights.shape}. Give the counts."
        )
    wrong = np.flatnonzero(~((weights >= 0) & np.isfinite(weights)))
    if len(wrong):
        raise ValueError(
            f"`noise` must be finite and not negative; got {weights[wrong[0]]} at {wrong[0]}. Give the counts."
        )
    if not weights.any():
        raise ValueError("`noise` must have a word above 0; got only zeros. Give the counts.")
    return [*weights.tolist()]
