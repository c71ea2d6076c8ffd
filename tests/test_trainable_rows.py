"""`trainable_rows`: the others keep every bit, whatever trains; `sparse=False`: a gradient of the table's shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import optimizers

from tf_emb.layers import Embedding, EmbeddingBag
from tf_emb.optimizers import LazyAdam, LazySGD

VOCAB, DIM, STEPS = 9, 3, 1000
ROWS, FROZEN = [1, 4, 7], [0, 2, 3, 5, 6, 8]
TABLE = np.random.default_rng(0).normal(size=(VOCAB, DIM)).astype(np.float32)
IDS = tf.constant([[1, 2, 1], [4, 0, 8], [7, 7, 2]])
DECAY = {"weight_decay": 0.1}
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "SGD": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True, **DECAY),
    "Adagrad": lambda: optimizers.Adagrad(0.01, **DECAY),
    "Adadelta": lambda: optimizers.Adadelta(0.1, **DECAY),
    "Adam": lambda: optimizers.Adam(0.01, **DECAY),
    "AdamW": lambda: optimizers.AdamW(0.01, **DECAY),
    "Adamax": lambda: optimizers.Adamax(0.01, **DECAY),
    "Nadam": lambda: optimizers.Nadam(0.01, **DECAY),
    "RMSprop": lambda: optimizers.RMSprop(0.01, momentum=0.9, **DECAY),
    "Ftrl": lambda: optimizers.Ftrl(0.01, l2_regularization_strength=0.1, **DECAY),
    "Lion": lambda: optimizers.Lion(0.01, **DECAY),
    "Lamb": lambda: optimizers.Lamb(0.01, **DECAY),
    "Adafactor": lambda: optimizers.Adafactor(0.01, **DECAY),
    "moving average": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=10),
    "global norm": lambda: optimizers.Adam(0.01, global_clipnorm=0.5),
    "LazyAdam": lambda: LazyAdam(0.01),
    "LazySGD": lambda: LazySGD(0.01, clipnorm=1.0),
}


def layer(kind: type[Embedding] = Embedding, **kwargs: Any) -> Embedding:
    return kind(VOCAB, DIM, weights=TABLE, trainable_rows=ROWS, **kwargs)


def train(of: Embedding, optimizer: Any, steps: int = STEPS) -> None:
    optimizer.build(of.trainable_variables)

    @tf.function
    def run() -> None:
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum((of(IDS) - 1) ** 2)
            optimizer.apply(tape.gradient(loss, of.trainable_variables), of.trainable_variables)

    run()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_rows_keep_every_bit_under_every_optimizer(name: str) -> None:
    of = layer()
    train(of, OPTIMIZERS[name]())
    np.testing.assert_array_equal(of.matrix()[FROZEN], TABLE[FROZEN])
    np.testing.assert_array_equal(of(np.array(FROZEN)), TABLE[FROZEN])
    assert np.all(np.abs(of.matrix()[ROWS] - TABLE[ROWS]).max(1) > 1e-3)


@pytest.mark.parametrize("name", ["SGD", "Adagrad", "Adam", "AdamW", "RMSprop", "LazyAdam"])
def test_trained_rows_move_as_they_do_in_a_whole_table(name: str) -> None:
    """Rules that look at one element alone, so that the company of other rows does not matter."""
    part, whole = layer(), Embedding(VOCAB, DIM, weights=TABLE)
    train(part, OPTIMIZERS[name](), 20)
    train(whole, OPTIMIZERS[name](), 20)
    # The same operations on the same numbers; a fused multiply-add may differ between tables of two shapes.
    np.testing.assert_allclose(part.matrix()[ROWS], whole.matrix()[ROWS], rtol=20 * 2.0**-22)


@pytest.mark.parametrize("kind", [Embedding, EmbeddingBag])
def test_forward_is_that_of_the_whole_table(kind: type[Embedding]) -> None:
    np.testing.assert_array_equal(layer(kind)(IDS), kind(VOCAB, DIM, weights=TABLE)(IDS))


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_the_gradient_is_summed_for_each_trained_row(jit_compile: bool) -> None:
    of = layer(padding_idx=4, scale_grad_by_freq=True)

    @tf.function(jit_compile=jit_compile)
    def gradient() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(of(IDS) * tf.reshape(tf.range(27.0), (3, 3, 3)))
        return tf.convert_to_tensor(tape.gradient(loss, of.trainable_variables)[0])

    # Places of 1: (0, 0) and (0, 2); of 4: (1, 0), padding; of 7: (2, 0) and (2, 1).
    upstream = np.arange(27.0).reshape(9, 3)
    np.testing.assert_array_equal(
        gradient(), [(upstream[0] + upstream[2]) / 2, [0] * 3, (upstream[6] + upstream[7]) / 2]
    )


def test_max_norm_leaves_frozen_rows_alone() -> None:
    of = layer(max_norm=0.1)
    rows = of(np.arange(VOCAB)).numpy()
    np.testing.assert_array_equal(rows[FROZEN], TABLE[FROZEN])
    np.testing.assert_allclose(np.linalg.norm(rows[ROWS], axis=1), 0.1, rtol=1e-5)
    np.testing.assert_array_equal(of.matrix(), rows)


@pytest.mark.parametrize(("policy", "want"), [("nan", np.nan), ("zero", 0.0), (4, TABLE[4]), (5, TABLE[5])])
def test_ids_that_name_no_row(policy: Any, want: Any) -> None:
    of = layer(out_of_range=policy)
    with tf.GradientTape() as tape:
        rows = of(np.array([-1, VOCAB, 1]))
        loss = tf.reduce_sum(rows)
    np.testing.assert_array_equal(rows[:2], np.broadcast_to(want, (2, DIM)))
    gradient = tf.convert_to_tensor(tape.gradient(loss, of.trainable_variables)[0])
    np.testing.assert_array_equal(gradient[:, 0], [1, 2 if policy == 4 else 0, 0])


def test_names_of_rows() -> None:
    mask = np.isin(np.arange(VOCAB), ROWS)
    for rows in (ROWS, [7, 1, 4, 1], [-2, -8, 4], np.array(ROWS, np.int8), mask, mask.tolist()):
        assert Embedding(VOCAB, DIM, trainable_rows=rows).trainable_rows == tuple(ROWS)


@pytest.mark.parametrize("rows", [[], [9], [-10], [1.0], 3, [True], np.zeros(VOCAB, bool), "abc", [[1]]])
def test_rows_that_are_none_are_refused(rows: Any) -> None:
    with pytest.raises(
        ValueError, match=r"^`trainable_rows` must name one row or more in -9..8, or hold 9 bools; got "
    ):
        Embedding(VOCAB, DIM, trainable_rows=rows)


def test_a_saved_table_is_whole(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer(name="words"), keras.layers.Flatten()])
    train(model.layers[0], optimizers.SGD(0.1), 3)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[0].trainable_rows == tuple(ROWS)
    np.testing.assert_array_equal(again.layers[0].matrix(), model.layers[0].matrix())
    np.testing.assert_array_equal(again(IDS), model(IDS))
    model.save_weights(tmp_path / "model.weights.h5")
    whole = keras.Sequential([keras.Input((3,), dtype="int32"), Embedding(VOCAB, DIM, name="words")])
    whole.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(whole.layers[0].matrix(), model.layers[0].matrix())


def test_trainable_can_be_turned_off_and_on() -> None:
    of = layer()
    of.trainable = False
    assert of.trainable_variables == []
    of.trainable = True
    assert [tuple(v.shape) for v in of.trainable_variables] == [(len(ROWS), DIM)]


def test_fit_moves_trained_rows_only() -> None:
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer(), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(optimizers.AdamW(0.1, weight_decay=0.1), "mse")
    model.fit(IDS, np.ones((3, 1)), epochs=5, verbose=0)
    np.testing.assert_array_equal(model.layers[0].matrix()[FROZEN], TABLE[FROZEN])
    assert np.all(model.layers[0].matrix()[ROWS] != TABLE[ROWS])


@pytest.mark.parametrize("kind", [Embedding, EmbeddingBag])
def test_sparse_says_what_form_the_gradient_has(kind: type[Embedding]) -> None:
    found = {}
    for sparse in (True, False):
        of = kind(VOCAB, DIM, weights=TABLE, sparse=sparse, padding_idx=2)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(of(IDS) ** 2)
        (found[sparse],) = tape.gradient(loss, of.trainable_variables)
    assert isinstance(found[True], tf.IndexedSlices)
    assert isinstance(found[False], tf.Tensor)
    np.testing.assert_array_equal(tf.convert_to_tensor(found[True]), found[False])
