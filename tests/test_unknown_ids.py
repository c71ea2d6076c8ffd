"""Ids that name no row, in programs that XLA compiles: what is said, when, and what reaches a table."""

import warnings
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding, EmbeddingBag, StopAtUnknownIds

VOCAB, DIM = 50, 4
TABLE = np.random.default_rng(0).normal(size=(VOCAB, DIM)).astype(np.float32)
IDS = np.random.default_rng(1).integers(0, VOCAB, (8, 5))
BAD = IDS.copy()
BAD[5, 3] = 77
CANNOT = r"^Layer 'words': out_of_range='raise' cannot raise in a compiled program"
pytestmark = pytest.mark.filterwarnings("ignore:Layer 'words'", "ignore:Layer 'flatten.*mask:UserWarning")


def model(combiner: str | None = None, **kwargs: Any) -> keras.Model:
    ids = keras.Input((5,), dtype="int64")
    if combiner is None:
        words = keras.layers.Flatten()(Embedding(VOCAB, DIM, weights=TABLE, name="words", **kwargs)(ids))
    else:
        words = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner=combiner, name="words", **kwargs)(ids)
    made = keras.Model(ids, keras.layers.Dense(1)(words))
    made.compile("adam", "mse", jit_compile=True)
    return made


def fit(made: keras.Model, ids: np.ndarray, **kwargs: Any) -> None:
    made.fit(ids, np.ones((len(ids), 1)), batch_size=len(ids), shuffle=False, verbose=0, **kwargs)


@pytest.mark.parametrize("options", [{}, {"out_of_range": "nan"}, {"trainable_rows": range(9)}, {"padding_idx": 0}])
@pytest.mark.parametrize("combiner", [None, "sum", "mean", "max", "sqrtn"])
def test_a_bad_id_in_a_compiled_step_puts_no_nan_into_the_table(combiner: str | None, options: dict) -> None:
    made = model(combiner, **options)
    fit(made, BAD)
    assert np.isnan(made.layers[-1].get_weights()[0]).any()  # the layer after it has it: this was the step
    assert not np.isnan(made.get_layer("words").matrix()).any()


@pytest.mark.parametrize("combiner", [None, "mean"])
def test_examples_without_a_bad_id_train_their_rows_as_ever(combiner: str | None) -> None:
    """Row by row: each example has a loss of its own, so the bad one's NaN is its own too."""
    layer = model(combiner, out_of_range="nan").get_layer("words")

    @tf.function(jit_compile=True)
    def gradient(ids: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.reduce_sum(layer(ids), list(range(1, 3 - bool(combiner)))) ** 2)
        return tf.convert_to_tensor(tape.gradient(loss, layer.trainable_variables[0]))

    np.testing.assert_array_equal(gradient(BAD), gradient(np.delete(BAD, 5, 0)))


