"""Ids that name no row: each policy, in each way to run a layer, on each backend."""

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding, EmbeddingBag, lookup

ROOT = Path(__file__).parents[1]
VOCAB, DIM = 5, 2
TABLE = np.arange(1, VOCAB * DIM + 1, dtype=np.float32).reshape(VOCAB, DIM)
BAD = [-1, VOCAB, 2**31 - 1, 2**40]
MODES = ["eager", "graph", "xla"]
RULE = r"`ids` must be in 0\.\.4 \(or choose out_of_range="


def run_as(mode: str, function: Callable[..., Any]) -> Callable[..., Any]:
    return function if mode == "eager" else tf.function(function, jit_compile=mode == "xla")


def around(bad: int) -> np.ndarray:
    """Return `bad` twice, between ids that exist; one of them is 0, the row that clamping and masking would hit."""
    return np.array([[0, 2], [bad, 0], [4, bad]])


def upstream(ids: np.ndarray) -> np.ndarray:
    """Return a different power of two for every place: their sum says which places are in it."""
    return np.broadcast_to(2.0 ** np.arange(ids.size).reshape(*ids.shape, 1), (*ids.shape, DIM)).astype(np.float32)


@functools.cache
def puller(mode: str, policy: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """Return a function from ids to rows and the table's gradient, compiled once for all its tests."""
    layer = Embedding(VOCAB, DIM, weights=TABLE, out_of_range=policy, **kwargs)

    def both(ids: Any) -> Any:
        with tf.GradientTape() as tape:
            rows = layer(ids)
        gradient = tape.gradient(rows, layer.trainable_variables, [upstream(around(0))])[0]
        return rows, tf.convert_to_tensor(gradient)

    return run_as(mode, both)


def pull(mode: str, bad: int, policy: Any, **kwargs: Any) -> tuple[np.ndarray, np.ndarray]:
    rows, gradient = puller(mode, policy, **kwargs)(tf.constant(around(bad)))
    return rows.numpy(), gradient.numpy()


def expected(bad: int, policy: Any, by_freq: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and the gradient, id by id."""
    ids, g = around(bad), upstream(around(bad))
    rows, gradient, counts = np.zeros_like(g), np.zeros_like(TABLE), np.zeros((VOCAB, 1), np.float32)
    for place in np.ndindex(ids.shape):
        row = policy if ids[place] == bad else ids[place]
        if isinstance(row, str):
            rows[place] = 0 if row == "zero" else np.nan
            continue
        rows[place] = TABLE[row]
        gradient[row] += g[place]
        counts[row] += 1
    return rows, gradient / np.maximum(counts, 1) if by_freq else gradient


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("policy", ["nan", "zero", 0, 3])
def test_rows_and_gradient_under_a_policy_that_never_raises(policy: Any, bad: int, mode: str) -> None:
    got = pull(mode, bad, policy)
    for value, want in zip(got, expected(bad, policy), strict=True):
        np.testing.assert_array_equal(value, want)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", ["nan", "zero", 0, 3])
def test_ids_without_a_row_are_counted_only_with_the_row_they_stand_for(policy: Any, mode: str) -> None:
    got = pull(mode, -1, policy, scale_grad_by_freq=True)
    for value, want in zip(got, expected(-1, policy, by_freq=True), strict=True):
        # One division; XLA multiplies by the reciprocal, which may round once more.
        np.testing.assert_allclose(value, want, rtol=2.0**-23)


@pytest.mark.parametrize("bad", BAD)
def test_raise_names_the_first_such_id_and_its_place(bad: int) -> None:
    with pytest.raises(IndexError, match=rf"{RULE}.* or a row\); got {bad} at \(1, 0\)\."):
        Embedding(VOCAB, DIM, weights=TABLE)(around(bad))


@pytest.mark.parametrize("bad", BAD)
def test_raise_in_a_tf_function(bad: int) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=RULE):
        pull("graph", bad, "raise")


@pytest.mark.parametrize("bad", BAD)
def test_raise_under_xla_is_a_row_of_nan(bad: int) -> None:
    got = pull("xla", bad, "raise")
    for value, want in zip(got, expected(bad, "nan"), strict=True):
        np.testing.assert_array_equal(value, want)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", ["raise", "nan", "zero", 3])
def test_ids_that_all_exist_are_not_disturbed(policy: Any, mode: str) -> None:
    got = pull(mode, 1, policy)
    for value, want in zip(got, expected(1, 1), strict=True):
        np.testing.assert_array_equal(value, want)


@pytest.mark.parametrize(("dtype", "bad"), [("int8", -1), ("uint8", 255), ("int16", -(2**15)), ("uint32", 2**32 - 1)])
def test_every_integer_type_is_checked_at_its_own_width(dtype: str, bad: int) -> None:
    ids = around(bad).astype(dtype)
    with pytest.raises(IndexError, match=rf"got {bad} at \(1, 0\)"):
        Embedding(VOCAB, DIM, weights=TABLE)(ids)
    rows = Embedding(VOCAB, DIM, weights=TABLE, out_of_range="zero")(ids)
    np.testing.assert_array_equal(rows, expected(bad, "zero")[0])


def test_a_nan_row_does_not_reach_the_table_through_a_nonlinear_loss() -> None:
    layer = Embedding(VOCAB, DIM, weights=TABLE, out_of_range="nan", padding_idx=4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(around(-1)) ** 2)
    assert np.isnan(loss)
    gradient = tf.convert_to_tensor(tape.gradient(loss, layer.trainable_variables)[0]).numpy()
    np.testing.assert_array_equal(gradient, 2 * np.array([2, 0, 1, 0, 0])[:, None] * TABLE)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_fit_trains_the_row_for_unknown_words_and_no_other(jit_compile: bool) -> None:
    ids = keras.Input((2,), dtype="int64")
    model = keras.Model(ids, Embedding(VOCAB, DIM, weights=TABLE, out_of_range=3)(ids))
    model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=jit_compile)
    model.fit(np.array([[-1, 5], [2**40, 7]]), np.zeros((2, 2, DIM)), epochs=5, verbose=0)  # each halves the row
    trained = model.get_weights()[0]
    np.testing.assert_array_equal(np.delete(trained, 3, 0), np.delete(TABLE, 3, 0))
    assert np.abs(trained[3]).max() < 0.1 * TABLE[3].min()


@pytest.mark.parametrize("mode", MODES)
def test_ids_above_two_to_the_24_are_exact(mode: str) -> None:
    vocab = 2**24 + 2  # of which float32 tells only every second one apart
    table = np.zeros((vocab, 1), np.float16)
    table[-4:, 0] = [1, 2, 3, 4]

    def both(table: Any, ids: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(table)
            rows = lookup(table, ids, vocab - 1, out_of_range="zero")
        return rows, tf.convert_to_tensor(tape.gradient(rows, table))[-5:]

    ids = vocab + np.array([-1, -2, -3, -4, 0, -3])
    rows, gradient = run_as(mode, both)(tf.constant(table), tf.constant(ids))
    np.testing.assert_array_equal(rows[:, 0], [4, 3, 2, 1, 0, 2])
    np.testing.assert_array_equal(gradient[:, 0], [0, 1, 2, 1, 0])


def test_a_lookup_takes_numpy_ids() -> None:
    np.testing.assert_array_equal(lookup(tf.constant(TABLE), np.array([3, 1])), TABLE[[3, 1]])


@pytest.mark.parametrize("layer_class", [Embedding, EmbeddingBag])
@pytest.mark.parametrize("value", [-1, VOCAB, True, False, 1.5, None, "clip", "Raise", "3", ["nan"]], ids=repr)
def test_another_policy_is_refused(value: Any, layer_class: Any) -> None:
    with pytest.raises(ValueError, match=r"^`out_of_range` must be 'raise', .* or a row in 0\.\.4; got ") as error:
        layer_class(VOCAB, DIM, out_of_range=value)
    assert f"; got {value!r}. Give the row" in str(error.value)


@pytest.mark.parametrize("value", [0, VOCAB - 1, np.int64(2)])
def test_a_row_is_kept_as_an_int(value: Any) -> None:
    config = Embedding(VOCAB, DIM, out_of_range=value).get_config()
    assert type(config["out_of_range"]) is int
    assert json.loads(json.dumps(config["out_of_range"])) == value


PROGRAM = """
import json, warnings
import keras, numpy as np
from tf_emb.layers import Embedding
table = np.arange(1, 11, dtype=np.float32).reshape(5, 2)
found = {"backend": keras.backend.backend()}

def pull(policy, bad, compiled):
    ids = np.array([[0, 2], [bad, 0], [4, bad]], np.int64 if bad > 2**31 else np.int32)
    weight = np.broadcast_to(2.0 ** np.arange(6).reshape(3, 2, 1), (3, 2, 2)).astype(np.float32)
    layer = Embedding(5, 2, weights=table, out_of_range=policy)
    if keras.backend.backend() == "torch":
        import torch
        rows = layer(ids)
        rows.backward(torch.tensor(weight))
        return rows.detach().tolist(), layer.embeddings.value.grad.tolist()
    import jax
    if not compiled:
        layer(ids)  # raises where it should: under jax.vjp ids are values, but the table is not
    forward = lambda value: layer.stateless_call([value], [], ids)[0]
    if compiled:
        forward = lambda value, ids=ids: jax.jit(lambda v, i: layer.stateless_call([v], [], i)[0])(value, ids)
    rows, back = jax.vjp(forward, layer.embeddings.value)
    return rows.tolist(), back(weight)[0].tolist()

for policy in ("raise", "nan", "zero", 0, 3):
    for bad in (-1, 5, 2**31 - 1, 2**40):
        for compiled in (False, True) if keras.backend.backend() == "jax" else (False,):
            try:
                found[f"{policy} {bad} {compiled}"] = pull(policy, bad, compiled)
            except Exception as error:
                found[f"{policy} {bad} {compiled}"] = [type(error).__name__, str(error)]
print(json.dumps(found))
"""


@functools.cache
def found_on(backend: str) -> dict[str, Any]:
    """Return what every policy does on another backend, from a process of its own."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["backend"] == backend
    return found


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("policy", ["raise", "nan", "zero", 0, 3])
@pytest.mark.parametrize(("backend", "compiled"), [("torch", False), ("jax", False), ("jax", True)])
def test_the_policies_on_another_backend(backend: str, compiled: bool, policy: Any, bad: int) -> None:
    if compiled and bad > 2**31:
        pytest.skip("JAX itself turns int64 arguments of jit into int32, before a layer sees them")
    got = found_on(backend)[f"{policy} {bad} {compiled}"]
    if policy == "raise" and not compiled:
        assert got[0] == "IndexError", got
        assert f"got {bad} at (1, 0)" in got[1]
        return
    for value, want in zip(got, expected(bad, "nan" if policy == "raise" else policy), strict=True):
        np.testing.assert_array_equal(value, want)
