"""A neural n-gram language model: the next word or character from the vectors of the N before it.

x = (C[w_t-1], ..., C[w_t-N]);  y = b + W x + U tanh(d + H x);  p(w_t) = softmax(y)
Bengio, Ducharme, Vincent and Jauvin 2003, "A Neural Probabilistic Language Model", equation 1. Words in
contexts that predict the same word get the same updates, so words used alike end up near each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from tf_emb.corpus.checks import integer, number, seed_of
from tf_emb.corpus.language import END, UNKNOWN, language_vocabulary, some_sentences, windows
from tf_emb.corpus.vocabulary import Vocabulary
from tf_emb.layers import Embedding
from tf_emb.layers.softmax import full_softmax_loss
from tf_emb.vectors import Vectors

__all__ = ["END", "UNKNOWN", "LanguageModel", "NGram", "language_vocabulary", "train_ngram", "windows"]

Schedule = Literal["constant", "cosine"]


@keras.saving.register_keras_serializable("tf_emb")
class NGram(keras.Model):
    """Scores every token after the N before it: contexts (batch, order) to logits (batch, vocab).

    Args:
        vocab_size: the number of tokens to predict; one more, with the id vocab_size, pads the beginning.
        order: N, the number of preceding tokens that are seen.
        dim: the size of a token's vector.
        hidden: units of the tanh layer.
        direct: whether there is a W, straight from the vectors to the outputs; else it is 0.
        tied: whether the outputs share the table, U = P C^T and W = Q C^T with P of shape (hidden, dim) and Q of shape
            (order * dim, dim) (Press and Wolf 2017): far fewer weights, for little text.
        spread: the standard deviation of the initial table. With 1, the tanh layer tells tokens apart early, which
            suits long contexts of few types; a tied table, whose rows make the logits, needs 0.1.
        dropout: the share of the entries of x and of the hidden layer that is dropped in training.
        seed: the seed of the initial weights and of dropout.
        **kwargs: arguments of `keras.Model`.

    Raises:
        ValueError: a size is not an integer of 1 or more, or a number is out of its range.
    """

    def __init__(
        self,
        vocab_size: int,
        order: int = 4,
        *,
        dim: int = 64,
        hidden: int = 128,
        direct: bool = False,
        tied: bool = False,
        spread: float = 0.1,
        dropout: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        _positive(vocab_size=vocab_size, order=order, dim=dim, hidden=hidden)
        seed = seed_of(seed)
        spread = number("spread", spread, "a number of 0 or more", lambda value: value >= 0, "The default is 0.1.")
        dropout = number("dropout", dropout, "a share of 0 or more, below 1", lambda value: 0 <= value < 1, "Use 0.")
        super().__init__(**kwargs)
        self.config: dict[str, Any] = {
            "vocab_size": vocab_size, "order": order, "dim": dim, "hidden": hidden, "direct": direct, "tied": tied,
            "spread": spread, "dropout": dropout, "seed": seed,
        }  # fmt: skip
        draw, of = keras.initializers, {"dtype": self.dtype_policy}
        normal = draw.RandomNormal(0, spread, seed)
        self.embedding = Embedding(vocab_size + 1, dim, embeddings_initializer=normal, **of)
        self.tanh = keras.layers.Dense(hidden, "tanh", kernel_initializer=draw.GlorotUniform(seed + 1), **of)
        outputs: dict[str, Any] = {"units": dim if tied else vocab_size, "use_bias": False, **of}
        self.out = keras.layers.Dense(**outputs, kernel_initializer=draw.GlorotUniform(seed + 2))
        self.straight = keras.layers.Dense(**outputs, kernel_initializer="zeros") if direct else None
        self.leave_out = [keras.layers.Dropout(dropout, seed=seed + 3 + i, **of) for i in range(2)]

    def build(self, input_shape: Any = None) -> None:
        """Create the weights."""
        order, dim, hidden = (self.config[name] for name in ("order", "dim", "hidden"))
        self.embedding.build()
        self.tanh.build((None, order * dim))
        self.out.build((None, hidden))
        if self.straight is not None:
            self.straight.build((None, order * dim))
        self.bias = self.add_weight(shape=(self.config["vocab_size"],), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the logits y."""
        x = ops.reshape(self.embedding(inputs), (-1, self.config["order"] * self.config["dim"]))
        x = self.leave_out[0](x, training=training)
        y = self.out(self.leave_out[1](self.tanh(x), training=training))
        if self.straight is not None:
            y = y + self.straight(x)
        if self.config["tied"]:
            y = ops.matmul(y, ops.transpose(self.embedding.embeddings[: self.config["vocab_size"]]))
        return y + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for `from_config`."""
        return {**self.config, "name": self.name, "dtype": keras.dtype_policies.serialize(self.dtype_policy)}


@dataclass(frozen=True)
class LanguageModel:
    """A trained model and its vocabulary.

    Attributes:
        network: returns logits.
        vocabulary: <unk> and </s>, then the tokens.
        losses: the mean loss of every epoch in nats per token: of training, and of the held-out sentences if any.
    """

    network: NGram
    vocabulary: Vocabulary
    losses: dict[str, list[float]]

    def vectors(self) -> Vectors:
        """Return the table C: a vector for each token that can come next, and its count."""
        table = self.network.embedding.matrix()[: len(self.vocabulary)]
        return Vectors(self.vocabulary.words, table, {"count": self.vocabulary.counts.tolist()})

    def log_probabilities(self, sentences: Iterable[Sequence[str]]) -> np.ndarray:
        """Return log p of every token and every end of a sentence, in nats, float64, shape (tokens + sentences,).

        Raises:
            ValueError: there are no sentences, or they are not lists of tokens.
        """
        inputs, targets = windows(sentences, self.vocabulary, self.network.config["order"])
        parts = [slice(i, i + 1024) for i in range(0, len(targets), 1024)]
        return -np.concatenate([self._loss(inputs[part], targets[part]) for part in parts])

    def _loss(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return ops.convert_to_numpy(full_softmax_loss(self.network(inputs), targets)).astype(np.float64)

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> float:
        """Return exp(-mean log p) over all tokens and ends of sentences; unknown tokens count as <unk>.

        Raises:
            ValueError: there are no sentences, or they are not lists of tokens.
        """
        return float(np.exp(-self.log_probabilities(sentences).mean()))

    def next_tokens(self, before: Sequence[str], *, top: int = 5) -> list[tuple[str, float]]:
        """Return the most probable tokens after `before`, and their probabilities.

        Raises:
            ValueError: `before` is not a list of tokens, or `top` is below 1.
        """
        integer("top", top, remedy="Use 5.")
        inputs, _ = windows([before], self.vocabulary, self.network.config["order"])
        p = ops.convert_to_numpy(ops.softmax(self.network(inputs[-1:])))[0]
        return [(self.vocabulary.words[i], float(p[i])) for i in np.argsort(-p)[:top]]


def train_ngram(
    sentences: Sequence[Sequence[str]],
    *,
    held_out: Sequence[Sequence[str]] | None = None,
    min_count: int = 2,
    epochs: int = 10,
    batch: int = 128,
    rate: float = 1e-3,
    schedule: Schedule = "constant",
    weight_decay: float = 0.0,
    patience: int = 2,
    seed: int = 0,
    **kwargs: Any,
) -> LanguageModel:
    """Train a language model by AdamW on -log p, and stop when the held-out loss no longer improves.

    Args:
        sentences: lists of words or characters.
        held_out: sentences for early stopping, other than those on which perplexity is reported; None trains for all
            epochs.
        min_count: rarer tokens count as <unk>.
        epochs: the maximal number of passes over the text.
        batch: tokens per step.
        rate: the initial learning rate of AdamW, whose other parameters are Keras' defaults.
        schedule: "constant", or "cosine": step s of S has the rate rate (1 + cos(pi s / S)) / 2 (Loshchilov and Hutter
            2017, equation 5, without restarts).
        weight_decay: the weight decay of AdamW.
        patience: epochs without a better held-out loss after which training stops; the best weights are kept.
        seed: the seed of weights, order and dropout.
        **kwargs: arguments of `NGram`: `order`, `dim`, `hidden` ...

    Raises:
        ValueError: a number is out of its range, no token is frequent enough, or there is no such schedule.

    Bengio et al. 2003, section 2. The bias b starts at the log frequencies.
    """
    _positive(epochs=epochs, batch=batch, patience=patience)
    seed = seed_of(seed)
    rate = number("rate", rate, "a number above 0", lambda value: value > 0, "The default is 0.001.")
    weight_decay = number("weight_decay", weight_decay, "a number of 0 or more", lambda value: value >= 0, "Use 0.")
    if schedule not in ("constant", "cosine"):
        raise ValueError(f"`schedule` must be 'constant' or 'cosine'; got {schedule!r}. Choose one.")
    sentences = some_sentences(sentences)
    held_out = None if held_out is None else some_sentences(held_out, "held_out")
    vocabulary = language_vocabulary(sentences, min_count=min_count)
    network = NGram(len(vocabulary), seed=seed, **kwargs)
    network.build()
    network.bias.assign(np.log((vocabulary.counts + 1) / (vocabulary.counts + 1).sum()))
    inputs, targets = windows(sentences, vocabulary, network.config["order"])
    rates = _rates(schedule, rate, epochs * -(-len(targets) // batch))
    network.compile(keras.optimizers.AdamW(rates, weight_decay=weight_decay), _mean_loss, jit_compile=False)
    options: dict[str, Any] = {}
    if held_out is not None:
        options["validation_data"] = windows(held_out, vocabulary, network.config["order"])
        options["callbacks"] = [keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)]
    keras.utils.set_random_seed(seed)  # Keras shuffles with the global generator
    history = network.fit(inputs, targets, batch_size=batch, epochs=epochs, verbose=0, shuffle=True, **options)
    return LanguageModel(network, vocabulary, history.history)


def _rates(schedule: Schedule, rate: float, steps: int) -> Any:
    return keras.optimizers.schedules.CosineDecay(rate, steps) if schedule == "cosine" else rate


def _mean_loss(targets: Any, logits: Any) -> Any:
    return ops.mean(full_softmax_loss(logits, ops.cast(targets, "int32")))


def _positive(**numbers: int) -> None:
    for name, value in numbers.items():
        integer(name, value, remedy="Use a positive number.")