def test_neither_do_the_weights_of_a_bag() -> None:
    layer, weights = EmbeddingBag(VOCAB, DIM, weights=TABLE, out_of_range="nan"), tf.ones(BAD.shape)

    @tf.function(jit_compile=True)
    def gradient(ids: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = tf.reduce_sum(layer(ids, per_sample_weights=weights)) ** 2
        return tape.gradient(loss, weights)

    assert not np.isnan(gradient(BAD)).any()


@pytest.mark.parametrize("policy", ["raise", "nan"])
def test_a_nan_that_no_bad_id_made_passes_under_nan_alone(policy: str) -> None:
    """Under "raise" it may be of layers that read the row of NaN in an earlier step."""
    layer = Embedding(VOCAB, DIM, weights=TABLE, out_of_range=policy, name="words")

    @tf.function(jit_compile=True)
    def gradient(ids: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(ids)) * float("nan")
        return tf.convert_to_tensor(tape.gradient(loss, layer.trainable_variables[0]))

    assert np.isnan(gradient(IDS)).any() == (policy == "nan")
    assert not np.isnan(gradient(BAD)).any()


def test_one_warning_when_the_first_program_is_compiled_and_none_elsewhere() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for policy in ("nan", "zero", 3):
            tf.function(Embedding(VOCAB, DIM, out_of_range=policy), jit_compile=True)(IDS)
        layer = Embedding(VOCAB, DIM, name="words")
        layer(IDS)
        tf.function(layer)(IDS)
    assert heard == []
    with pytest.warns(UserWarning, match=CANNOT):
        tf.function(layer, jit_compile=True)(IDS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tf.function(layer, jit_compile=True)(IDS[:3])


@pytest.mark.parametrize(("combiner", "place"), [(None, (5, 3)), ("sum", (28,))])
def test_the_first_bad_id_is_named_after_the_step(combiner: str | None, place: tuple[int, ...]) -> None:
    made = model(combiner)
    layer = made.get_layer("words")
    fit(made, IDS)
    assert layer.first_unknown_id() is None
    fit(made, BAD)
    assert layer.first_unknown_id() == (77, place)
    later = BAD.copy()
    later[0, 0] = -1
    fit(made, later)
    assert layer.first_unknown_id() == (77, place)  # the first stays


def test_the_callback_stops_after_the_batch_and_begins_anew() -> None:
    made = model()
    with pytest.raises(IndexError, match=r"in 0\.\.49 .*; layer 'words' got 77 at \(1, 3\)\. It was in batch 1\.$"):
        made.fit(BAD, np.ones((8, 1)), batch_size=4, shuffle=False, verbose=0, callbacks=[StopAtUnknownIds()])
    made.fit(IDS, np.ones((8, 1)), verbose=0, callbacks=[StopAtUnknownIds()])
    with pytest.raises(IndexError, match="got 77 at"):
        made.evaluate(BAD, np.ones((8, 1)), verbose=0, callbacks=[StopAtUnknownIds()])


@pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)
def test_what_the_program_writes_to_is_no_weight(tmp_path: Any) -> None:
    made = model()
    fit(made, BAD)
    layer = made.get_layer("words")
    assert [variable.name for variable in layer.variables] == ["embeddings"]
    made.save(tmp_path / "model.keras")
    assert len(keras.models.load_model(tmp_path / "model.keras").weights) == len(made.weights)
    checkpoint = tf.train.Checkpoint(layer=layer).write(str(tmp_path / "checkpoint"))
    assert not any("unknown" in name for name, _ in tf.train.list_variables(checkpoint))
    made.export(tmp_path / "export", verbose=False)

    served = tf.Module()
    served.layer = layer  # whose compiled program has the variable
    served.call = tf.function(layer, jit_compile=True, input_signature=[tf.TensorSpec([None, 5], tf.int64)])
    tf.saved_model.save(served, str(tmp_path / "served"))
    loaded = tf.saved_model.load(str(tmp_path / "served"))
    np.testing.assert_array_equal(loaded.call(tf.constant(IDS)), layer.matrix()[IDS])


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 3, 4)])
def test_ids_of_every_rank(shape: tuple[int, ...]) -> None:
    layer = Embedding(VOCAB, DIM, name="words")
    ids = np.full(shape, 2)
    tf.function(layer, jit_compile=True)(ids)
    assert layer.first_unknown_id() is None
    if ids.size:
        ids[(-1,) * len(shape)] = VOCAB
        tf.function(layer, jit_compile=True)(ids)
        assert layer.first_unknown_id() == (VOCAB, tuple(size - 1 for size in shape))


def test_xla_compiles_a_step_once_for_all_batches() -> None:
    """A slice that begins where a tensor says is compiled anew for every value of it."""
    layer = Embedding(VOCAB, DIM, weights=TABLE, name="words")
    graph = tf.function(layer, jit_compile=True).get_concrete_function(tf.constant(IDS)).graph
    begins = [op.inputs[1].op.type for op in graph.get_operations() if op.type in ("Slice", "StridedSlice")]
    assert set(begins) == {"Const"}
