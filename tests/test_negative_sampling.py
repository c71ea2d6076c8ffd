"""The negative-sampling layer, its loss, and its draws."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import NegativeSampling, negative_sampling_loss
from tf_emb.ops.noise import cumulative_counts

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

ROOT = Path(__file__).parents[1]
VOCAB, DIM, BATCH, NEGATIVES = 7, 4, 5, 3
RNG = np.random.default_rng(0)
TABLE, HIDDEN = RNG.normal(size=(VOCAB, DIM)), RNG.normal(size=(BATCH, DIM))
TARGETS = np.array([6, 0, 3, 3, 1])
NOISE = np.array([[6, 6, 2], [3, 1, 1], [0, 3, 5], [4, 4, 4], [1, 1, 1]])  # 6, 3 and 1 meet their target
COUNTS = [50, 20, 0, 9, 5, 2, 1]


def layer_of(dtype: str = "float64", **kwargs: Any) -> NegativeSampling:
    layer = NegativeSampling(VOCAB, dtype=dtype, **kwargs)
    layer.build((None, DIM))
    layer.embeddings.assign(TABLE)
    return layer


def expected() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loss, and gradients of its sum by hidden and table: a loop over pairs, as word2vec.c has it."""
    loss, of_hidden, of_table = np.zeros(BATCH), np.zeros_like(HIDDEN), np.zeros_like(TABLE)
    for b in range(BATCH):
        for word, label in [(TARGETS[b], 1), *((k, 0) for k in NOISE[b] if k != TARGETS[b])]:
            u = TABLE[word] @ HIDDEN[b]
            loss[b] += np.logaddexp(0, -u if label else u)
            error = 1 / (1 + np.exp(-u)) - label
            of_hidden[b] += error * TABLE[word]
            of_table[word] += error * HIDDEN[b]
    return loss, of_hidden, of_table


