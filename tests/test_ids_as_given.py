"""Ids that are changed on their way to a layer: by Keras, by the Input of a model, by a float placeholder."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding, EmbeddingBag

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::RuntimeWarning")
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's tensors")
VOCAB, DIM = 50, 4
TABLE = np.arange(VOCAB * DIM, dtype=np.float32).reshape(VOCAB, DIM)
FAR = 2**32 + 1  # as int32 it is 1


def layer(**kwargs: Any) -> Embedding:
    return Embedding(VOCAB, DIM, weights=TABLE, **kwargs)


def model(dtype: str, **kwargs: Any) -> keras.Model:
    return keras.Sequential([keras.Input((2,), dtype=dtype), layer(**kwargs)])


def numpy(tensor: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def test_every_test_passes_on_the_other_backends() -> None:
    if BACKEND != "tensorflow":
        return  # this is one of them
    for backend in ("jax", "torch"):
        environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=Path(__file__).parents[1])
        assert done.returncode == 0, f"{backend}: {done.stdout[-3000:]}"


@pytest.mark.parametrize("ids", [np.array([3, FAR]), np.array([3, 2**64 - 1], np.uint64), np.array([3, -FAR])], ids=str)
def test_an_id_that_does_not_fit_names_no_row_under_any_policy(ids: np.ndarray) -> None:
    with pytest.raises(IndexError, match=rf"must be in 0\.\.49 .* got {ids[1]} at \(1,\)\."):
        layer()(ids)
    with pytest.raises(IndexError, match=rf"got {ids[1]} at \(1,\)\."):
        EmbeddingBag(VOCAB, DIM)((ids, np.array([0])))
    np.testing.assert_array_equal(numpy(layer(out_of_range="zero")(ids)), [TABLE[3], np.zeros(DIM)])
    np.testing.assert_array_equal(numpy(layer(out_of_range="nan")(ids)), [TABLE[3], np.full(DIM, np.nan)])
    np.testing.assert_array_equal(numpy(layer(out_of_range=2)(ids)), TABLE[[3, 2]])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_integers_of_every_width_read_their_rows(dtype: str) -> None:
    np.testing.assert_array_equal(numpy(layer()(np.array([3, 49], dtype))), TABLE[[3, 49]])


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float16"])
def test_an_input_of_a_model_does_not_bend_ids_that_lie_outside(dtype: str) -> None:
    with pytest.raises(IndexError, match=rf"got {FAR} at \(0, 1\)"):
        model(dtype)(np.array([[3, FAR]]))
    got = numpy(model(dtype, out_of_range="zero")(np.array([[3, FAR]])))
    np.testing.assert_array_equal(got, [[TABLE[3], np.zeros(DIM)]])


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("use", ["call", "predict", "fit", "evaluate"])
def test_floats_into_an_input_of_integers_are_refused(dtype: str, use: str) -> None:
    made, ids = model(dtype), np.array([[1.9, 1.0]], np.float32)
    made.compile("sgd", "mse")
    targets = () if use in ("call", "predict") else (np.zeros((1, 2, DIM)),)
    # On JAX, Keras wraps what its symbolic build meets.
    with pytest.raises((TypeError, RuntimeError), match="`ids` must be integers; got float32"):
        (made if use == "call" else getattr(made, use))(ids, *targets)


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_each_input_of_a_model_is_seen_for_itself(nested: bool) -> None:
    first, second = (keras.Input((2,), dtype="int32", name=name) for name in ("first", "second"))
    shared = layer()
    made = keras.Model([first, second], [shared(first), shared(second)])
    if nested:
        one, two = keras.Input((2,), dtype="int32", name="first"), keras.Input((2,), dtype="int32", name="second")
        made = keras.Model([one, two], made([one, two]))
    good, bad = np.array([[1, 2]]), np.array([[1, 2.5]])
    np.testing.assert_array_equal(numpy(made([good, good])[1]), TABLE[good])
    for inputs in ([good, bad], {"first": good, "second": bad}, [bad, good]):
        with pytest.raises(TypeError, match="got float64"):
            made(inputs)


def test_a_cast_that_the_model_asks_for_is_its_own_affair() -> None:
    given = keras.Input((2,))
    made = keras.Model(given, layer()(keras.ops.cast(given, "int32")))
    np.testing.assert_array_equal(numpy(made(np.array([[1.9, 2.0]]))), TABLE[[[1, 2]]])


@pytest.mark.parametrize(
    "jit_compile", [False, pytest.param(True, marks=pytest.mark.skipif(BACKEND == "torch", reason="slow"))]
)
def test_a_sequential_model_without_an_input_takes_integers(jit_compile: bool) -> None:
    made = keras.Sequential([layer(), keras.layers.Flatten(), keras.layers.Dense(1)])
    made.compile("sgd", "mse", jit_compile=jit_compile)
    ids = np.arange(30, dtype=np.int32).reshape(10, 3)
    made.fit(ids, np.zeros((10, 1)), verbose=0)
    assert made.predict(ids, verbose=0).shape == (10, 1)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16", "float16"])
def test_a_sequential_model_without_an_input_reads_every_row_of_a_large_table(policy: str, tmp_path: Path) -> None:
    vocab = 2**14 + 3  # float16 holds whole numbers up to 2**11, bfloat16 up to 2**8
    table = np.arange(vocab)[:, None] % 251 + np.zeros((1, 2))
    made = keras.Sequential([Embedding(vocab, 2, weights=table, dtype=policy)])
    made.build((None, 3))
    made.summary(print_fn=lambda *_, **__: None)
    ids = np.array([[257, 2049, vocab - 1], [258, 2050, vocab - 2]])
    want = table[ids].astype(np.float32)
    np.testing.assert_array_equal(numpy(made(ids)).astype(np.float32), want)
    np.testing.assert_array_equal(made.predict(ids, verbose=0).astype(np.float32), want)
    made.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(ids, verbose=0).astype(np.float32), want)


def test_a_table_that_float32_cannot_number_is_read_by_integers() -> None:
    vocab = 2**24 + 2
    made = keras.Sequential([Embedding(vocab, 1, embeddings_initializer="zeros", dtype="float16")])
    made.build((None, 1))
    row = np.zeros((vocab, 1), np.float16)
    row[2**24 + 1] = 1
    made.layers[0].set_weights([row])
    assert made.predict(np.array([[2**24 + 1]]), verbose=0) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_a_float_input_takes_whole_numbers_alone(dtype: str) -> None:
    made = model(dtype)
    whole = np.array([[3.0, 49.0]], dtype)
    np.testing.assert_array_equal(numpy(made(whole)), TABLE[[[3, 49]]])
    np.testing.assert_array_equal(made.predict(whole, verbose=0), TABLE[[[3, 49]]])
    for broken in (1.5, np.nan):
        with pytest.raises(TypeError, match=rf"`ids` must be whole numbers; got {broken} at \(0, 1\)\."):
            made(np.array([[3, broken]], dtype))
    with pytest.raises(IndexError, match=r"got inf at \(0, 1\)"):
        made(np.array([[3, np.inf]], dtype))


def test_a_float_input_that_cannot_hold_the_ids_takes_integers_and_no_floats() -> None:
    made = keras.Sequential([keras.Input((1,), dtype="float16"), Embedding(5000, 1, embeddings_initializer="ones")])
    assert made(np.array([[4999]])) == 1
    with pytest.raises(TypeError, match=r"float16 holds ids up to 2047 of 0\.\.4999\. Use keras\.Input"):
        made(np.array([[3.0]], np.float16))


def test_floats_given_to_a_layer_are_refused_whole_or_not_and_wherever_else_it_is_used() -> None:
    used = layer()
    keras.Sequential([used]).build((None, 2))
    with pytest.raises(TypeError, match="`ids` must be integers; got float32"):
        used(np.array([1.0], np.float32))


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.table = layer()

    def call(self, ids: Any) -> Any:
        return self.table(ids)


def test_a_subclassed_model_is_built_by_a_shape_and_takes_no_floats() -> None:
    made = Subclassed()
    made.build((None, 2))  # Keras builds by a placeholder of float32
    np.testing.assert_array_equal(numpy(made(np.array([[1, 2]]))), TABLE[[[1, 2]]])
    with pytest.raises(TypeError, match="got float32"):
        made(np.array([[1.0, 2.0]], np.float32))


def test_a_float_input_reaches_a_layer_inside_another() -> None:
    made = keras.Sequential([keras.Input((2, 3)), keras.layers.TimeDistributed(layer())])
    ids = np.array([[[1, 2, 3], [4, 5, 6]]])
    np.testing.assert_array_equal(made.predict(ids, verbose=0), TABLE[ids])


@on_tensorflow
def test_an_exported_model_checks_the_floats_it_is_served(tmp_path: Path) -> None:
    made = keras.Sequential([layer()])
    made.build((None, 2))
    made.export(tmp_path, verbose=False)
    loaded = tf.saved_model.load(tmp_path)
    np.testing.assert_array_equal(loaded.serve(tf.constant([[3.0, 49.0]])), TABLE[[[3, 49]]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be whole numbers"):
        loaded.serve(tf.constant([[3.0, 1.5]]))


@on_tensorflow
def test_unsigned_tensors_are_seen_for_what_they_are_in_a_graph() -> None:
    far, used = tf.constant([2**64 - 1], tf.uint64), layer()
    with pytest.raises(IndexError, match=f"got {2**64 - 1} at"):
        used(far)
    with pytest.raises(tf.errors.InvalidArgumentError, match=str(2**64 - 1)):
        tf.function(lambda ids: used(ids))(far)
    with pytest.raises(tf.errors.InvalidArgumentError, match=str(FAR)):
        model("int32").predict(np.array([[3, FAR]]), verbose=0)
