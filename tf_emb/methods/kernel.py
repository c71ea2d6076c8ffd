"""Random Fourier features: a map whose inner products are those of the Gaussian kernel's feature space.

k(x, y) = exp(-gamma |x - y|^2) = E[cos(w (x - y))] for w ~ N(0, 2 gamma I)               (Bochner's theorem)
z(x) = sqrt(2 / D) cos(x W + b);   z(x) z(y) -> k(x, y) at 1 / sqrt(D)

Rahimi and Recht 2007, "Random Features for Large-Scale Kernel Machines", algorithm 1. A linear model on z(x)
approximates one with the kernel, whose own feature space is infinite. On JAX, Keras' cosines are float32 at most.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from tf_emb.ops.reductions import product
from tf_emb.vectors import Vectors

Phases = Literal["paired", "uniform"]


def random_fourier_features(x: Any, frequencies: Any, phases: Any) -> Any:
    """Return z(x) = sqrt(2 / D) cos(x W + b).

    Args:
        x: shape (..., dim).
        frequencies: W, shape (dim, features).
        phases: b, in radians, shape (features,).

    Returns:
        Shape (..., features), dtype of `x`.

    Rahimi and Recht 2007, algorithm 1.
    """
    return math.sqrt(2 / frequencies.shape[-1]) * ops.cos(product(x, frequencies) + phases)


def draw_frequencies(
    dim: int, features: int, *, gamma: float, phases: Phases = "paired", orthogonal: bool = True, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw W and b for the kernel k = exp(-gamma |x - y|^2).

    "uniform": W_ij ~ N(0, 2 gamma), b_j ~ U(0, 2 pi); the variance of z(x) z(y) is (1 - k^2 + k^4 / 2) / D.
    "paired": every frequency is used twice, as cosine (b = 0) and as sine (b = -pi / 2); the variance is
    (1 - k^2)^2 / D, smaller for every k, and z(x) z(x) is 1 (Sutherland and Schneider 2015, "On the Error of Random
    Fourier Features").

    Args:
        dim: the size of the inputs.
        features: D; even for "paired".
        gamma: the inverse width of the kernel, 1 / (2 sigma^2); positive.
        phases: how b is chosen.
        orthogonal: whether frequencies are orthogonal in groups of `dim`, each still distributed as N(0, 2 gamma I):
            the mean stays, the variance falls (Yu et al. 2016, "Orthogonal Random Features"); else independent.
        seed: the seed of every random draw.

    Returns:
        W, float64, shape (dim, features), and b, float64, shape (features,).

    Raises:
        ValueError: an argument is out of its range.
    """
    _check(features, gamma, phases)
    rng, count = np.random.default_rng(seed), features // 2 if phases == "paired" else features
    drawn = math.sqrt(2 * gamma) * (_orthogonal(dim, count, rng) if orthogonal else rng.normal(size=(dim, count)))
    if phases == "paired":
        return np.concatenate([drawn, drawn], axis=1), np.repeat([0, -math.pi / 2], count)
    return drawn, rng.uniform(0, 2 * math.pi, count)


def _orthogonal(dim: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return directions that are orthogonal in groups of `dim`, as long as normal vectors, shape (dim, count)."""
    bases, triangles = np.linalg.qr(rng.normal(size=(-(-count // dim), dim, dim)))
    # Uniform over rotations and reflections only after the signs of the diagonal are removed (Mezzadri 2007).
    bases = bases * np.sign(np.einsum("gii->gi", triangles))[:, None, :]
    return np.concatenate(bases, axis=1)[:, :count] * np.sqrt(rng.chisquare(dim, count))


def kernel_features(
    labels: Sequence[str],
    rows: ArrayLike,
    *,
    features: int = 1024,
    gamma: float | Literal["scale"] = "scale",
    phases: Phases = "paired",
    orthogonal: bool = True,
    seed: int = 0,
) -> Vectors:
    """Map rows to random Fourier features.

    Args:
        labels: one label per row.
        rows: shape (rows, dim).
        features: D, the dimension of the vectors.
        gamma: the parameter of the kernel exp(-gamma |x - y|^2); "scale" is 1 / (dim var(rows)), as in
            scikit-learn's SVC.
        phases: as for `draw_frequencies`.
        orthogonal: as for `draw_frequencies`.
        seed: the seed of every random draw.

    Raises:
        ValueError: an argument is out of its range, or all entries of the rows are equal and gamma is "scale".
    """
    x = np.asarray(rows, np.float32)
    if x.ndim != 2 or not x.size:
        raise ValueError(f"`rows` must be of shape (rows, dim), neither of them 0; got {x.shape}. Reshape them.")
    if gamma == "scale" and not x.var():
        raise ValueError("`rows` must vary where `gamma` is 'scale'; got one number throughout. Give a number.")
    width = 1 / (x.shape[1] * float(x.var())) if gamma == "scale" else float(gamma)
    W, b = draw_frequencies(x.shape[1], features, gamma=width, phases=phases, orthogonal=orthogonal, seed=seed)
    mapped = random_fourier_features(*(ops.convert_to_tensor(a, "float32") for a in (x, W, b)))
    return Vectors(labels, ops.convert_to_numpy(mapped))


@keras.saving.register_keras_serializable("tf_emb")
class RandomFourierFeatures(keras.layers.Layer):
    """Maps (..., dim) to `features` numbers whose inner products approximate exp(-gamma |x - y|^2); not trainable.

    Args:
        features: D; even for phases="paired".
        gamma: the parameter of the kernel.
        phases: as for `draw_frequencies`.
        orthogonal: as for `draw_frequencies`.
        seed: the seed of every random draw.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        ValueError: an argument is out of its range.

    Rahimi and Recht 2007, algorithm 1.
    """

    def __init__(
        self,
        features: int,
        *,
        gamma: float,
        phases: Phases = "paired",
        orthogonal: bool = True,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        _check(features, gamma, phases)
        super().__init__(**kwargs)
        self.features = features
        self.options: dict[str, Any] = {"gamma": gamma, "phases": phases, "orthogonal": orthogonal, "seed": seed}

    def build(self, input_shape: Any) -> None:
        """Draw the frequencies and phases, which are saved with the layer."""
        W, b = draw_frequencies(input_shape[-1], self.features, **self.options)
        for name, array in (("frequencies", W), ("offsets", b)):
            weight = self.add_weight(shape=array.shape, initializer="zeros", trainable=False, name=name)
            weight.assign(array)
            setattr(self, name, weight)

    def call(self, inputs: Any) -> Any:
        """Return sqrt(2 / D) cos(x W + b)."""
        return random_fourier_features(inputs, self.frequencies, self.offsets)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """Return the input shape with `features` as its last axis."""
        return (*input_shape[:-1], self.features)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for `from_config`."""
        return {**super().get_config(), "features": self.features, **self.options}


def _check(features: int, gamma: float, phases: str) -> None:
    if phases not in ("paired", "uniform"):
        raise ValueError(f"`phases` must be paired or uniform; got {phases!r}. Use paired: its error is smaller.")
    if features < 1 or (phases == "paired" and features % 2):
        raise ValueError(f"`features` must be 1 or more, and even where paired; got {features}. Add one.")
    if not gamma > 0:
        raise ValueError(f"`gamma` must be more than 0; got {gamma}. Use 1 / (2 sigma^2).")