def test_loss_and_gradients_are_those_of_the_loop_over_pairs() -> None:
    layer, hidden = layer_of(), tf.constant(HIDDEN)
    with tf.GradientTape() as tape:
        tape.watch(hidden)
        loss = layer.loss(hidden, TARGETS, NOISE)
    gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, [hidden, layer.embeddings.value])]
    for got, want in zip([loss, *gradients], expected(), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


def test_the_gradient_of_the_table_comes_once_a_row() -> None:
    layer = layer_of()
    with tf.GradientTape() as tape:
        loss = layer.loss(HIDDEN, TARGETS, NOISE)
    slices = tape.gradient(loss, layer.embeddings.value)
    assert isinstance(slices, tf.IndexedSlices)
    assert len(np.unique(slices.indices)) == len(slices.indices)


def test_noise_that_is_the_target_is_left_out_and_nothing_else_is() -> None:
    layer = layer_of()
    alone = layer.loss(HIDDEN, TARGETS, TARGETS[:, None])
    np.testing.assert_allclose(alone, layer.loss(HIDDEN, TARGETS, np.zeros((BATCH, 0), np.int64)), rtol=1e-14)
    np.testing.assert_allclose(alone, np.logaddexp(0, -(TABLE[TARGETS] * HIDDEN).sum(1)), rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_logits_give_exact_losses_and_finite_gradients(dtype: str) -> None:
    u = tf.constant([-1e4, 0.0, 1e4], dtype)
    with tf.GradientTape() as tape:
        tape.watch(u)
        loss = negative_sampling_loss(u, u[:, None], np.array([[True], [True], [True]]))
    np.testing.assert_allclose(loss, [1e4, 2 * np.log(2), 1e4], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, u), [-1, 0, 1], atol=1e-6)


def test_call_scores_the_vocabulary_and_starts_at_zero() -> None:
    np.testing.assert_allclose(layer_of()(HIDDEN), HIDDEN @ TABLE.T, rtol=1e-12)
    fresh = NegativeSampling(VOCAB, negatives=NEGATIVES, seed=0)
    assert float(tf.reduce_max(tf.abs(fresh(HIDDEN)))) == 0
    assert fresh.compute_output_shape((2, None, DIM)) == (2, None, VOCAB)
    unseen = NegativeSampling(VOCAB, negatives=NEGATIVES)
    loss = unseen.loss(HIDDEN[:1], [0], [[1, 2, 3]])  # builds the layer
    np.testing.assert_allclose(loss, 4 * np.log(2), rtol=1e-6)


def test_any_leading_shape() -> None:
    layer = layer_of()
    flat = layer.loss(HIDDEN[:4], TARGETS[:4], NOISE[:4])
    square = layer.loss(HIDDEN[:4].reshape(2, 2, DIM), TARGETS[:4].reshape(2, 2), NOISE[:4].reshape(2, 2, 3))
    np.testing.assert_allclose(tf.reshape(square, [-1]), flat, rtol=1e-13)


def test_an_integer_in_2_to_the_31_falls_to_each_word_as_often_as_its_probability_says() -> None:
    p = np.array([0.5, 0.0, 0.25, 1e-8, 0.25 - 1e-8])
    cumulative = cumulative_counts(p)
    assert cumulative.dtype == np.int32
    assert cumulative[-1] == 2**31 - 1
    shares = np.diff(cumulative, prepend=0) / (2**31 - 1)
    np.testing.assert_allclose(shares, p, atol=5e-10)
    assert shares[1] == 0
    assert shares[3] > 0  # a float32 sum would lose it


@pytest.mark.parametrize(("exponent", "noise"), [(0.75, COUNTS), (1, COUNTS), (0.75, None)])
def test_draws_follow_the_distribution(exponent: float, noise: Any) -> None:
    layer = NegativeSampling(VOCAB, negatives=20, noise=noise, exponent=exponent, seed=1)
    p = (np.ones(VOCAB) if noise is None else np.array(noise, float)) ** exponent
    p /= p.sum()
    ids = layer.draw((2000,)).numpy()
    assert ids.shape == (2000, 20)
    seen = np.bincount(ids.ravel(), minlength=VOCAB) / ids.size
    np.testing.assert_allclose(seen, p, atol=5 * np.sqrt(0.25 / ids.size))  # five standard deviations
    assert (seen[p == 0] == 0).all()


def test_a_word_is_drawn_from_its_first_integer_to_its_last(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = NegativeSampling(3, negatives=4, noise=[0, 1, 1], exponent=1)
    integers = tf.constant([[0, 2**30 - 1, 2**30, 2**31 - 2]])
    monkeypatch.setattr(keras.random, "randint", lambda *args, **kwargs: integers)
    assert layer.draw((1,)).numpy().tolist() == [[1, 1, 2, 2]]  # never word 0, which has no integer


def test_draws_change_with_each_call_and_repeat_with_the_seed() -> None:
    first, again, other = (NegativeSampling(VOCAB, seed=seed) for seed in (1, 1, 2))
    draws = [layer.draw((9,)).numpy() for layer in (first, again, other, first)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
    assert (draws[0] != draws[3]).any()
    layers = [layer_of(seed=3, noise=COUNTS), layer_of(seed=3, noise=COUNTS)]
    drawn = layers[0].loss(HIDDEN, TARGETS)
    np.testing.assert_allclose(drawn, layers[1].loss(HIDDEN, TARGETS, layers[1].draw((BATCH,))), rtol=1e-14)


def test_loss_draws_in_a_graph_whose_batch_is_not_known() -> None:
    layer = layer_of(seed=3)
    loss = tf.function(
        lambda h, t: layer.loss(h, t),
        input_signature=[tf.TensorSpec([None, DIM], tf.float64), tf.TensorSpec([None], tf.int64)],
    )
    first, second = (loss(HIDDEN, TARGETS).numpy() for _ in range(2))
    assert first.shape == (BATCH,)
    assert (first != second).any()


def test_mixed_precision_computes_the_loss_in_float32() -> None:
    layer = layer_of(dtype="mixed_float16")
    half = HIDDEN.astype(np.float16)
    loss = layer.loss(half, TARGETS, NOISE)
    want = layer_of("float32").loss(half.astype(np.float32), TARGETS, NOISE)
    np.testing.assert_array_equal(loss, want, strict=True)
    assert layer(half).dtype == tf.float16


def test_the_loss_has_the_dtype_of_the_table_whatever_the_input_has() -> None:
    assert layer_of("float32").loss(HIDDEN, TARGETS, NOISE).dtype == tf.float32


def test_config_and_file(tmp_path: Path) -> None:
    original = layer_of("float32", noise=COUNTS, negatives=2, exponent=0.5, seed=4, name="noise")
    text = json.dumps(keras.saving.serialize_keras_object(original))
    copy = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(copy) is NegativeSampling
    assert copy.get_config() == original.get_config()
    np.testing.assert_array_equal(
        copy.draw((50,)), layer_of(noise=COUNTS, negatives=2, exponent=0.5, seed=4).draw((50,))
    )
    hidden = keras.Input((DIM,))
    model = keras.Model(hidden, original(hidden))
    assert model.output_shape == (None, VOCAB)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(HIDDEN), model(HIDDEN))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"vocab_size": 0}, "`vocab_size` must be an integer of 1 or more; got 0."),
        ({"negatives": 0}, "`negatives` must be an integer of 1 or more; got 0."),
        ({"negatives": 2.5}, r"`negatives` must be an integer of 1 or more; got 2\.5"),
        ({"exponent": -1}, "`exponent` must be a finite number of 0 or more; got -1."),
        ({"exponent": float("nan")}, "`exponent` must be .*; got nan."),
        ({"noise": [1, 2]}, r"`noise` must have shape \(7,\), one number per word; got \(2,\)"),
        ({"noise": [1, 2, 3, 4, 5, -6, 7]}, "`noise` must be finite and not negative; got -6 at 5."),
        ({"noise": [0] * 7}, "`noise` must have a word above 0; got only zeros."),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NegativeSampling(**{"vocab_size": VOCAB, **arguments})


