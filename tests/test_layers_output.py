"""OneHotDense, and the full softmax with its loss."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding, FullSoftmax, OneHotDense, full_softmax_loss, one_hot_dense

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

VOCAB, DIM, BATCH = 6, 4, 5
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(VOCAB, DIM)).astype(np.float32)
KERNEL, HIDDEN, TARGETS = RNG.normal(size=(DIM, VOCAB)), RNG.normal(size=(BATCH, DIM)), np.array([5, 0, 3, 3, 1])
LOGITS = RNG.normal(size=(BATCH, VOCAB)) * 5


def copied(layer: Any) -> Any:
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    return keras.saving.deserialize_keras_object(json.loads(text))


def reloaded(model: keras.Model, path: Path) -> keras.Model:
    model.save(path / "model.keras")
    return keras.models.load_model(path / "model.keras")


def one_hot_layer(**kwargs: Any) -> OneHotDense:
    layer = OneHotDense(VOCAB, DIM, **kwargs)
    layer.build()
    layer.set_weights([TABLE])
    return layer


@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 0), (4, 3)], ids=str)
def test_one_hot_dense_is_an_embedding_value_and_gradient(shape: tuple[int, ...]) -> None:
    ids = np.random.default_rng(1).integers(0, VOCAB, shape)
    upstream = np.random.default_rng(2).integers(-9, 9, (*shape, DIM)).astype(np.float32)  # sums are exact
    results = []
    for layer in (one_hot_layer(), Embedding(VOCAB, DIM, weights=TABLE)):
        with tf.GradientTape() as tape:
            rows = layer(ids)
            loss = tf.reduce_sum(rows * upstream)
        gradient = tf.convert_to_tensor(tape.gradient(loss, layer.trainable_variables)[0])
        results.append((rows.numpy(), gradient.numpy()))
    (rows, gradient), (expected_rows, expected_gradient) = results
    np.testing.assert_array_equal(rows, expected_rows, strict=True)
    np.testing.assert_array_equal(gradient, expected_gradient)
    np.testing.assert_array_equal(rows, TABLE[ids])


def test_an_id_outside_the_vocabulary_gives_zeros() -> None:
    rows = one_hot_dense(tf.constant(TABLE), np.array([VOCAB, 2, -1]))
    np.testing.assert_array_equal(rows.numpy(), [np.zeros(DIM), TABLE[2], np.zeros(DIM)])


def test_one_hot_dense_in_a_model(tmp_path: Path) -> None:
    ids = keras.Input((None,), dtype="int32")
    model = keras.Model(ids, one_hot_layer()(ids))
    assert model.output_shape == (None, None, DIM)
    loaded = reloaded(model, tmp_path)
    assert type(loaded.layers[1]) is OneHotDense
    np.testing.assert_array_equal(loaded.get_weights()[0], TABLE, strict=True)
    np.testing.assert_array_equal(loaded(TARGETS[None]).numpy(), TABLE[TARGETS][None])


def test_one_hot_dense_config_and_default_start() -> None:
    original = OneHotDense(VOCAB, DIM, kernel_initializer="ones", name="words", dtype="mixed_float16")
    copy = copied(original)
    assert type(copy) is OneHotDense
    assert copy.get_config() == original.get_config()
    np.testing.assert_array_equal(copy(TARGETS).numpy(), np.ones((BATCH, DIM), np.float16), strict=True)
    start = OneHotDense(50, 8)
    start.build()
    assert 0.03 < np.abs(start.get_weights()[0]).max() <= 0.05  # "uniform", as the Keras Embedding


@pytest.mark.parametrize(("policy", "dtype"), [("mixed_float16", tf.float16), ("mixed_bfloat16", tf.bfloat16)])
def test_one_hot_dense_in_mixed_precision_rounds_the_rows_once(policy: str, dtype: tf.DType) -> None:
    layer = one_hot_layer(dtype=policy)
    np.testing.assert_array_equal(layer(TARGETS).numpy(), tf.cast(TABLE[TARGETS], dtype).numpy(), strict=True)
    np.testing.assert_array_equal(layer.get_weights()[0], TABLE, strict=True)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def error(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return e = y - t."""
    return np.exp(log_softmax(logits)) - np.eye(logits.shape[-1])[targets]


