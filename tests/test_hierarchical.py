"""Hierarchical softmax over Huffman's tree."""

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
from test_huffman import COUNTS, create_binary_tree

from tf_emb.layers.hierarchical_softmax import HierarchicalSoftmax, hierarchical_softmax_loss, huffman

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

ROOT = Path(__file__).parents[1]
VOCAB, DIM, BATCH = len(COUNTS), 4, 5
RNG = np.random.default_rng(0)
TABLE, HIDDEN, TARGETS = RNG.normal(size=(VOCAB - 1, DIM)), RNG.normal(size=(BATCH, DIM)), np.array([7, 0, 3, 3, 1])


def layer_of(dtype: str = "float64", **kwargs: Any) -> HierarchicalSoftmax:
    layer = HierarchicalSoftmax(COUNTS, dtype=dtype, **kwargs)
    layer.build((None, DIM))
    layer.embeddings.assign(TABLE)
    return layer


def expected() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loss, and gradients of its sum by hidden and table: word2vec.c's loop, lines 505 to 519."""
    loss, of_hidden, of_table = np.zeros(BATCH), np.zeros_like(HIDDEN), np.zeros_like(TABLE)
    words = create_binary_tree(COUNTS)
    for b, target in enumerate(TARGETS):
        for code, point in zip(*words[target], strict=True):
            f = 1 / (1 + np.exp(-HIDDEN[b] @ TABLE[point]))
            loss[b] -= np.log(1 - f if code else f)
            g = 1 - code - f
            of_hidden[b] -= g * TABLE[point]
            of_table[point] -= g * HIDDEN[b]
    return loss, of_hidden, of_table


