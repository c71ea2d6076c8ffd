"""Lazy optimizers: which rows they touch, in every mode of TensorFlow, with what Keras wraps around an optimizer."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding
from tf_emb.optimizers import LazyAdagrad, LazyAdam, LazySGD

VOCAB, DIM = 11, 3
MODES = ["eager", "graph", "xla"]
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(VOCAB, DIM))
BATCHES = [(ids, RNG.normal(size=(len(ids), DIM))) for ids in RNG.integers(0, 8, (9, 6))]  # 8, 9 and 10 never occur
MAKE: dict[str, Callable[..., Any]] = {
    "adam": lambda **kwargs: LazyAdam(0.1, epsilon=1e-3, **kwargs),
    "adagrad": lambda **kwargs: LazyAdagrad(0.1, 0.2, epsilon=1e-3, **kwargs),
    "sgd": lambda **kwargs: LazySGD(0.1, **kwargs),
}


def expected(name: str, batches: list, dense: bool = False, clip: Callable[..., Any] = lambda g: g) -> np.ndarray:
    """The formula of the docstring, in NumPy."""
    table, m, v = TABLE.copy(), np.zeros_like(TABLE), np.full_like(TABLE, 0.2 if name == "adagrad" else 0.0)
    for t, (ids, values) in enumerate(batches, 1):
        total = np.zeros_like(TABLE)
        np.add.at(total, ids, values)
        rows = np.arange(VOCAB) if dense else np.unique(ids)
        g = clip(total)[rows]
        if name == "adagrad":
            v[rows] += g**2
            table[rows] -= 0.1 * g / (np.sqrt(v[rows]) + 1e-3)
        elif name == "sgd":
            table[rows] -= 0.1 * g
        else:
            m[rows], v[rows] = 0.9 * m[rows] + 0.1 * g, 0.999 * v[rows] + 0.001 * g**2
            rate = 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            table[rows] -= rate * m[rows] / (np.sqrt(v[rows]) + 1e-3)
    return table


def sliced(ids: Any, values: Any) -> tf.IndexedSlices:
    return tf.IndexedSlices(values, ids, tf.constant([VOCAB, DIM]))


def densified(ids: Any, values: Any) -> tf.Tensor:
    return tf.math.unsorted_segment_sum(values, ids, VOCAB)


def trained(optimizer: Any, mode: str = "eager", gradient: Callable[..., Any] = sliced) -> np.ndarray:
    table = keras.Variable(TABLE, dtype="float64")
    optimizer.build([table])

    def step(ids: Any, values: Any) -> None:
        optimizer.apply([gradient(ids, values)], [table])

    run = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
    for ids, values in BATCHES:
        run(tf.constant(ids), tf.constant(values))
    return table.numpy()


def equal(got: np.ndarray, want: np.ndarray) -> None:
    """To rounding: 9 steps of some 20 operations on numbers below 4, at float64."""
    np.testing.assert_allclose(got, want, rtol=0, atol=9 * 20 * 4 * 2**-53)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MAKE)
def test_repeated_slices_are_summed_and_other_rows_keep_every_bit(name: str, mode: str) -> None:
    got = trained(MAKE[name](), mode)
    equal(got, expected(name, BATCHES))
    np.testing.assert_array_equal(got[8:], TABLE[8:])


@pytest.mark.parametrize("name", MAKE)
def test_a_dense_gradient_names_all_rows(name: str) -> None:
    dense = trained(MAKE[name](), gradient=densified)
    equal(dense, expected(name, BATCHES, dense=True))
    lazy = np.abs(dense - trained(MAKE[name]())).max()
    assert lazy > 0.01 if name == "adam" else lazy < 1e-12  # a row without gradient moves under Adam only


@pytest.mark.parametrize("mode", MODES)
def test_two_lookups_of_one_table_are_one_gradient(mode: str) -> None:
    layer = Embedding(VOCAB, DIM, dtype="float64")
    layer.build()
    layer.set_weights([TABLE])
    optimizer = MAKE["adam"]()
    optimizer.build(layer.trainable_variables)

    def step(left: Any, right: Any, upstream: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.concat([layer(left), layer(right)], 0) * upstream)
        optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)

    run = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
    for ids, upstream in BATCHES:
        run(tf.constant(ids[:4]), tf.constant(ids[4:]), tf.constant(upstream))
    equal(layer.get_weights()[0], expected("adam", BATCHES))


def test_moments_wait_for_their_row() -> None:
    table, optimizer = keras.Variable(TABLE), MAKE["adam"]()
    optimizer.build([table])
    first = tf.ones((1, DIM))
    optimizer.apply([sliced([4], first)], [table])
    before = [slot.numpy()[4] for slot in optimizer.slots(table).values()]
    for _ in range(20):
        optimizer.apply([sliced([5], first)], [table])
    for slot, kept in zip(optimizer.slots(table).values(), before, strict=True):
        np.testing.assert_array_equal(slot.numpy()[4], kept)
    assert optimizer.iterations == 21


def test_no_operation_makes_something_as_large_as_the_table() -> None:
    layer = Embedding(VOCAB, DIM)
    layer.build()
    for optimizer in (
        LazySGD(0.1),
        LazyAdam(0.1),
        LazyAdagrad(0.1),
        LazyAdam(0.1, clipnorm=1.0),
        LazyAdam(0.1, global_clipnorm=1.0),
    ):
        optimizer.build(layer.trainable_variables)

        @tf.function
        def step(ids: Any, optimizer: Any = optimizer) -> None:
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(layer(ids) ** 2)
            optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)

        graph = step.get_concrete_function(tf.constant([1, 2, 1])).graph
        outputs = [out for op in graph.get_operations() for out in op.outputs]
        assert len(outputs) > 20
        assert not [out.name for out in outputs if out.shape.rank == 2 and out.shape[0] == VOCAB]


def by_norm(g: np.ndarray) -> np.ndarray:
    return g * min(1, 0.5 / np.sqrt(np.sum(g**2)))


CLIPPED = {
    "clipnorm": by_norm,
    "global_clipnorm": by_norm,
    "clipvalue": lambda g: np.clip(g, -0.5, 0.5),
}


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("how", CLIPPED)
def test_clipping_sees_the_summed_gradient_and_keeps_it_sparse(how: str, mode: str) -> None:
    equal(trained(MAKE["adam"](**{how: 0.5}), mode), expected("adam", BATCHES, clip=CLIPPED[how]))


def test_the_global_norm_is_over_dense_and_sparse_gradients() -> None:
    table, bias = keras.Variable(np.zeros((VOCAB, 1))), keras.Variable(np.zeros(1))
    optimizer = LazyAdagrad(1.0, 1.0, epsilon=1e-30, global_clipnorm=1.0)
    optimizer.apply([tf.IndexedSlices([[1.0], [2.0]], [3, 3], [VOCAB, 1]), tf.constant([4.0])], [table, bias])
    for got, g in ((table.numpy()[3], 3 / 5), (bias.numpy(), 4 / 5)):
        np.testing.assert_allclose(got, -g / np.sqrt(1 + g**2), rtol=1e-6)


MORE_DIGITS: dict[str, Callable[[], Any]] = {
    "adam": lambda: LazyAdam(0.1, 0.7, 0.9, 1e-30),
    "adagrad": lambda: LazyAdagrad(0.1, 0.3, epsilon=1e-30),
    "sgd": lambda: LazySGD(0.1),
}


@pytest.mark.parametrize("name", MAKE)
def test_hyper_parameters_keep_their_digits(name: str) -> None:
    table = keras.Variable(np.ones((2, 1)), dtype="float64")
    optimizer = MORE_DIGITS[name]()
    optimizer.build([table])
    if name == "adagrad":
        assert optimizer.slots(table)["accumulator"].numpy()[0, 0] == 0.3
    optimizer.apply([tf.IndexedSlices(tf.ones((1, 1), tf.float64), [1], [2, 1])], [table])
    step = 1 / np.sqrt(1.3) if name == "adagrad" else 1.0
    np.testing.assert_allclose(table.numpy()[1, 0], 1 - 0.1 * step, rtol=4e-16)


def test_bias_correction_is_accurate_at_float32() -> None:
    table, optimizer = keras.Variable(np.zeros((1, 1))), LazyAdam(1.0, 0.9, 0.999, 1e-30)
    optimizer.apply([tf.IndexedSlices([[3.0]], [0], [1, 1])], [table])
    np.testing.assert_allclose(table.numpy(), -1, rtol=1e-6)  # 1 - 0.999 in float32 is off by 2e-5


def test_a_schedule_sets_the_rate() -> None:
    table = keras.Variable(np.zeros((1, 1)))
    optimizer = LazyAdagrad(keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.5), epsilon=1e-30)
    moved = []
    for _ in range(3):
        before = table.numpy().item()
        optimizer.apply([tf.IndexedSlices([[1.0]], [0], [1, 1])], [table])
        moved.append(before - table.numpy().item())
    torch_lr_decay = [0.1 / (1 + t * 0.5) / np.sqrt(t + 1) for t in range(3)]
    np.testing.assert_allclose(moved, torch_lr_decay, rtol=1e-5)


def test_replicas_hand_over_one_gradient() -> None:
    """Two replicas on one CPU, in a process of their own: logical devices are set up before TensorFlow starts."""
    program = Path(__file__).with_name("two_replicas.py")
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=False, cwd=program.parents[1]
    )
    assert done.returncode == 0, done.stderr
