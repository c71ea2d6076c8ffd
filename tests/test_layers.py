"""The Embedding layer: what it returns, refuses, hands to the optimizer, and keeps in a file."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding, lookup

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

VOCAB, DIM = 7, 3
IDS = np.array([[1, 2, 1], [6, 0, 1]])
SHAPES = [(), (1,), (5,), (0,), (3, 0), (4, 2), (2, 3, 2)]


def table(vocab: int = VOCAB) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(vocab, DIM)).astype(np.float32)


def layer(**kwargs: Any) -> Embedding:
    return Embedding(VOCAB, DIM, weights=table(), **kwargs)


def ids_of(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, VOCAB, shape)


def upstream(shape: tuple[int, ...]) -> np.ndarray:
    """Return integers, so that their sums are exact in float32, in any order."""
    return np.random.default_rng(2).integers(1, 50, (*shape, DIM)).astype(np.float32)


def gradient(of: Any, ids: np.ndarray) -> tf.IndexedSlices:
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(of(ids) * upstream(ids.shape))
    return tape.gradient(loss, of.trainable_variables)[0]


def scatter_add(ids: np.ndarray, padding_idx: int | None = None) -> np.ndarray:
    expected = np.zeros((VOCAB, DIM), np.float32)
    np.add.at(expected, ids, upstream(ids.shape))
    if padding_idx is not None:
        expected[padding_idx] = 0
    return expected


def test_it_is_a_keras_embedding_with_its_defaults() -> None:
    ours, stock = Embedding(VOCAB, DIM, name="a"), keras.layers.Embedding(VOCAB, DIM, name="a")
    assert isinstance(ours, keras.layers.Embedding)
    own = {
        "padding_idx": None,
        "max_norm": None,
        "norm_type": 2.0,
        "scale_grad_by_freq": False,
        "sparse": True,
        "trainable_rows": None,
        "out_of_range": "raise",
    }
    assert ours.get_config() == {**stock.get_config(), **own}
    assert Embedding(VOCAB, DIM, "ones")(IDS).numpy().min() == 1.0  # the third argument is the initializer, as there


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward_is_the_rows_to_the_bit(shape: tuple[int, ...]) -> None:
    result = layer()(ids_of(shape))
    np.testing.assert_array_equal(result.numpy(), table()[ids_of(shape)], strict=True)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("padding_idx", [None, 1])
def test_gradient_is_the_sum_over_places(shape: tuple[int, ...], padding_idx: int | None) -> None:
    grad = gradient(layer(padding_idx=padding_idx), ids_of(shape))
    np.testing.assert_array_equal(tf.convert_to_tensor(grad).numpy(), scatter_add(ids_of(shape), padding_idx))


def test_gradient_names_every_distinct_id_once() -> None:
    grad = gradient(layer(), IDS)
    assert isinstance(grad, tf.IndexedSlices)
    assert sorted(grad.indices.numpy().tolist()) == [0, 1, 2, 6]


def test_a_table_of_one_row() -> None:
    one = Embedding(1, DIM, weights=table(1), padding_idx=None)
    ids = np.zeros((2, 4), np.int32)
    np.testing.assert_array_equal(one(ids).numpy(), np.broadcast_to(table(1)[0], (2, 4, DIM)))
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient(one, ids))[0], upstream((2, 4)).sum((0, 1)))


def test_a_lookup_is_a_function_of_any_tensor() -> None:
    rows = tf.constant(table())
    with tf.GradientTape() as tape:
        tape.watch(rows)
        result = lookup(rows, tf.constant(IDS), 1)
        loss = tf.reduce_sum(result * upstream(IDS.shape))
    np.testing.assert_array_equal(result.numpy(), table()[IDS])
    np.testing.assert_array_equal(tf.convert_to_tensor(tape.gradient(loss, rows)).numpy(), scatter_add(IDS, 1))


@pytest.mark.parametrize(("padding_idx", "row"), [(0, 0), (2, 2), (VOCAB - 1, VOCAB - 1), (-1, VOCAB - 1), (-VOCAB, 0)])
def test_the_padding_row_is_zero_at_the_start_and_only_that(padding_idx: int, row: int) -> None:
    padded = Embedding(VOCAB, DIM, padding_idx=padding_idx, embeddings_initializer="ones")
    padded.build()
    expected = np.ones((VOCAB, DIM))
    expected[row] = 0
    np.testing.assert_array_equal(padded.get_weights()[0], expected)
    assert padded.padding_idx == row
    assert not np.any(tf.convert_to_tensor(gradient(padded, np.full((2, 2), row))))


def test_without_padding_no_row_is_zeroed() -> None:
    plain = Embedding(VOCAB, DIM, embeddings_initializer="ones")
    plain.build()
    np.testing.assert_array_equal(plain.get_weights()[0], np.ones((VOCAB, DIM)))


def test_the_padding_row_is_returned_as_it_is_stored() -> None:
    padded = layer(padding_idx=1)
    padded.set_weights([table() + 1])
    np.testing.assert_array_equal(padded(IDS).numpy(), (table() + 1)[IDS])


@pytest.mark.parametrize("padding_idx", [VOCAB, -VOCAB - 1, 100, 1.5])
def test_a_padding_idx_that_is_no_row_is_refused(padding_idx: float) -> None:
    message = rf"^`padding_idx` must be in -7\.\.6; got {padding_idx}\. Give a row of the table, or None for no padding"
    with pytest.raises(ValueError, match=message):
        Embedding(VOCAB, DIM, padding_idx=padding_idx)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_every_integer_type_is_an_id(dtype: str) -> None:
    np.testing.assert_array_equal(layer(padding_idx=1)(IDS.astype(dtype)).numpy(), table()[IDS])


def test_ids_of_one_byte_reach_the_end_of_a_table_of_256_rows() -> None:
    wide = Embedding(256, DIM, weights=table(256), padding_idx=255)
    np.testing.assert_array_equal(wide(np.array([255, 128], np.uint8)).numpy(), table(256)[[255, 128]])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bool"])
def test_ids_that_are_not_integers_are_refused(dtype: str) -> None:
    with pytest.raises(TypeError, match=rf"`ids` must be integers; got {dtype}\. Cast them, or use keras\.Input\(.*"):
        layer()(IDS.astype(dtype))


def test_a_symbolic_input_of_bools_is_refused_when_the_model_is_written() -> None:
    with pytest.raises(TypeError, match=r"`ids` must be integers; got bool\. Cast them, or use keras\.Input\(.*"):
        layer()(keras.Input((3,), dtype="bool"))


def test_config_round_trip_through_json() -> None:
    regularizer = keras.regularizers.L2(0.5)
    original = Embedding(
        VOCAB, DIM, "ones", regularizer, padding_idx=-2, mask_zero=True, name="words", dtype="mixed_bfloat16"
    )
    text = json.dumps(keras.saving.serialize_keras_object(original))
    copy = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(copy) is Embedding
    assert copy.get_config() == original.get_config()
    assert copy.padding_idx == VOCAB - 2
    assert copy.mask_zero
    assert copy.compute_dtype == "bfloat16"
    copy.build()
    assert copy.get_weights()[0].sum() == (VOCAB - 1) * DIM


def classifier(embedding: keras.Layer) -> keras.Model:
    """Return a functional model with two free axes, batch and time."""
    ids = keras.Input((None,), dtype="int32")
    return keras.Model(ids, keras.layers.GlobalAveragePooling1D()(embedding(ids)))


def test_a_saved_model_comes_back_the_same(tmp_path: Path) -> None:
    model = classifier(layer(padding_idx=1))  # whose stored padding row is not zero
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.get_weights()[0], table(), strict=True)
    np.testing.assert_array_equal(loaded(IDS).numpy(), model(IDS).numpy())
    embedding = loaded.layers[1]
    assert type(embedding) is Embedding
    assert embedding.padding_idx == 1


def test_zeros_are_masked_when_asked() -> None:
    ids = np.array([[1, 0, 0], [4, 0, 2]])
    masked = classifier(layer(mask_zero=True))(ids)
    np.testing.assert_allclose(masked, [table()[1], table()[[4, 2]].mean(0)], rtol=1e-6)
    np.testing.assert_allclose(classifier(layer())(ids), table()[ids].mean(1), rtol=1e-6)
    np.testing.assert_array_equal(layer(mask_zero=True).compute_mask(ids), ids != 0)
    assert layer().compute_mask(ids) is None


def test_a_functional_model_takes_any_batch_and_time() -> None:
    embedding = layer()
    ids = keras.Input((None,), dtype="int64")
    model = keras.Model(ids, embedding(ids))
    assert model.output_shape == (None, None, DIM)
    for shape in [(1, 4), (5, 1), (2, 6)]:
        np.testing.assert_array_equal(model.predict(ids_of(shape), verbose=0), table()[ids_of(shape)])


def test_a_sequential_model_with_integer_input() -> None:
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer(), keras.layers.Flatten()])
    assert model.output_shape == (None, 3 * DIM)
    np.testing.assert_array_equal(model.predict(IDS, verbose=0), table()[IDS].reshape(2, -1))


def test_a_subclassed_model() -> None:
    class Pair(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = layer(), layer(padding_idx=0)

        def call(self, ids: Any) -> Any:
            return keras.ops.sum(self.left(ids[:, 0]) * self.right(ids[:, 1]), -1)

    left, right = IDS[:, 0], IDS[:, 1]
    np.testing.assert_allclose(Pair()(IDS), (table()[left] * table()[right]).sum(-1), rtol=1e-6)


@pytest.mark.parametrize(("policy", "dtype"), [("mixed_float16", tf.float16), ("mixed_bfloat16", tf.bfloat16)])
def test_mixed_precision_rounds_the_rows_and_not_the_table(policy: str, dtype: tf.DType) -> None:
    mixed = layer(dtype=policy, padding_idx=1)
    result = mixed(IDS)
    assert result.dtype == dtype
    np.testing.assert_array_equal(mixed.get_weights()[0], table(), strict=True)
    np.testing.assert_array_equal(result.numpy(), tf.cast(table()[IDS], dtype).numpy())


def test_float64_tables() -> None:
    result = Embedding(VOCAB, DIM, weights=table().astype(np.float64) / 3, dtype="float64")(IDS)
    np.testing.assert_array_equal(result.numpy(), (table().astype(np.float64) / 3)[IDS], strict=True)
