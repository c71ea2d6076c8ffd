"""EmbeddingBag inside models: functional, compiled, saved, mixed precision, trained."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import EmbeddingBag

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

VOCAB, DIM = 7, 3
TABLE = np.random.default_rng(0).integers(-80, 80, (VOCAB, DIM)).astype(np.float32) / 8
COMBINERS = ["sum", "mean", "max", "sqrtn"]
IDS = np.array([[1, 2, 1], [5, 5, 5], [6, 5, 0]])
PADDING = 5


def bag(**kwargs: Any) -> EmbeddingBag:
    return EmbeddingBag(VOCAB, DIM, weights=TABLE, **{"padding_idx": PADDING, **kwargs})


def model(layer: EmbeddingBag, **kwargs: Any) -> keras.Model:
    ids = keras.Input((None,), dtype="int64", **kwargs)
    return keras.Model(ids, layer(ids))


def test_config_round_trip_through_json() -> None:
    original = bag(combiner="sqrtn", include_last_offset=True, default_id=2, max_norm=3.0, out_of_range=1, name="words")
    copy = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(original))))
    assert type(copy) is EmbeddingBag
    assert copy.get_config() == original.get_config()
    assert (copy.combiner, copy.include_last_offset, copy.default_id) == ("sqrtn", True, 2)
    assert (copy.padding_idx, copy.max_norm, copy.out_of_range) == (PADDING, 3.0, 1)


@pytest.mark.parametrize("combiner", COMBINERS)
def test_a_saved_model_comes_back_the_same(combiner: str, tmp_path: Path) -> None:
    saved = model(bag(combiner=combiner, default_id=4))
    saved.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[1]) is EmbeddingBag
    np.testing.assert_array_equal(loaded.get_weights()[0], TABLE, strict=True)
    np.testing.assert_array_equal(loaded(IDS).numpy(), saved(IDS).numpy())
    np.testing.assert_array_equal(loaded(IDS)[1], TABLE[4])


@pytest.mark.parametrize("combiner", ["mean", "max"])
def test_a_functional_model_takes_any_batch_and_time(combiner: str) -> None:
    functional = model(bag(combiner=combiner))
    assert functional.output_shape == (None, DIM)
    for ids in (IDS, IDS[:1], IDS[:, :2]):
        np.testing.assert_array_equal(functional(ids), bag(combiner=combiner)(ids))
    np.testing.assert_array_equal(functional.predict(IDS, batch_size=2, verbose=0), bag(combiner=combiner)(IDS))


def test_the_shape_it_announces_is_the_shape_it_returns() -> None:
    assert tuple(bag().compute_output_shape((4, 3))) == (4, DIM)


@pytest.mark.parametrize("form", ["ragged", "sparse"])
def test_a_model_takes_ragged_and_sparse_batches(form: str) -> None:
    ids = tf.ragged.constant([[1, 2, 1], [], [6, 0]], dtype=tf.int64)
    if form == "sparse":
        ids = tf.SparseTensor([[0, 0], [0, 1], [0, 4], [2, 2], [2, 3]], ids.values, (3, 5))
    np.testing.assert_array_equal(model(bag(), **{form: True})(ids), bag()(IDS))


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_a_model_needs_ids_that_are_integers_whatever_the_offsets_are(dtype: str) -> None:
    spec = keras.KerasTensor((None,), dtype=dtype), keras.KerasTensor((None,), dtype="int32")
    if dtype == "bool":
        with pytest.raises(TypeError, match="integers"):
            bag().compute_output_spec(spec)
        assert bag().compute_output_spec(spec[::-1]).shape == (None, DIM)
    else:
        assert bag().compute_output_spec(spec).shape == (None, DIM)
        assert bag().compute_output_spec(keras.KerasTensor((4, 3), dtype=dtype)).shape == (4, DIM)


def test_a_model_of_ids_and_offsets() -> None:
    ids, offsets = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")
    pair = keras.Model([ids, offsets], bag()((ids, offsets)))
    assert pair.output_shape == (None, DIM)
    np.testing.assert_array_equal(pair([IDS.ravel(), np.array([0, 3, 6])]), bag()(IDS))


def test_a_model_with_weights_as_a_second_input() -> None:
    ids, weights = keras.Input((3,), dtype="int32"), keras.Input((3,))
    weighted = keras.Model([ids, weights], bag(combiner="sum")(ids, per_sample_weights=weights))
    given = np.array([[1, 2, 4], [8, 8, 8], [2, 9, 4]], np.float32)
    out = weighted.predict([IDS, given], verbose=0)
    np.testing.assert_array_equal(out, [5 * TABLE[1] + 2 * TABLE[2], np.zeros(DIM), 2 * TABLE[6] + 4 * TABLE[0]])


@pytest.mark.parametrize("combiner", COMBINERS)
def test_a_tf_function_of_unknown_shape(combiner: str) -> None:
    layer = bag(combiner=combiner, default_id=4)
    traced = tf.function(layer, input_signature=[tf.TensorSpec((None, None), tf.int32)])
    for ids in (IDS, IDS[:2, :1], np.zeros((0, 3)), np.zeros((2, 0)), np.zeros((0, 0))):
        np.testing.assert_array_equal(traced(tf.constant(ids, tf.int32)), layer(ids.astype(np.int32)))


@pytest.mark.parametrize("combiner", COMBINERS)
def test_a_tf_function_of_offsets_and_ragged_of_unknown_length(combiner: str) -> None:
    layer, flat = bag(combiner=combiner), tf.TensorSpec((None,), tf.int64)
    pair = tf.function(lambda ids, offsets: layer((ids, offsets)), input_signature=[flat, flat])
    ragged = tf.function(layer, input_signature=[tf.RaggedTensorSpec((None, None), tf.int64)])
    for ids, starts in (IDS.ravel(), np.array([0, 3, 6])), (np.arange(4), np.array([0, 0, 4])):
        want = layer((ids, starts))
        np.testing.assert_array_equal(pair(tf.constant(ids), tf.constant(starts)), want)
        np.testing.assert_array_equal(ragged(tf.RaggedTensor.from_row_starts(ids, starts)), want)


@pytest.mark.parametrize("combiner", COMBINERS)
def test_xla_compiles_a_dense_batch_and_its_gradient(combiner: str) -> None:
    layer = bag(combiner=combiner, default_id=4)

    def pull(ids: Any) -> Any:
        with tf.GradientTape() as tape:
            out = layer(ids)
        return out, tf.convert_to_tensor(tape.gradient(out, layer.trainable_variables)[0])

    for got, want in zip(tf.function(pull, jit_compile=True)(tf.constant(IDS)), pull(IDS), strict=True):
        np.testing.assert_allclose(got, want, rtol=2.0**-22)


@pytest.mark.parametrize("combiner", ["mean", "max"])
def test_under_xla_an_id_that_names_no_row_is_nan_in_its_bag_only(combiner: str) -> None:
    out = tf.function(bag(combiner=combiner), jit_compile=True)(tf.constant([[1, VOCAB], [1, 2]])).numpy()
    assert np.all(np.isnan(out[0]))
    np.testing.assert_array_equal(out[1], bag(combiner=combiner)(np.array([[1, 2]]))[0])


@pytest.mark.parametrize("combiner", COMBINERS)
def test_mixed_precision_returns_halves_of_a_whole_table(combiner: str) -> None:
    layer = bag(combiner=combiner, dtype="mixed_float16")
    out = layer(IDS)
    assert out.dtype == tf.float16
    assert layer.get_weights()[0].dtype == np.float32
    # Eighths below 2048 / 8 are exact in float16; a quotient and a root round to 2**-11 each.
    np.testing.assert_allclose(out, bag(combiner=combiner)(IDS), rtol=3 * 2.0**-11)


@pytest.mark.parametrize(("combiner", "places"), [("sum", 3001), ("mean", 5000), ("sqrtn", 5000), ("mean", 70000)])
def test_mixed_precision_does_not_stop_counting_in_a_long_bag(combiner: str, places: int) -> None:
    # 2048 + 1 is 2048 in float16, and 65520 is infinite: sums, norms and counts of many places need float32.
    layer = EmbeddingBag(2, 1, weights=np.full((2, 1), 1.25, np.float32), combiner=combiner, dtype="mixed_float16")
    want = 1.25 * {"sum": places, "mean": 1, "sqrtn": np.sqrt(places)}[combiner]
    np.testing.assert_allclose(layer(np.zeros((1, places), np.int32)), [[want]], rtol=2.0**-10)


def test_mask_zero_does_not_mask_bags_by_the_zeros_of_their_ids() -> None:
    ids = keras.Input((3,), dtype="int32")
    masked = keras.Model(ids, bag(mask_zero=True, padding_idx=0)(ids))
    masked.compile("sgd", "mse")  # whose loss would take a mask of (batch, time) for one of (batch,)
    assert np.isfinite(masked.fit(IDS[:2], np.zeros((2, DIM)), verbose=0).history["loss"][0])


def documents() -> tuple[np.ndarray, np.ndarray]:
    """Return documents of 8 words out of 50, padded by 0, and whether most of their words are below 25."""
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 64)
    ids = rng.integers(1, 25, (64, 8)) + 25 * (rng.random((64, 8)) < 0.1 + 0.8 * label[:, None])
    ids[rng.random((64, 8)) < 0.2] = 0
    return ids, label.astype(np.float32)[:, None]


@pytest.mark.parametrize(("combiner", "jit_compile"), [("mean", True), ("max", False)])
def test_fit_of_a_text_classifier_lowers_the_loss(combiner: str, jit_compile: bool) -> None:
    keras.utils.set_random_seed(0)
    ids = keras.Input((8,), dtype="int32")
    vectors = EmbeddingBag(50, 8, combiner=combiner, padding_idx=0)(ids)
    classifier = keras.Model(ids, keras.layers.Dense(1, "sigmoid")(vectors))
    classifier.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", jit_compile=jit_compile)
    losses = classifier.fit(*documents(), epochs=8, batch_size=32, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]
    assert not np.any(classifier.get_weights()[0][0])  # padding
