"""Training an Embedding: every optimizer, tf.function, XLA, and model.fit."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import optimizers

from tf_emb.layers import Embedding, OneHotDense

VOCAB, DIM, STEPS = 9, 4, 6
TABLE = np.random.default_rng(0).normal(size=(VOCAB, DIM)).astype(np.float32)
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "SGD": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "clipnorm": lambda: optimizers.SGD(1.0, clipnorm=0.5),
    "Adagrad": lambda: optimizers.Adagrad(0.1),
    "Adam": lambda: optimizers.Adam(0.1),
    "AdamW": lambda: optimizers.AdamW(0.1, weight_decay=0.1),
    "RMSprop": lambda: optimizers.RMSprop(0.1),
    "Nadam": lambda: optimizers.Nadam(0.1),
    "Ftrl": lambda: optimizers.Ftrl(0.1),
    "Lamb": lambda: optimizers.Lamb(0.1),
    "Adafactor": lambda: optimizers.Adafactor(0.1),
    "Adadelta": lambda: optimizers.Adadelta(20.0),
    "Adamax": lambda: optimizers.Adamax(0.1),
    "Lion": lambda: optimizers.Lion(0.1),
}
# These square, clip or normalise what they get, so a gradient that is one slice a place gives another table.
SENSITIVE = sorted(OPTIMIZERS.keys() - {"SGD", "momentum", "nesterov", "Lion"})


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return ids with many repeats, and upstream gradients in eighths, whose sums are exact in any order."""
    rng = np.random.default_rng(1)
    shape = (4, 5)
    return [(rng.integers(0, VOCAB - 2, shape), rng.integers(-8, 9, (*shape, DIM)) / 8) for _ in range(STEPS)]


def trained(layer: keras.layers.Embedding, optimizer: Any) -> np.ndarray:
    layer.build()
    layer.set_weights([TABLE])
    for ids, upstream in batches():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(ids) * upstream)
        optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
    return layer.get_weights()[0]


def trained_dense(optimizer: Any) -> np.ndarray:
    """Feed `optimizer` the whole gradient, summed by NumPy."""
    table = keras.Variable(TABLE)
    for ids, upstream in batches():
        gradient = np.zeros((VOCAB, DIM), np.float32)
        np.add.at(gradient, ids, upstream)
        optimizer.apply([tf.constant(gradient)], [table])
    return table.numpy()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_sees_the_summed_gradient(name: str) -> None:
    ours, dense = trained(Embedding(VOCAB, DIM), OPTIMIZERS[name]()), trained_dense(OPTIMIZERS[name]())
    assert np.abs(dense - TABLE).max() > 0.1  # it moved: the bound below is a bound on something
    # The gradients are exact, so only the optimizer's own arithmetic can round differently: at most a few roundings
    # a step, of numbers as large as the table (entries below 4, whose rounding unit is 2**-22).
    np.testing.assert_allclose(ours, dense, rtol=0, atol=STEPS * 4 * 2**-22)


@pytest.mark.parametrize("name", SENSITIVE)
def test_the_stock_layer_differs_so_the_test_above_can_fail(name: str) -> None:
    stock, dense = trained(keras.layers.Embedding(VOCAB, DIM), OPTIMIZERS[name]()), trained_dense(OPTIMIZERS[name]())
    assert np.abs(stock - dense).max() > 0.01


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("padding_idx", [None, 2])
def test_a_compiled_gradient_is_the_eager_one(jit_compile: bool, padding_idx: int | None) -> None:
    layer = Embedding(VOCAB, DIM, weights=TABLE, padding_idx=padding_idx)

    @tf.function(jit_compile=jit_compile)
    def step(ids: Any, upstream: Any) -> Any:
        with tf.GradientTape() as tape:
            rows = layer(ids)
            loss = tf.reduce_sum(rows * upstream)
        return rows, tf.convert_to_tensor(tape.gradient(loss, layer.trainable_variables)[0])

    for ids, upstream in batches()[:2]:
        expected = np.zeros((VOCAB, DIM), np.float32)
        np.add.at(expected, ids, upstream)
        if padding_idx is not None:
            expected[padding_idx] = 0
        rows, gradient = step(tf.constant(ids), tf.constant(upstream, tf.float32))
        np.testing.assert_array_equal(rows.numpy(), TABLE[ids])
        np.testing.assert_array_equal(gradient.numpy(), expected)


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"], indirect=True)
@pytest.mark.parametrize("inside_a_model", [False, True], ids=["alone", "in a model"])
@pytest.mark.parametrize("layer_class", [Embedding, OneHotDense])
def test_mixed_precision_still_sums_in_float32(policy: str, inside_a_model: bool, layer_class: type) -> None:
    layer, ids = layer_class(VOCAB, DIM), np.full((3001, 1), 3)
    called = keras.Sequential([keras.Input((1,), dtype="int32"), layer]) if inside_a_model else layer
    with tf.GradientTape() as tape:
        rows = called(ids)
        loss = tf.reduce_sum(tf.cast(rows, tf.float32))
    gradient = tf.convert_to_tensor(tape.gradient(loss, layer.trainable_variables)[0])
    assert rows.dtype == policy.removeprefix("mixed_")
    assert gradient.dtype == tf.float32
    # Adding ones stops at 2048 in float16, and at 256 in bfloat16; 3001 is no number of either.
    np.testing.assert_array_equal(gradient, 3001 * np.eye(VOCAB)[3][:, None] * np.ones(DIM))


def word_sums() -> tuple[np.ndarray, np.ndarray]:
    """Return sentences full of repeated words, and for each the mean of its words' hidden scores; word 0 scores 0."""
    rng = np.random.default_rng(3)
    ids = rng.integers(0, VOCAB, (64, 8))
    scores = np.array([0, *rng.normal(size=VOCAB - 1)])
    return ids, scores[ids].mean(1, keepdims=True)


def regression(optimizer: Any, jit_compile: bool) -> keras.Model:
    embedding = Embedding(VOCAB, DIM, embeddings_initializer="zeros", padding_idx=0, mask_zero=False)
    layers = [embedding, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1, "linear", False, "ones")]
    model = keras.Sequential([keras.Input((8,), dtype="int32"), *layers])
    model.compile(optimizer, "mse", jit_compile=jit_compile)
    return model


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_fit_learns_the_scores_of_words(jit_compile: bool) -> None:
    model = regression(optimizers.Adam(0.05), jit_compile)
    ids, targets = word_sums()
    losses = model.fit(ids, targets, batch_size=32, epochs=40, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < 0.01 * losses[0]
    assert np.all(model.get_weights()[0][0] == 0)  # the padding row
    assert np.all(np.any(model.get_weights()[0][1:] != 0, axis=1))


def test_regularizer_and_constraint_of_the_parent_work() -> None:
    layer = Embedding(VOCAB, DIM, "ones", keras.regularizers.L2(0.5), keras.constraints.MaxNorm(1.0))
    ids, upstream = batches()[0]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(ids) * upstream) * 0 + sum(layer.losses)
    assert loss == 0.5 * VOCAB * DIM
    optimizers.SGD(0.0).apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
    np.testing.assert_allclose(np.linalg.norm(layer.get_weights()[0], axis=0), 1.0, rtol=1e-6)
