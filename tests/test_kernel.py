"""Random Fourier features: their mean and variance are the theory's, and the layer is a layer."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tf_emb.methods.kernel import RandomFourierFeatures, draw_frequencies, kernel_features
from tf_emb.projector import log_projection

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

GAMMA, D = 0.7, 8
VARIANCE = {"paired": lambda k: (1 - k**2) ** 2 / D, "uniform": lambda k: (1 - k**2 + k**4 / 2) / D}


def products(phases: str, draws: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return k of five pairs of points, and z(x) z(y) of each in every draw, by NumPy from the same W and b."""
    rng = np.random.default_rng(0)
    x, apart = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)) * [[0.05], [0.3], [0.6], [1], [3]]
    # One wide draw is many narrow ones: frequencies are independent.
    W, b = draw_frequencies(3, D * draws, gamma=GAMMA, phases=phases, orthogonal=False, seed=1)
    terms = 2 / D * np.cos(x @ W + b) * np.cos((x + apart) @ W + b)
    groups = terms.reshape(5, 2, draws, D // 2).sum((1, 3)) if phases == "paired" else terms.reshape(5, draws, D).sum(2)
    return np.exp(-GAMMA * (apart**2).sum(1)), groups


@pytest.mark.parametrize("phases", ["paired", "uniform"])
def test_mean_and_variance_are_the_theorys(phases: str) -> None:
    k, found = products(phases)
    assert k.min() < 0.01 < 0.9 < k.max()
    theory = VARIANCE[phases](k)
    assert np.all(np.abs(found.mean(1) - k) < 5 * np.sqrt(theory / found.shape[1]))
    # The variance of a sample variance is (kurtosis - 1) / n of its square.
    kurtosis = ((found - found.mean(1, keepdims=True)) ** 4).mean(1) / found.var(1) ** 2
    assert np.all(np.abs(found.var(1) / theory - 1) < 5 * np.sqrt((kurtosis - 1) / found.shape[1]))


def test_paired_features_have_length_one_and_less_error() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 3))
    z = kernel_features("abcd", rows, features=6, gamma=GAMMA).matrix
    assert np.allclose((z**2).sum(1), 1, atol=1e-6)
    k = np.linspace(0.01, 0.99, 50)
    assert np.all(VARIANCE["paired"](k) < VARIANCE["uniform"](k))


def test_orthogonal_frequencies_are_normal_vectors_with_less_variance() -> None:
    W, _ = draw_frequencies(4, 20_000, gamma=0.5, seed=2)
    half = W[:, :10_000]
    inner = np.einsum("dgi,dgj->gij", *[half.reshape(4, 2500, 4)] * 2)
    assert np.abs(inner * (1 - np.eye(4))).max() < 1e-12
    # Each entry is N(0, 1): its mean, variance and fourth moment, within five deviations of 10,000 draws.
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (4, 3, 96)):
        assert np.all(np.abs((half**power).mean(1) - mean) < 5 * np.sqrt(variance / 10_000))
    x = np.array([0.4, 0.2, 0.1, 0.3]) * 3
    k = np.exp(-0.5 * (x**2).sum())
    groups = np.cos(x @ half).reshape(2500, 4).mean(1)
    assert abs(groups.mean() - k) < 5 * groups.std() / np.sqrt(2500)
    assert groups.var() < 0.7 * (1 - k**2) ** 2 / 8  # of four independent ones that serve twice: D = 8


def test_ten_thousand_features_are_near_the_kernel() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    z = kernel_features([str(i) for i in range(30)], rows, features=10_000).matrix
    apart = ((rows[:, None] - rows) ** 2).sum(-1)
    k = np.exp(-apart / (5 * rows.var()))
    assert np.abs(z @ z.T - k).max() < 0.06  # 6 standard deviations of at most 1 / sqrt(10,000)


def test_draws_depend_on_the_seed_alone() -> None:
    first, again, other = (draw_frequencies(4, 6, gamma=1.0, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


def test_the_layer_is_the_function_and_is_saved_with_its_draws(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(7, 2, 3)).astype(np.float32)
    model = keras.Sequential([RandomFourierFeatures(8, gamma=GAMMA, phases="uniform", seed=3), keras.layers.Dense(2)])
    out = model(rows)
    assert out.shape == (7, 2, 2)
    assert len(model.trainable_weights) == 2  # Dense's: the map does not train
    W, b = draw_frequencies(3, 8, gamma=GAMMA, phases="uniform", seed=3)
    assert np.allclose(model.layers[0](rows), np.sqrt(2 / 8) * np.cos(rows @ W + b), atol=1e-6)
    model.save(tmp_path / "model.keras")
    assert np.array_equal(keras.saving.load_model(tmp_path / "model.keras")(rows), out)
    assert model.layers[0].compute_output_shape((None, 3)) == (None, 8)


def test_half_precision_policies_work() -> None:
    rows = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    whole = RandomFourierFeatures(8, gamma=GAMMA)(rows)
    half = RandomFourierFeatures(8, gamma=GAMMA, dtype="mixed_bfloat16")(rows)
    assert half.dtype == "bfloat16"
    assert np.allclose(np.asarray(half, np.float32), whole, atol=0.05)


def test_features_go_to_the_projector(tmp_path: Path) -> None:
    vectors = kernel_features("abc", np.eye(3), features=4, gamma=1.0)
    assert list(log_projection(tmp_path, vectors, views=[]).rglob("*.tsv"))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: draw_frequencies(2, 5, gamma=1.0), "`features` must be 1 or more, and even where paired; got 5"),
        (lambda: draw_frequencies(2, 0, gamma=1.0, phases="uniform"), "`features` must be 1 or more"),
        (lambda: RandomFourierFeatures(4, gamma=0.0), "`gamma` must be more than 0; got 0.0"),
        (lambda: draw_frequencies(2, 4, gamma=1.0, phases="sine"), "`phases` must be paired or uniform; got 'sine'"),
        (lambda: kernel_features("ab", np.ones(2)), r"`rows` must be of shape \(rows, dim\).*got \(2,\)"),
        (lambda: kernel_features("ab", np.ones((2, 3))), "`rows` must vary"),
    ],
)
def test_what_makes_no_kernel_is_refused(call, said) -> None:
    with pytest.raises(ValueError, match=said):
        call()
