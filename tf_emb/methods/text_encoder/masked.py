"""A masked language model: tokens are hidden, and the encoder predicts them.

E = -sum over hidden places of log softmax(h T^T + b)_w, T the table of the tokens (Devlin et al. 2019, section
3.1, task 1; Press and Wolf 2017 for the tied table). Devlin's head has one more layer before the table.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from tf_emb.methods.text_encoder.encoder import Encoder


class Masked(NamedTuple):
    """A batch with hidden tokens.

    Attributes:
        ids: int64, shape (batch, time), with the hidden tokens replaced.
        attention_mask: the same shape, 1 at tokens and 0 at padding.
        places: int64, shape (batch, hidden), the places of the hidden tokens; 0 beyond their number.
        words: int64, shape (batch, hidden), the original tokens.
        counted: float32, shape (batch, hidden), 1 for a hidden token and 0 beyond their number.
    """

    ids: np.ndarray
    attention_mask: np.ndarray
    places: np.ndarray
    words: np.ndarray
    counted: np.ndarray


def hide(
    ids: np.ndarray,
    attention_mask: np.ndarray,
    rng: np.random.Generator,
    *,
    mask_id: int,
    first: int,
    vocab_size: int,
    share: float = 0.15,
) -> Masked:
    """Hide tokens: 80 % become [MASK], 10 % another token, drawn uniformly, and 10 % stay (Devlin et al. 2019).

    Args:
        ids: integers, shape (batch, time).
        attention_mask: the same shape, 0 at padding.
        rng: the source of every random draw.
        mask_id: the id of [MASK].
        first: ids below it are special, neither hidden nor drawn.
        vocab_size: the number of ids.
        share: the share of a sentence's tokens to hide; at least one token is hidden.

    Raises:
        ValueError: `share` is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"`share` must be above 0 and at most 1; got {share}. BERT's is 0.15.")
    allowed = (attention_mask != 0) & (ids >= first)
    wanted = np.minimum(np.maximum(np.rint(share * allowed.sum(1)), 1), allowed.sum(1)).astype(np.int64)
    order = np.argsort(np.where(allowed, rng.random(ids.shape), 2.0), axis=1)[:, : max(wanted.max(initial=0), 1)]
    counted = np.arange(order.shape[1]) < wanted[:, None]
    places = np.where(counted, order, 0)
    words, luck = np.take_along_axis(ids, places, 1), rng.random(places.shape)
    new = np.where(luck < 0.8, mask_id, np.where(luck < 0.9, rng.integers(first, vocab_size, places.shape), words))
    hidden, rows = ids.copy(), np.nonzero(counted)[0]
    hidden[rows, places[counted]] = new[counted]
    return Masked(hidden, attention_mask, places, np.where(counted, words, 0), counted.astype(np.float32))


@keras.saving.register_keras_serializable("tf_emb")
class MaskedLanguageModel(keras.Model):
    """An encoder whose table of tokens is also the output layer.

    Args:
        encoder: the encoder to train, from its present weights.
        **kwargs: arguments of `keras.Model`.
    """

    def __init__(self, encoder: Encoder, **kwargs: Any) -> None:
        super().__init__(**{"dtype": encoder.dtype_policy, **kwargs})
        self.encoder = encoder
        self.bias = self.add_weight(shape=(encoder.options["vocab_size"],), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs: tuple[Any, Any, Any], training: bool = False) -> Any:
        """Return the logits of the hidden tokens.

        Args:
            inputs: ids and attention mask of shape (batch, time), places of shape (batch, hidden).
            training: whether dropout is applied.

        Returns:
            Shape (batch, hidden, vocab).
        """
        ids, attention_mask, places = inputs
        states = self.encoder(ids, attention_mask, training=training)
        hidden = ops.take_along_axis(states, places[:, :, None], axis=1)
        return ops.matmul(hidden, ops.transpose(self.encoder.tokens.embeddings)) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for `from_config`."""
        return {**super().get_config(), "encoder": keras.saving.serialize_keras_object(self.encoder)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "MaskedLanguageModel":
        """Return the model that `get_config` describes."""
        return cls(**{**config, "encoder": keras.saving.deserialize_keras_object(config["encoder"])})


def masked_loss(logits: Any, words: Any, counted: Any) -> Any:
    """Return the mean of -log softmax(logits)[word] over the hidden tokens, in nats."""
    losses = keras.losses.sparse_categorical_crossentropy(words, logits, from_logits=True)
    weights = ops.cast(counted, losses.dtype)
    return ops.sum(losses * weights) / ops.maximum(ops.sum(weights), 1)


def train_masked(
    model: MaskedLanguageModel,
    ids: np.ndarray,
    attention_mask: np.ndarray,
    *,
    mask_id: int,
    first: int,
    epochs: int = 10,
    batch_size: int = 32,
    rate: float = 1e-3,
    share: float = 0.15,
    seed: int = 0,
) -> list[float]:
    """Train by Adam, hiding other tokens in each epoch.

    Args:
        model: trained in place.
        ids: integers, shape (sentences, time).
        attention_mask: the same shape, 0 at padding.
        mask_id: the id of [MASK].
        first: ids below it are special.
        epochs: passes over the sentences.
        batch_size: sentences per step.
        rate: the initial learning rate of Adam; it falls to 0 along a cosine.
        share: the share of tokens to hide.
        seed: the seed of the hidden tokens and of the order.

    Returns:
        The mean loss of each epoch, in nats per hidden token.
    """
    rng = np.random.default_rng(seed)
    steps = epochs * -(-len(ids) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss=loss, jit_compile=False)
    rules: dict[str, Any] = {"mask_id": mask_id, "first": first, "vocab_size": model.encoder.options["vocab_size"]}
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(ids))
        x = hide(ids[order], attention_mask[order], rng, share=share, **rules)
        inputs, options = (x.ids, x.attention_mask, x.places), {"batch_size": batch_size, "shuffle": False}
        history = model.fit(inputs, x.words, sample_weight=x.counted, verbose=0, **options)
        losses.append(history.history["loss"][-1])
    return losses
