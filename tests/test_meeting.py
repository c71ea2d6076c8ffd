"""The gradients of all lookups of a table are one sum when an optimizer gets them, wherever the lookups are."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb import Embedding, EmbeddingBag
from tf_emb.optimizers import LazyAdagrad, LazyAdam

VOCAB, DIM = 7, 2
TABLE = np.arange(1.0, 15.0, dtype="float32").reshape(VOCAB, DIM)
FIRST, SECOND = np.array([[1, 1, 3]]), np.array([[3, 5, 1]])


def layer(**options: Any) -> Embedding:
    return Embedding(VOCAB, DIM, weights=TABLE, **options)


def loss(of: Embedding) -> Any:
    """Return a loss whose gradient at each place is twice its row."""
    return tf.reduce_sum(of(FIRST) ** 2) + tf.reduce_sum(of(SECOND) ** 2)


def summed(times: int = 1) -> np.ndarray:
    total = np.zeros_like(TABLE)
    for ids in (FIRST, SECOND):
        np.add.at(total, ids, 2 * times * TABLE[ids])
    return total


def inside_a_tape(of: Embedding) -> Any:
    with tf.GradientTape() as tape:
        y = loss(of)
    return tape.gradient(y, of.trainable_variables)[0]


def persistent(of: Embedding) -> Any:
    with tf.GradientTape(persistent=True) as tape:
        y = loss(of)
    return tape.gradient(y, of.trainable_variables)[0]


def nested(of: Embedding) -> Any:
    with tf.GradientTape() as tape:
        first = tf.reduce_sum(of(FIRST) ** 2)
        with tf.GradientTape():
            y = first + tf.reduce_sum(of(SECOND) ** 2)
    return tape.gradient(y, of.trainable_variables)[0]


def one_tape_after_another(of: Embedding) -> Any:
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(of(SECOND))
    tape.gradient(y, of.trainable_variables)
    return inside_a_tape(of)


def function_called_twice(of: Embedding) -> Any:
    square = tf.function(lambda ids: tf.reduce_sum(of(ids) ** 2))
    with tf.GradientTape() as tape:
        y = square(FIRST) + square(SECOND)
    return tape.gradient(y, of.trainable_variables)[0]


def loop_inside_a_tape(of: Embedding) -> Any:
    ids = tf.constant(np.concatenate([FIRST, SECOND]))

    @tf.function
    def total() -> Any:
        y = 0.0
        for row in tf.range(2):
            y += tf.reduce_sum(of(ids[row]) ** 2)
        return y

    with tf.GradientTape() as tape:
        y = total()
    return tape.gradient(y, of.trainable_variables)[0]


def tape_inside_a_loop(of: Embedding) -> Any:
    @tf.function
    def last() -> Any:
        gradient = tf.zeros_like(TABLE)
        for _ in tf.range(2):
            gradient = tf.convert_to_tensor(inside_a_tape(of))
        return gradient

    return last()


def branch_inside_a_tape(of: Embedding) -> Any:
    chosen = tf.function(lambda yes: tf.cond(yes, lambda: loss(of), lambda: 0.0))
    with tf.GradientTape() as tape:
        y = chosen(tf.constant(True))
    return tape.gradient(y, of.trainable_variables)[0]


WAYS: dict[str, Callable[[Embedding], Any]] = {
    "a tape": inside_a_tape,
    "a persistent tape": persistent,
    "nested tapes": nested,
    "one tape after another": one_tape_after_another,
    "a function that is called twice": function_called_twice,
    "a loop inside a tape": loop_inside_a_tape,
    "a tape inside a loop": tape_inside_a_loop,
    "a branch inside a tape": branch_inside_a_tape,
}
MODES: dict[str, dict[str, Any]] = {"eager": {}, "graph": {}, "xla": {"jit_compile": True}}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_the_squares_that_an_optimizer_sees_are_those_of_the_sum(way: str, mode: str) -> None:
    of = layer()
    run = tf.function(lambda: WAYS[way](of), autograph=False, **MODES[mode])
    gradient = WAYS[way](of) if mode == "eager" else run()
    # Keras squares slices one by one, and adds them up where they name a row twice.
    squares = tf.convert_to_tensor(keras.ops.square(gradient))
    np.testing.assert_array_equal(squares, summed() ** 2)


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_the_sum_names_each_row_once(mode: str) -> None:
    of = layer()
    gradient = inside_a_tape(of) if mode == "eager" else tf.function(lambda: inside_a_tape(of))()
    assert isinstance(gradient, tf.IndexedSlices)
    assert sorted(gradient.indices.numpy().tolist()) == [1, 3, 5]


def test_without_a_tape_nothing_is_kept() -> None:
    of = layer()
    of(FIRST)
    with tf.GradientTape() as tape:
        rows = of(FIRST)
    gradient = tape.gradient(rows, of.trainable_variables)[0]
    assert isinstance(gradient, tf.IndexedSlices)  # the lookup outside of the tape does not join in


@pytest.mark.parametrize("mode", MODES)
def test_a_lazy_optimizer_leaves_rows_alone_that_no_lookup_named(mode: str) -> None:
    ids, labels = [FIRST, SECOND], np.zeros((1, 3, DIM))
    of = layer()
    first, second = (keras.Input((3,), dtype="int32") for _ in range(2))
    model = keras.Model([first, second], of(first) + of(second))
    # Momentum of the first batch would move row 5 in the second, if it were named there.
    how = {"run_eagerly": True} if mode == "eager" else {"jit_compile": mode == "xla"}
    model.compile(LazyAdam(0.1), "mse", **how)
    model.fit(ids, labels, verbose=0)
    before = of.matrix()
    model.fit([FIRST, FIRST], labels, verbose=0)
    moved = (of.matrix() != before).any(axis=1)
    assert moved.tolist() == [False, True, False, True, False, False, False]


def test_a_lazy_optimizer_refuses_a_gradient_that_lost_its_rows() -> None:
    of, optimizer = layer(), LazyAdagrad(0.1)
    gradient = function_called_twice(of)
    with pytest.raises(ValueError, match=r"optimizer\.build"):
        optimizer.apply([gradient], of.trainable_variables)


def test_built_before_it_gets_the_rows_of_any_function() -> None:
    of, optimizer = layer(), LazyAdagrad(0.1)
    optimizer.build(of.trainable_variables)
    gradient = function_called_twice(of)
    assert isinstance(gradient, tf.IndexedSlices)
    optimizer.apply([gradient], of.trainable_variables)
    g = summed()
    want = TABLE - 0.1 * g / (np.abs(g) + 1e-10)
    np.testing.assert_allclose(of.matrix(), want, rtol=1e-6)


def test_an_optimizer_that_has_been_replaced_wants_nothing() -> None:
    """Keras' own must not get what the one before it asked for: under XLA slices that repeat rows."""
    of = layer()
    first, second = (keras.Input((3,), dtype="int32") for _ in range(2))
    model = keras.Model([first, second], of(first) + of(second))
    model.compile(LazyAdam(0.1), "mse", jit_compile=True)
    model.fit([FIRST, SECOND], np.zeros((1, 3, DIM)), verbose=0)
    model.compile(keras.optimizers.Adagrad(0.1), "mse", jit_compile=True)
    before = of.matrix()
    model.fit([FIRST, SECOND], np.zeros((1, 3, DIM)), verbose=0)
    g, upstream = np.zeros_like(before), 2 * (before[FIRST] + before[SECOND]) / (3 * DIM)
    for ids in (FIRST, SECOND):
        np.add.at(g, ids, upstream)
    np.testing.assert_allclose(of.matrix(), before - 0.1 * g / np.sqrt(0.1 + g**2 + 1e-7), rtol=1e-5)


