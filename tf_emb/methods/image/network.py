"""Pictures to vectors by a small residual network: the embedding is its penultimate layer.

    block(x) = relu(x' + conv(relu(conv(x)))),  x' = x, or a 1 x 1 convolution of it where the shape changes

He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", equations 1 and 2; three blocks, no batch
normalization, so that a picture's vector never depends on its batch. Trained by softmax, softmax of cosines or the
supervised contrastive loss, which depend on the directions of vectors alone, on pictures that are distorted a little in
every pass, see `tf_emb.methods.image.distortion`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from tf_emb.methods.image.distortion import Distortion
from tf_emb.vectors import Vectors


class CosineLogits(keras.layers.Layer):
    """Scores of classes: w_c . z / (|w_c| |z| temperature).

    With z and the classes' vectors w of length one, the softmax of the scores has the loss

        E_i = log sum over classes c of exp(w_c . z_i / temperature) - w_y . z_i / temperature

    (Wang et al. 2017, "NormFace: L2 Hypersphere Embedding for Face Verification", equation 5).

    Args:
        classes: the number of classes.
        temperature: the smaller, the sharper the softmax of the scores.
        seed: the seed of the initial class vectors (Glorot and Bengio 2010, uniform).
        **kwargs: arguments of a Keras layer: name, dtype.
    """

    def __init__(self, classes: int, temperature: float = 0.1, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes, self.temperature, self.seed = classes, temperature, seed

    def build(self, shape: Sequence[int | None]) -> None:
        """Create the class vectors, shape (dim, classes)."""
        start = keras.initializers.GlorotUniform(self.seed)
        self.kernel = self.add_weight(shape=(shape[-1], self.classes), initializer=start, name="kernel")

    def call(self, z: Any) -> Any:
        """Return the scores, shape (rows, classes)."""
        return ops.matmul(directions(z, 1), directions(ops.convert_to_tensor(self.kernel), 0)) / self.temperature

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for `from_config`."""
        return {**super().get_config(), "classes": self.classes, "temperature": self.temperature, "seed": self.seed}


def directions(z: Any, axis: int) -> Any:
    """Return the vectors along `axis` divided by their lengths; 1e-12 under the root keeps zero vectors zero."""
    return z / ops.sqrt(ops.sum(ops.square(z), axis, keepdims=True) + 1e-12)


def supervised_contrastive(classes: Any, z: Any, temperature: float = 0.1) -> Any:
    """Return E, in nats, mean over the rows that share their class with another.

    With u_ij = z_i . z_j / temperature, z of length one, and P(i) the other rows of the class of i:

        E_i = log sum over k != i of exp(u_ik) - mean over p in P(i) of u_ip,   E = mean over rows with P(i)
        dE/du_ik = (softmax_k(u_i) - [k in P(i)] / |P(i)|) / rows with P(i)

    (Khosla et al. 2020, "Supervised Contrastive Learning", equation 2, L_out).

    Args:
        classes: integers, shape (rows,) or (rows, 1).
        z: shape (rows, dim); only directions matter.
        temperature: the smaller, the more weight the nearest rows have.
    """
    classes = ops.reshape(classes, (-1,))
    z = directions(z, 1)
    u = ops.matmul(z, ops.transpose(z)) / temperature
    itself = ops.eye(ops.shape(z)[0], dtype=z.dtype)
    alike = ops.cast(ops.equal(classes[:, None], classes[None, :]), z.dtype) * (1 - itself)
    count = ops.sum(alike, 1)
    every = ops.logsumexp(ops.where(itself > 0, -1e9, u), axis=1)
    of_row = every - ops.sum(alike * u, 1) / ops.maximum(count, 1)
    some = ops.cast(count > 0, z.dtype)
    return ops.sum(some * of_row) / ops.maximum(ops.sum(some), 1)


LITTLE = Distortion()