def test_full_softmax_loss_is_minus_log_softmax_of_the_target() -> None:
    loss = full_softmax_loss(tf.constant(LOGITS), TARGETS)
    assert loss.shape == (BATCH,)
    # float64; a handful of roundings a loss.
    np.testing.assert_allclose(loss, -log_softmax(LOGITS)[np.arange(BATCH), TARGETS], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_logits_do_not_overflow(dtype: str) -> None:
    logits = tf.constant([[1e4, 0, -1e4]] * 3 + [[-1e4] * 3], dtype)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = full_softmax_loss(logits, np.array([0, 1, 2, 1]))
    np.testing.assert_allclose(loss, [0, 1e4, 2e4, np.log(3)], rtol=1e-6)
    third = 1 / 3
    expected = [[0, 0, 0], [1, -1, 0], [1, 0, -1], [third, third - 1, third]]
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, rtol=1e-6)


def test_the_gradient_is_y_minus_t() -> None:
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = full_softmax_loss(logits, TARGETS)
    np.testing.assert_allclose(tape.gradient(loss, logits), error(LOGITS, TARGETS), rtol=1e-12, atol=1e-15)


def softmax_layer(**kwargs: Any) -> FullSoftmax:
    layer = FullSoftmax(VOCAB, **kwargs)
    layer.build((None, DIM))
    layer.set_weights([KERNEL])
    return layer


def test_full_softmax_layer_scores_and_learns_as_rong_writes_it() -> None:
    layer, hidden = softmax_layer(dtype="float64"), tf.constant(HIDDEN)
    with tf.GradientTape() as tape:
        tape.watch(hidden)
        loss = layer.loss(hidden, TARGETS)
    expected = -log_softmax(HIDDEN @ KERNEL)[np.arange(BATCH), TARGETS]
    np.testing.assert_allclose(loss, expected, rtol=1e-13)
    np.testing.assert_allclose(layer(hidden), HIDDEN @ KERNEL, rtol=1e-12)
    of_kernel, of_hidden = tape.gradient(loss, [layer.kernel.value, hidden])
    e = error(HIDDEN @ KERNEL, TARGETS)
    np.testing.assert_allclose(of_kernel, HIDDEN.T @ e, rtol=1e-12)
    np.testing.assert_allclose(of_hidden, e @ KERNEL.T, rtol=1e-12)


def test_full_softmax_starts_at_zero_where_every_word_is_equally_likely() -> None:
    layer = FullSoftmax(VOCAB)
    np.testing.assert_allclose(layer.loss(HIDDEN.astype(np.float32), TARGETS), np.log(VOCAB), rtol=1e-6)
    np.testing.assert_array_equal(layer.get_weights()[0], np.zeros((DIM, VOCAB), np.float32), strict=True)


def test_full_softmax_in_a_model(tmp_path: Path) -> None:
    hidden = keras.Input((DIM,))
    model = keras.Model(hidden, softmax_layer()(hidden))
    assert model.output_shape == (None, VOCAB)
    loaded = reloaded(model, tmp_path)
    assert type(loaded.layers[1]) is FullSoftmax
    np.testing.assert_array_equal(loaded.get_weights()[0], KERNEL.astype(np.float32), strict=True)
    np.testing.assert_array_equal(loaded(HIDDEN).numpy(), model(HIDDEN).numpy())
    assert FullSoftmax(VOCAB).compute_output_shape((2, None, DIM)) == (2, None, VOCAB)


def test_full_softmax_config() -> None:
    original = FullSoftmax(VOCAB, kernel_initializer="ones", name="scores", dtype="float64")
    copy = copied(original)
    assert type(copy) is FullSoftmax
    assert copy.get_config() == original.get_config()
    np.testing.assert_allclose(copy(HIDDEN), np.repeat(HIDDEN.sum(1, keepdims=True), VOCAB, 1), rtol=1e-13)