def test_ids_must_be_integers_of_the_vocabulary() -> None:
    with pytest.raises(TypeError, match="must be integers; got float"):
        layer_of().loss(HIDDEN, TARGETS.astype(float), NOISE)
    with pytest.raises(TypeError, match="must be integers; got float"):
        layer_of().loss(HIDDEN, TARGETS, NOISE.astype(float))
    with pytest.raises(IndexError):
        layer_of().loss(HIDDEN, TARGETS, NOISE + VOCAB)


OTHER_BACKEND = """
import numpy as np
import keras
from tests.test_negative_sampling import *

assert keras.backend.backend() == BACKEND
keras.config.set_floatx("float64")
layer = layer_of(noise=COUNTS, seed=0)
to_numpy = keras.ops.convert_to_numpy
np.testing.assert_allclose(to_numpy(layer.loss(HIDDEN, TARGETS, NOISE)), expected()[0], rtol=RTOL)
np.testing.assert_allclose(to_numpy(layer(HIDDEN)), HIDDEN @ TABLE.T, rtol=RTOL, atol=RTOL)
u = keras.ops.convert_to_tensor(np.array([-20.5]))  # log1p(exp(-20.5)) = 1.3e-9: lost past a threshold
loss = to_numpy(negative_sampling_loss(u, -u[:, None], np.array([[True]])))
np.testing.assert_allclose(loss, 2 * np.logaddexp(0, 20.5), rtol=RTOL)
assert to_numpy(layer.loss(HIDDEN, TARGETS)).shape == (BATCH,)
ids = to_numpy(layer.draw((2000,)))
p = np.array(COUNTS) ** 0.75
np.testing.assert_allclose(np.bincount(ids.ravel(), minlength=VOCAB) / ids.size, p / p.sum(), atol=0.025)
"""


@pytest.mark.parametrize(("backend", "rtol"), [("torch", 1e-12), ("jax", 1e-12)])
def test_on_another_backend(backend: str, rtol: float) -> None:
    pytest.importorskip(backend)
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1",
        "PYTHONPATH": str(ROOT),
    }
    program = f"BACKEND, RTOL = {backend!r}, {rtol}\n{OTHER_BACKEND}"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
