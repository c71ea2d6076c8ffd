"""Losses for vectors of pictures that depend on their directions alone.

Softmax of cosines (Wang et al. 2017, "NormFace: L2 Hypersphere Embedding for Face Verification", equation 5), with z
and the classes' vectors w of length one,

    E_i = log sum over classes c of exp(w_c . z_i / temperature) - w_y . z_i / temperature

and the supervised contrastive loss (Khosla et al. 2020, "Supervised Contrastive Learning", equation 2, L_out). With
u_ij = z_i . z_j / temperature and P(i) the other rows of the class of i:

    E_i = log sum over k != i of exp(u_ik) - mean over p in P(i) of u_ip,   E = mean over rows with P(i)
    dE/du_ik = (softmax_k(u_i) - [k in P(i)] / |P(i)|) / rows with P(i)
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class CosineLogits(keras.layers.Layer):
    """Scores of classes: w_c . z / (|w_c| |z| temperature).

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