def test_loss_and_gradients_are_those_of_word2vec_c() -> None:
    layer, hidden = layer_of(), tf.constant(HIDDEN)
    with tf.GradientTape() as tape:
        tape.watch(hidden)
        loss = layer.loss(hidden, TARGETS)
    gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, [hidden, layer.embeddings.value])]
    for got, want in zip([loss, *gradients], expected(), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


def test_the_gradient_of_the_table_comes_once_a_row() -> None:
    layer = layer_of()
    with tf.GradientTape() as tape:
        loss = layer.loss(HIDDEN, TARGETS)
    slices = tape.gradient(loss, layer.embeddings.value)
    assert isinstance(slices, tf.IndexedSlices)
    assert len(np.unique(slices.indices)) == len(slices.indices)


def test_probabilities_sum_to_1_and_are_what_the_loss_says() -> None:
    layer = layer_of()
    log_p = layer.log_probabilities(HIDDEN * 5).numpy()
    assert log_p.shape == (BATCH, VOCAB)
    np.testing.assert_allclose(np.exp(log_p).sum(1), 1, rtol=1e-13)
    assert (log_p.max(1) - log_p.min(1) > 3).all()
    for word in range(VOCAB):
        np.testing.assert_allclose(layer.loss(HIDDEN * 5, np.full(BATCH, word)), -log_p[:, word], rtol=1e-12)


def test_a_fresh_layer_gives_a_word_half_its_parents_probability() -> None:
    layer = HierarchicalSoftmax(COUNTS)
    np.testing.assert_allclose(layer.loss(HIDDEN, [0] * BATCH), np.log(2), rtol=1e-6)  # builds it
    np.testing.assert_allclose(layer.log_probabilities(HIDDEN)[0], -np.log(2) * huffman(COUNTS)[2], rtol=1e-6)
    np.testing.assert_array_equal(layer.get_weights()[0], np.zeros((VOCAB - 1, DIM), np.float32), strict=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_logits_give_exact_losses_and_finite_gradients(dtype: str) -> None:
    hidden = tf.constant([[1e4], [1e4]], dtype)
    table = tf.constant([[1.0], [-1.0]], dtype)
    with tf.GradientTape() as tape:
        tape.watch(hidden)
        codes, mask = np.array([[0, 1], [1, 0]]), np.array([[True, True], [True, False]])
        loss = hierarchical_softmax_loss(hidden, table, codes, np.array([[0, 1], [0, 0]]), mask)
    np.testing.assert_allclose(loss, [0, 1e4])
    np.testing.assert_allclose(tape.gradient(loss, hidden), [[0], [1]])


def test_any_leading_shape_and_a_batch_that_is_not_known() -> None:
    layer = layer_of()
    flat = layer.loss(HIDDEN[:4], TARGETS[:4])
    square = layer.loss(HIDDEN[:4].reshape(2, 2, DIM), TARGETS[:4].reshape(2, 2))
    np.testing.assert_allclose(tf.reshape(square, [-1]), flat, rtol=1e-13)
    np.testing.assert_allclose(
        tf.reshape(layer(HIDDEN[:4].reshape(2, 2, DIM)), [4, VOCAB]), layer(HIDDEN[:4]), rtol=1e-13
    )
    signature = [tf.TensorSpec([None, DIM], tf.float64), tf.TensorSpec([None], tf.int64)]
    compiled = tf.function(lambda h, t: layer.loss(h, t), input_signature=signature)
    np.testing.assert_allclose(compiled(HIDDEN, TARGETS), layer.loss(HIDDEN, TARGETS), rtol=1e-13)


def test_mixed_precision_computes_the_loss_in_float32() -> None:
    half = HIDDEN.astype(np.float16)
    loss = layer_of("mixed_float16").loss(half, TARGETS)
    np.testing.assert_array_equal(loss, layer_of("float32").loss(half.astype(np.float32), TARGETS), strict=True)
    assert layer_of("mixed_float16")(half).dtype == tf.float16


def test_the_loss_has_the_dtype_of_the_table_whatever_the_input_has() -> None:
    assert layer_of("float32").loss(HIDDEN, TARGETS).dtype == tf.float32


def test_targets_must_be_words() -> None:
    for wrong in (VOCAB, -1):
        with pytest.raises(IndexError):
            layer_of().loss(HIDDEN[:1], [wrong])
    with pytest.raises(TypeError, match="must be integers; got float"):
        layer_of().loss(HIDDEN, TARGETS.astype(float))


def test_config_and_file(tmp_path: Path) -> None:
    original = layer_of("float32", embeddings_initializer="ones", name="tree")
    text = json.dumps(keras.saving.serialize_keras_object(original))
    copy = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(copy) is HierarchicalSoftmax
    assert copy.get_config() == original.get_config()
    np.testing.assert_array_equal(copy(HIDDEN), HierarchicalSoftmax(COUNTS, embeddings_initializer="ones")(HIDDEN))
    hidden = keras.Input((DIM,))
    model = keras.Model(hidden, original(hidden))
    assert model.output_shape == (None, VOCAB)
    assert original.compute_output_shape((2, None, DIM)) == (2, None, VOCAB)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.get_weights()[0], TABLE.astype(np.float32), strict=True)
    np.testing.assert_array_equal(loaded(HIDDEN), model(HIDDEN))


OTHER_BACKEND = """
import numpy as np
import keras
from test_hierarchical import *

assert keras.backend.backend() == BACKEND
layer = layer_of()
to_numpy = keras.ops.convert_to_numpy
hidden = keras.ops.convert_to_tensor(HIDDEN, "float64")
loss = to_numpy(layer.loss(HIDDEN, TARGETS))
np.testing.assert_allclose(loss, expected()[0], rtol=1e-12)
log_p = to_numpy(layer.log_probabilities(hidden))
np.testing.assert_allclose(np.exp(log_p).sum(1), 1, rtol=1e-12)
np.testing.assert_allclose(-log_p[np.arange(BATCH), TARGETS], loss, rtol=1e-12)
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_on_another_backend(backend: str) -> None:
    pytest.importorskip(backend)
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
    }
    command = [sys.executable, "-c", f"BACKEND = {backend!r}\n{OTHER_BACKEND}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