class ResidualBlock(keras.layers.Layer):
    """Two 3 x 3 convolutions with a shortcut around them.

    Args:
        filters: channels of the output.
        stride: the stride of the first convolution.
        seed: the seed of the initial weights (He et al. 2015, normal).
        **kwargs: arguments of a Keras layer: name, dtype.
    """

    def __init__(self, filters: int, stride: int = 1, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.stride, self.seed = filters, stride, seed

    def build(self, shape: Sequence[int | None]) -> None:
        """Create the convolutions; the shortcut has one where the shape changes."""

        def conv(size: int, stride: int, number: int) -> keras.layers.Conv2D:
            start = keras.initializers.HeNormal(self.seed + number)
            return keras.layers.Conv2D(
                self.filters, size, stride, "same", kernel_initializer=start, dtype=self.dtype_policy
            )

        self.first, self.second = conv(3, self.stride, 0), conv(3, 1, 1)
        self.first.build(shape)
        self.second.build(self.first.compute_output_shape(shape))
        same = self.stride == 1 and shape[-1] == self.filters
        self.shortcut = None if same else conv(1, self.stride, 2)
        if self.shortcut:
            self.shortcut.build(shape)

    def call(self, x: Any) -> Any:
        """Return relu(x' + conv(relu(conv(x))))."""
        return ops.relu((self.shortcut(x) if self.shortcut else x) + self.second(ops.relu(self.first(x))))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for `from_config`."""
        return {**super().get_config(), "filters": self.filters, "stride": self.stride, "seed": self.seed}


def image_network(
    shape: Sequence[int], dim: int = 32, *, filters: int = 16, seed: int = 0, dtype: str | None = None
) -> keras.Model:
    """Return a network from pictures of `shape`, (height, width, channels), to vectors of `dim`.

    Args:
        shape: the shape of a picture.
        dim: the size of a vector.
        filters: channels of the first of three blocks; each of the others has twice as many as the one before.
        seed: the seed of the initial weights.
        dtype: the dtype of weights and vectors; None is Keras' default.
    """
    inputs = keras.Input(tuple(shape), dtype=dtype)
    x = inputs
    for i, (width, stride) in enumerate([(filters, 1), (2 * filters, 2), (4 * filters, 2)]):
        x = ResidualBlock(width, stride, seed=1000 * seed + 10 * i, dtype=dtype)(x)
    start = keras.initializers.GlorotUniform(1000 * seed + 99)
    flat = keras.layers.Flatten(dtype=dtype)(x)
    return keras.Model(inputs, keras.layers.Dense(dim, kernel_initializer=start, dtype=dtype)(flat))


def train_images(
    pictures: np.ndarray,
    classes: np.ndarray,
    dim: int = 32,
    *,
    objective: Literal["softmax", "cosine", "contrastive"] = "contrastive",
    epochs: int | None = None,
    batch: int = 64,
    rate: float = 2e-3,
    filters: int = 16,
    distortion: Distortion | None = LITTLE,
    seed: int = 0,
) -> keras.Model:
    """Train a network on pictures by Adam, the rate falling to zero along a cosine, and return it.

    Args:
        pictures: floats in 0..1, shape (rows, height, width) or (rows, height, width, channels).
        classes: integers from 0, shape (rows,).
        dim: the size of the embedding.
        objective: "softmax", a linear classifier on the embedding; "cosine", `CosineLogits` instead; "contrastive",
            `supervised_contrastive`.
        epochs: passes over the pictures; the default makes at least 1,000 steps and at least 20 passes.
        batch: the maximal number of pictures per step; the steps of a pass share the pictures evenly, since a small
            last step would contain hardly a pair of one class.
        rate: the initial learning rate.
        filters: channels of the first block.
        distortion: how far pictures are moved, drawn anew in every pass; None where exact positions matter.
        seed: the seed of weights, order and distortions.

    Raises:
        ValueError: `objective` is unknown, or `epochs` or `batch` is below 1.
    """
    if objective not in ("softmax", "cosine", "contrastive"):
        raise ValueError(f'`objective` must be "softmax", "cosine" or "contrastive"; got {objective!r}. Choose one.')
    for name, value in (("epochs", epochs), ("batch", batch)):
        if value is not None and value < 1:
            raise ValueError(f"`{name}` must be 1 or more; got {value}. Use 1 for the least.")
    x = channels(pictures)
    steps = -(-len(x) // batch)
    epochs = epochs or max(20, -(-1000 // steps))
    network = image_network(x.shape[1:], dim, filters=filters, seed=seed)
    model, loss = _with_loss(network, objective, int(np.max(classes)) + 1, 1000 * seed + 98)
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * steps)
    model.compile(keras.optimizers.Adam(schedule), loss)
    # Keras shuffles with a global generator; these depend on the caller's seed alone, and the order not on distortion.
    orders, moves = (np.random.default_rng([seed, stream]) for stream in range(2))
    for _ in range(epochs):
        order = orders.permutation(len(x))
        seen = distortion(x[order], moves) if distortion else x[order]
        for part in np.array_split(np.arange(len(x)), steps):
            model.train_on_batch(seen[part], classes[order[part]])
    return network


def _with_loss(network: keras.Model, objective: str, classes: int, seed: int) -> tuple[keras.Model, Any]:
    """Return the model to train, the network followed by class scores where needed, and its loss."""
    if objective == "contrastive":
        return network, supervised_contrastive
    start = keras.initializers.GlorotUniform(seed)
    dense = keras.layers.Dense(classes, kernel_initializer=start)
    head = dense if objective == "softmax" else CosineLogits(classes, seed=seed)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return keras.Model(network.input, head(network.output)), entropy


def image_vectors(
    network: keras.Model,
    pictures: np.ndarray,
    labels: Sequence[Any] | None = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
) -> Vectors:
    """Return the embeddings of pictures, of length one; `log_projection(logdir, vectors, sprites=pictures)` shows them.

    Args:
        network: see `train_images`.
        pictures: as there.
        labels: one label per picture; by default the picture numbers.
        columns: see `Vectors`.
    """
    matrix = np.asarray(network.predict(channels(pictures), batch_size=512, verbose=0), np.float32)
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    return Vectors([str(of) for of in (range(len(matrix)) if labels is None else labels)], matrix, columns or {})


def channels(pictures: np.ndarray) -> np.ndarray:
    """Return pictures with a last axis of channels, float32.

    Raises:
        ValueError: the shape is not that of pictures.
    """
    if np.ndim(pictures) not in (3, 4):
        raise ValueError(
            f"`pictures` must have shape (rows, height, width) or (rows, height, width, channels); got "
            f"{np.shape(pictures)}. Reshape flat rows."
        )
    array = np.asarray(pictures, np.float32)
    return array if array.ndim == 4 else array[..., None]
