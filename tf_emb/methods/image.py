"""Pictures to vectors by a small residual network: the embedding is its penultimate layer.

    block(x) = relu(x' + conv(relu(conv(x)))),  x' = x, or a 1 x 1 convolution of it where the shape changes

He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", equations 1 and 2; three blocks, no batch
normalization, so that a picture's vector never depends on its batch. Trained to tell classes by softmax; by softmax of
cosines, as vectors are compared by their angle (Wang et al. 2017, "NormFace: L2 Hypersphere Embedding for Face
Verification", equation 5), with z and the classes' vectors w of length one,

    E_i = log sum over classes c of exp(w_c . z_i / temperature) - w_y . z_i / temperature

or the supervised contrastive loss (Khosla et al. 2020, "Supervised Contrastive Learning", equation 2, L_out). With
u_ij = z_i . z_j / temperature and P(i) the other rows of the class of i:

    E_i = log sum over k != i of exp(u_ik) - mean over p in P(i) of u_ip,   E = mean over rows with P(i)
    dE/du_ik = (softmax_k(u_i) - [k in P(i)] / |P(i)|) / rows with P(i)
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from tf_emb.methods.labelled import LabelledVectors


class ResidualBlock(keras.layers.Layer):
    """Two 3 x 3 convolutions around which the input passes.

    Args:
        filters: channels of the output.
        stride: of the first convolution.
        seed: of the initial weights (He et al. 2015, normal).
        **kwargs: those of a Keras layer: name, dtype.
    """

    def __init__(self, filters: int, stride: int = 1, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.stride, self.seed = filters, stride, seed

    def build(self, shape: Sequence[int | None]) -> None:
        """Create the convolutions; the shortcut is one where the shape changes."""

        def conv(size: int, stride: int, number: int) -> keras.layers.Conv2D:
            start = keras.initializers.HeNormal(self.seed + number)
            return keras.layers.Conv2D(
                self.filters, size, stride, "same", kernel_initializer=start, dtype=self.dtype_policy
            )  # fmt: skip

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
        """Return the arguments."""
        return {**super().get_config(), "filters": self.filters, "stride": self.stride, "seed": self.seed}


class CosineLogits(keras.layers.Layer):
    """Scores of classes: w_c . z / (|w_c| |z| temperature).

    Args:
        classes: how many.
        temperature: the smaller, the more sure the softmax of the scores.
        seed: of the initial vectors of classes (Glorot and Bengio 2010, uniform).
        **kwargs: those of a Keras layer: name, dtype.
    """

    def __init__(self, classes: int, temperature: float = 0.1, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes, self.temperature, self.seed = classes, temperature, seed

    def build(self, shape: Sequence[int | None]) -> None:
        """Create the vectors of classes, shape (dim, classes)."""
        start = keras.initializers.GlorotUniform(self.seed)
        self.kernel = self.add_weight(shape=(shape[-1], self.classes), initializer=start, name="kernel")

    def call(self, z: Any) -> Any:
        """Return the scores, shape (rows, classes)."""
        return ops.matmul(directions(z, 1), directions(ops.convert_to_tensor(self.kernel), 0)) / self.temperature

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "classes": self.classes, "temperature": self.temperature, "seed": self.seed}


def directions(z: Any, axis: int) -> Any:
    """Return vectors along `axis` over their lengths; 1e-12 under the root keeps zero at zero."""
    return z / ops.sqrt(ops.sum(ops.square(z), axis, keepdims=True) + 1e-12)


def supervised_contrastive(classes: Any, z: Any, temperature: float = 0.1) -> Any:
    """Return E, in nats, mean over the rows that share their class with another.

    Args:
        classes: integers, shape (rows,) or (rows, 1).
        z: shape (rows, dim); only directions count.
        temperature: the smaller, the more the nearest rows count.
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


def image_network(
    shape: Sequence[int], dim: int = 32, *, filters: int = 16, seed: int = 0, dtype: str | None = None
) -> keras.Model:
    """Return a network from pictures of `shape`, (height, width, channels), to vectors of `dim`.

    Args:
        shape: of a picture.
        dim: of a vector.
        filters: channels of the first of three blocks; each of the others has twice as many as the one before.
        seed: of the initial weights.
        dtype: of weights and vectors; Keras' default where None.
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
    epochs: int = 20,
    batch: int = 128,
    rate: float = 1e-3,
    filters: int = 16,
    seed: int = 0,
) -> keras.Model:
    """Return a network that was trained on pictures by Adam, the rate falling to zero along a cosine.

    Args:
        pictures: floats in 0..1, shape (rows, height, width) or (rows, height, width, channels).
        classes: integers from 0, shape (rows,).
        dim: of the embedding.
        objective: "softmax", a linear classifier behind the embedding; "cosine", `CosineLogits` there instead;
            "contrastive", `supervised_contrastive`.
        epochs: passes over the pictures.
        batch: pictures a step.
        rate: the first learning rate.
        filters: channels of the first stage.
        seed: of weights and of the order.

    Raises:
        ValueError: `objective` is unknown.
    """
    if objective not in ("softmax", "cosine", "contrastive"):
        raise ValueError(f'`objective` must be "softmax", "cosine" or "contrastive"; got {objective!r}.')
    x = channels(pictures)
    network = image_network(x.shape[1:], dim, filters=filters, seed=seed)
    loss: Any = supervised_contrastive
    model = network
    if objective != "contrastive":
        start = keras.initializers.GlorotUniform(1000 * seed + 98)
        dense = keras.layers.Dense(int(classes.max()) + 1, kernel_initializer=start)
        head = dense if objective == "softmax" else CosineLogits(int(classes.max()) + 1, seed=1000 * seed + 98)
        model, loss = (
            keras.Model(network.input, head(network.output)),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * -(-len(x) // batch))
    model.compile(keras.optimizers.Adam(schedule), loss)
    order = np.random.default_rng(seed)
    for _ in range(epochs):  # Keras shuffles by a global generator; this one is the caller's seed alone
        rows = order.permutation(len(x))
        model.fit(x[rows], classes[rows], batch_size=batch, shuffle=False, verbose=0)
    return network


def image_vectors(
    network: keras.Model,
    pictures: np.ndarray,
    labels: Sequence[Any] | None = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
) -> LabelledVectors:
    """Return the embeddings of pictures, of length one; `project(logdir, sprites=pictures)` shows them as pictures.

    Args:
        network: see `train_images`.
        pictures: as there.
        labels: of the pictures; their numbers by default.
        columns: see `LabelledVectors`.
    """
    matrix = np.asarray(network.predict(channels(pictures), batch_size=512, verbose=0), np.float32)
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    return LabelledVectors(
        [str(of) for of in (range(len(matrix)) if labels is None else labels)], matrix, columns or {}
    )


def channels(pictures: np.ndarray) -> np.ndarray:
    """Return pictures with a last axis of channels, float32.

    Raises:
        ValueError: the shape is none of pictures.
    """
    if np.ndim(pictures) not in (3, 4):
        raise ValueError(
            f"`pictures` must have shape (rows, height, width) or (rows, height, width, channels); got "
            f"{np.shape(pictures)}. Reshape flat rows."
        )
    array = np.asarray(pictures, np.float32)
    return array if array.ndim == 4 else array[..., None]
