"""Sums over places by sparse matrices and without them, called directly: both are the same sums."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tf_emb.ops import csr, reductions
from tf_emb.ops.csr import csr_matrix, csr_product, has_csr, place_sum, spread

VALUES = np.array([[1.0, 2.0], [4.0, 8.0], [16.0, 32.0], [64.0, 128.0]])
PLACE = np.array([2, 0, 2, 3], np.int32)
SUMS = np.array([[4.0, 8.0], [0.0, 0.0], [17.0, 34.0], [64.0, 128.0], [0.0, 0.0]])  # row 1 and row 4 have no place
DTYPES = ["float32", "float64", "float16", "bfloat16"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_sparse_products_are_for_the_two_dtypes_that_they_know(dtype: str) -> None:
    assert has_csr(tf.as_dtype(dtype)) == (dtype in ("float32", "float64"))


def test_a_gpu_has_a_faster_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["one"] if kind == "GPU" else [])
    assert not has_csr(tf.float32)


@pytest.mark.parametrize("by_csr", [False, True])
def test_values_are_summed_at_their_places(by_csr: bool) -> None:
    np.testing.assert_array_equal(place_sum(tf.constant(VALUES), tf.constant(PLACE), 5, by_csr), SUMS)
    none = place_sum(tf.zeros([0, 2], tf.float64), tf.zeros([0], tf.int32), 3, by_csr)
    np.testing.assert_array_equal(none, np.zeros((3, 2)))


@pytest.mark.parametrize("dtype", ["float32", "float16"])  # with sparse matrices, and without
def test_rows_are_spread_and_their_gradients_summed_at_any_depth(dtype: str) -> None:
    rows = tf.Variable(tf.cast(SUMS, dtype))
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            out = spread(rows, tf.constant(PLACE))
            loss = tf.reduce_sum(out**3)
        gradient = tape.gradient(loss, rows)
        inner = tf.reduce_sum(gradient)
    np.testing.assert_array_equal(out, SUMS[PLACE])
    times = np.bincount(PLACE, minlength=5)[:, None]
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(gradient, (times * 3 * SUMS**2).astype(dtype))
    np.testing.assert_array_equal(outer.gradient(inner, rows), (times * 6 * SUMS).astype(dtype))


@pytest.mark.parametrize("by_csr", [False, True])
def test_the_gradient_of_a_sum_goes_to_every_place(by_csr: bool) -> None:
    values = tf.Variable(VALUES)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(place_sum(values, tf.constant(PLACE), 5, by_csr) ** 2)
    np.testing.assert_array_equal(tape.gradient(loss, values), 2 * SUMS[PLACE])


@pytest.mark.parametrize("by_csr", [False, True])
def test_a_sum_is_scaled_row_by_row(by_csr: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reductions, "has_csr", lambda dtype: by_csr)
    scale = np.array([3.0, 5.0, 0.5, -1.0, 7.0])
    out = reductions.scaled_place_sum(tf.constant(VALUES), tf.constant(PLACE, tf.int64), tf.constant(scale))
    np.testing.assert_array_equal(out, SUMS * scale[:, None])


@pytest.mark.parametrize("persistent", [False, True])  # a tape that goes on asks for what has a second derivative
@pytest.mark.parametrize("learned", [False, True])
def test_weighted_rows_are_summed_and_differentiated(persistent: bool, learned: bool) -> None:
    rows, weights = tf.Variable(SUMS), tf.Variable([2.0, -1.0, 0.5, 3.0, 4.0], dtype=tf.float64)
    place, segment = np.array([2, 0, 3, 2, 4]), np.array([0, 0, 2, 2, 2])
    upstream = np.array([[1.0, 2.0], [4.0, 8.0], [16.0, 32.0], [64.0, 128.0]])
    with tf.GradientTape(persistent=persistent) as tape:
        out = reductions.gathered_sum(rows, tf.constant(place), tf.constant(segment), 4, weights, learned=learned)
        loss = tf.reduce_sum(out * upstream)
    expected, to_rows = np.zeros((4, 2)), np.zeros((5, 2))
    np.add.at(expected, segment, SUMS[place] * weights.numpy()[:, None])
    np.add.at(to_rows, place, upstream[segment] * weights.numpy()[:, None])
    np.testing.assert_array_equal(out, expected)
    found: Any = tape.gradient(loss, [rows, weights])
    np.testing.assert_array_equal(found[0], to_rows)
    if learned:
        np.testing.assert_array_equal(found[1], np.sum(upstream[segment] * SUMS[place], 1))
    else:
        assert found[1] is None


def test_matrices_without_rows_or_columns() -> None:
    """TensorFlow divides by their number, and ends the process."""
    nothing = tf.zeros([0], tf.int32)
    empty = csr_matrix(nothing, nothing, tf.zeros([0]), 0, 0)
    assert csr_product(empty, tf.zeros([0, 3]), 0).shape == (0, 3)

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def of_any_size(dense: Any) -> Any:
        return csr._with_a_row(dense)

    assert of_any_size(tf.ones([0, 3])).shape == (1, 3)
    np.testing.assert_array_equal(of_any_size(tf.ones([2, 3])), np.ones((2, 3)))