def test_a_second_derivative_by_the_weights_of_a_bag() -> None:
    """Of ids of which one recurs after another: y = sum w_p x_p, penalty = |dL/dx|^2."""
    ids, w0 = np.array([1, 2, 1]), np.array([1.0, 2.0, 3.0], np.float32)
    bag, w = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner="sum"), tf.Variable(w0[None])

    def penalty() -> Any:
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(bag(ids[None], per_sample_weights=w) ** 2) / 2
        return tf.reduce_sum(tf.convert_to_tensor(tape.gradient(y, bag.trainable_variables[0])) ** 2)

    with tf.GradientTape() as tape:
        y = penalty()
    out, counts = w0 @ TABLE[ids], np.bincount(ids, w0, VOCAB)
    want = 2 * counts[ids] * (out @ out) + 2 * (counts**2).sum() * (TABLE[ids] @ out)
    np.testing.assert_allclose(tf.convert_to_tensor(tape.gradient(y, w))[0], want, rtol=1e-6)


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn", "max"])
def test_a_bag_is_exported_and_its_copy_can_be_trained(combiner: str, tmp_path: Any) -> None:
    bag = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner=combiner)
    model = keras.Sequential([keras.Input((3,), dtype="int32"), bag])
    model.export(tmp_path, verbose=False)
    loaded = tf.saved_model.load(tmp_path)
    ids = np.concatenate([FIRST, SECOND]).astype(np.int32)
    np.testing.assert_array_equal(loaded.serve(ids), model(ids))
    gradients = []
    for serve, variables in ((loaded.serve, loaded.variables), (model, model.trainable_variables)):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.convert_to_tensor(serve(ids)) ** 2)
        gradients.append(tf.convert_to_tensor(tape.gradient(y, variables)[0]).numpy())
    np.testing.assert_allclose(*gradients, rtol=1e-6)


@pytest.mark.parametrize("name", ["RMSprop", "Adadelta"])
def test_optimizers_that_need_the_number_of_slices_train_under_xla(name: str) -> None:
    of = layer()
    model = keras.Sequential([keras.Input((3,), dtype="int32"), of])
    options = {"momentum": 0.9} if name == "RMSprop" else {}
    model.compile(getattr(keras.optimizers, name)(0.1, **options), "mse", jit_compile=True)
    model.fit(np.concatenate([FIRST, SECOND]), np.zeros((2, 3, DIM)), verbose=0)
    assert (of.matrix() != TABLE).any(axis=1).tolist() == [False, True, False, True, False, True, False]
