"""Autoencoders: a row through a narrow layer and back; what the narrow layer holds is its embedding.

    z = encoder(x),  y = decoder(z),  E = mean over rows and features of (y - x)^2

With no hidden layers all is linear, and the best decoder spans what the first `dim` principal components span; every
other stationary point is a saddle (Baldi and Hornik 1989, "Neural Networks and Principal Component Analysis", facts 2
and 4). Hidden layers with a nonlinearity find codes that lie on no plane (Hinton and Salakhutdinov 2006, "Reducing
the Dimensionality of Data with Neural Networks").
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tf_emb.vectors import Vectors


class Autoencoder(keras.Model):
    """An encoder of dense layers and a decoder that mirrors it.

    Args:
        features: the number of features in a row.
        dim: the size of its embedding.
        hidden: the sizes of the encoder's hidden layers; empty for the linear autoencoder.
        activation: the activation of the hidden layers; the embedding and the reconstruction have none.
        bias: whether the layers have biases.
        noise: the share of inputs hidden in training, so that the code must capture what they have in common (Vincent
            et al. 2008, "Extracting and Composing Robust Features with Denoising Autoencoders"); the others are scaled
            by 1 / (1 - noise).
        seed: the seed of the initial weights (Glorot and Bengio 2010, uniform).
        **kwargs: arguments of a Keras model: name, dtype.

    Raises:
        ValueError: `dim` is not from 1 to `features`.
    """

    def __init__(
        self,
        features: int,
        dim: int = 16,
        *,
        hidden: Sequence[int] = (),
        activation: str = "relu",
        bias: bool = True,
        noise: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 1 <= dim <= features:
            raise ValueError(f"`dim` must be from 1 to `features`, {features}; got {dim}. Choose one within.")
        draw = np.random.default_rng(seed)

        def stack(inputs: int, sizes: Sequence[int], name: str) -> keras.Sequential:
            bends = [activation] * (len(sizes) - 1) + [None]
            starts = [keras.initializers.GlorotUniform(int(draw.integers(2**31))) for _ in sizes]
            layers = [
                keras.layers.Dense(size, bend, use_bias=bias, kernel_initializer=start, dtype=self.dtype_policy)
                for size, bend, start in zip(sizes, bends, starts, strict=True)
            ]
            return keras.Sequential([keras.Input((inputs,)), *layers], name=name)

        self.encoder = stack(features, (*hidden, dim), "encoder")
        if noise:
            hide = keras.layers.Dropout(noise, seed=int(draw.integers(2**31)), dtype=self.dtype_policy)
            self.encoder = keras.Sequential([keras.Input((features,)), hide, *self.encoder.layers], name="encoder")
        self.decoder = stack(dim, (*reversed(hidden), features), "decoder")
        self.built = True

    def call(self, x: Any) -> Any:
        """Return the reconstruction of `x`, shape (rows, features)."""
        return self.decoder(self.encoder(x))

    def vectors(
        self, x: np.ndarray, labels: Sequence[Any] | None = None, columns: Mapping[str, Sequence[Any]] | None = None
    ) -> Vectors:
        """Return the embeddings of the rows of `x`.

        Args:
            x: shape (rows, features).
            labels: one label per row; by default the row numbers.
            columns: see `Vectors`.
        """
        matrix = np.asarray(self.encoder.predict(x, batch_size=1024, verbose=0), np.float32)
        named = range(len(x)) if labels is None else labels
        return Vectors([str(label) for label in named], matrix, columns or {})


def train_autoencoder(
    x: np.ndarray,
    dim: int = 16,
    *,
    hidden: Sequence[int] = (256,),
    activation: str = "gelu",
    noise: float = 0.2,
    epochs: int = 100,
    batch: int = 64,
    rate: float = 1e-3,
    seed: int = 0,
    **kwargs: Any,
) -> Autoencoder:
    """Fit an autoencoder to rows by Adam (Kingma and Ba 2015), the rate falling to zero along a cosine.

    Args:
        x: floats, shape (rows, features), of magnitude near 1.
        dim: the size of the embedding.
        hidden: see `Autoencoder`, as for the next two.
        activation: the activation of the hidden layers.
        noise: the share of the inputs to hide.
        epochs: passes over the rows.
        batch: rows per step.
        rate: the initial learning rate.
        seed: the seed of the initial weights and of the order of the rows.
        **kwargs: further arguments of `Autoencoder`.

    Raises:
        ValueError: `x` is not a table, or has no rows.
    """
    if np.ndim(x) != 2 or not len(x):
        raise ValueError(f"`x` must have shape (rows, features); got {np.shape(x)}. Flatten images first.")
    model = Autoencoder(x.shape[1], dim, hidden=hidden, activation=activation, noise=noise, seed=seed, **kwargs)
    steps = epochs * -(-len(x) // batch)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)), "mse")
    order = np.random.default_rng(seed)
    for _ in range(epochs):  # Keras shuffles with a global generator; this order depends on the caller's seed alone
        rows = x[order.permutation(len(x))]
        model.fit(rows, rows, batch_size=batch, shuffle=False, verbose=0)
    return model
