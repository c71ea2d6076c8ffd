"""int8 and int4 tables: Keras' integers and scales, read with our semantics, without the table of numbers."""

import itertools
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.quantizers import AbsMaxQuantizer, Int4QuantizationConfig, Int8QuantizationConfig

from tf_emb.layers import Embedding, EmbeddingBag, FullSoftmax

# Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")

VOCAB, DIM = 12, 7  # an odd number of columns leaves half a byte over
TABLE = np.random.default_rng(0).normal(size=(VOCAB, DIM)).astype(np.float32)
IDS = np.array([[1, 2, 1], [4, 0, 8], [11, 7, 2]])
CONFIGS: dict[str, Any] = {
    "int8": Int8QuantizationConfig(),
    "int8 within 50": Int8QuantizationConfig(AbsMaxQuantizer(axis=-1, value_range=(-50, 50))),
    "int4": Int4QuantizationConfig(block_size=None),
    "int4 by 3": Int4QuantizationConfig(block_size=3),
}
KINDS = pytest.mark.parametrize("kind", [Embedding, EmbeddingBag])
MODES = pytest.mark.parametrize("mode", ["int8", "int4", "int4 by 3"])
BOTH = pytest.mark.parametrize(
    ("kind", "mode"),
    [
        (Embedding, "int8"),
        (Embedding, "int4"),
        (Embedding, "int4 by 3"),
        (EmbeddingBag, "int8"),
        (EmbeddingBag, "int4 by 3"),
    ],
)


def quantized(mode: str, kind: type = Embedding, dtype: str = "float32", table: Any = TABLE, **kwargs: Any) -> Any:
    layer = kind(*table.shape, weights=table, dtype=dtype, **kwargs)
    layer.quantize(config=CONFIGS[mode])
    return layer


@cache
def whole(mode: str) -> np.ndarray:
    return read(mode, TABLE)


def numbers(mode: str, table: np.ndarray | None = None) -> np.ndarray:
    """The table that Keras' layer reads."""
    return whole(mode) if table is None else read(mode, table)


def read(mode: str, table: np.ndarray) -> np.ndarray:
    return np.array(quantized(mode, keras.layers.Embedding, table=table)(np.arange(len(table))))


def arrays(layer: keras.Layer) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(of)) for of in layer.variables]


@pytest.mark.parametrize(("kind", "mode"), [*itertools.product([Embedding], CONFIGS), (EmbeddingBag, "int4 by 3")])
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16"])
def test_integers_scales_and_zeros_are_those_of_keras(kind: type, mode: str, dtype: str) -> None:
    if dtype.endswith("float16") and not dtype.endswith("bfloat16") and mode.startswith("int8"):
        pytest.skip("Keras refuses int8 where the layer computes at float16")
    ours, theirs = (quantized(mode, of, dtype) for of in (kind, keras.layers.Embedding))
    assert ours.dtype_policy == theirs.dtype_policy
    assert [of.name for of in ours.variables] == [of.name for of in theirs.variables]
    for mine, keras_own in zip(arrays(ours), arrays(theirs), strict=True):
        assert mine.dtype == keras_own.dtype
        np.testing.assert_array_equal(mine, keras_own)
    # In mixed precision Keras rounds the scales before it divides; ours rounds once, the quotient.
    rows = quantized(mode)(IDS) if dtype.startswith("mixed") else theirs(IDS)
    if kind is Embedding:
        np.testing.assert_array_equal(ours(IDS), keras.ops.cast(rows, ours.compute_dtype))


@MODES
def test_a_bag_pools_the_rows_that_an_embedding_reads(mode: str) -> None:
    table = numbers(mode)
    weights = np.random.default_rng(1).uniform(0.1, 1, IDS.shape).astype(np.float32)
    for combiner in ("sum", "mean", "sqrtn", "max"):
        bag = quantized(mode, EmbeddingBag, combiner=combiner, padding_idx=2)
        # The table of numbers, unquantised, in the same layer: the same sums of the same float32 numbers.
        plain = EmbeddingBag(VOCAB, DIM, weights=table, combiner=combiner, padding_idx=2)
        given = None if combiner == "max" else weights
        np.testing.assert_allclose(bag(IDS, given), plain(IDS, given), rtol=1e-6, atol=1e-6)
        offsets = np.array([0, 2, 2, 9])
        np.testing.assert_allclose(bag((IDS.ravel(), offsets)), plain((IDS.ravel(), offsets)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("mode", ["int8", "int4", "int4 by 3"])
def test_a_bag_sums_at_float32_whatever_it_computes_in(mode: str) -> None:
    """3,000 times one row: at bfloat16 a sum stops growing at 256 of them."""
    bag = quantized(mode, EmbeddingBag, "mixed_bfloat16")
    np.testing.assert_allclose(tf.cast(bag(np.ones((1, 3000), int)), "float32")[0], numbers(mode)[1], rtol=2**-8)


@BOTH
@pytest.mark.parametrize("compiled", [None, False, True], ids=["eager", "graph", "xla"])
def test_ids_that_name_no_row(kind: type, mode: str, compiled: bool | None) -> None:
    want = numbers(mode)
    for policy, fill in (("nan", np.nan), ("zero", 0.0), (4, want[4])):
        layer = quantized(mode, kind, out_of_range=policy)
        call = layer if compiled is None else tf.function(layer, jit_compile=compiled)
        rows = np.array(call(tf.constant([[-1], [VOCAB], [2]]))).reshape(3, DIM)
        np.testing.assert_array_equal(rows[2], want[2])
        np.testing.assert_array_equal(rows[:2], np.broadcast_to(fill, (2, DIM)))


@BOTH
def test_an_id_without_a_row_is_refused(kind: type, mode: str) -> None:
    with pytest.raises(IndexError, match=r"`ids` must be in 0\.\.11 .* got -1"):
        quantized(mode, kind)(np.array([[1, -1]]))
    fresh = kind(VOCAB, DIM, dtype=f"{mode[:4]}_from_float32")
    with pytest.raises(IndexError, match=r"`ids` must be in 0\.\.11 .* got 12"):
        fresh(np.array([[1, 12]]))


@MODES
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")  # NaN has no integer
def test_padding_reads_as_stored_and_is_left_out_of_bags(mode: str) -> None:
    table = TABLE.copy()
    table[3] = np.nan
    bag = quantized(mode, EmbeddingBag, table=table, combiner="mean", padding_idx=3, default_id=5)
    want = numbers(mode, table)
    np.testing.assert_allclose(bag(np.array([[1, 3, 2], [3, 3, 3]])), [(want[1] + want[2]) / 2, want[5]], rtol=1e-6)
    np.testing.assert_array_equal(quantized(mode, padding_idx=3)(np.array([3])), numbers(mode)[[3]])
    zero = Embedding(VOCAB, DIM, padding_idx=3)
    zero.build()
    zero.quantize(config=CONFIGS[mode])
    assert not np.any(zero(np.array([3])))


@MODES
def test_weights_of_a_bag_get_their_gradient(mode: str) -> None:
    bag, table = quantized(mode, EmbeddingBag, combiner="sum", padding_idx=2), numbers(mode)
    weights = tf.Variable(np.ones(IDS.shape, np.float32))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(bag(IDS, weights))
    want = table[IDS].sum(-1) * (IDS != 2)
    np.testing.assert_allclose(tape.gradient(total, weights), want, rtol=1e-5, atol=1e-5)
    assert bag.trainable_variables == []


@BOTH
def test_max_norm_shortens_what_is_read(kind: type, mode: str) -> None:
    layer, table = quantized(mode, kind, max_norm=1.5), numbers(mode).astype(np.float64)
    before = arrays(layer)
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    assert 0 < np.sum(norms > 1.5) < VOCAB
    want = np.where(norms > 1.5, table * 1.5 / norms, table)
    np.testing.assert_allclose(layer(np.arange(VOCAB)[:, None]).numpy().reshape(want.shape), want, rtol=1e-5)
    for old, new in zip(before, arrays(layer), strict=True):
        np.testing.assert_array_equal(old, new)


@BOTH
def test_rows_that_did_not_train_read_as_they_did(kind: type, mode: str) -> None:
    """Quantised as one table; `max_norm` still leaves the other rows alone; nothing trains."""
    layer = kind(VOCAB, DIM, weights=TABLE, trainable_rows=[1, 4], max_norm=0.5)
    layer._trained.assign(TABLE[[1, 4]] + 1)
    moved = layer.matrix()
    layer.quantize(config=CONFIGS[mode])
    assert layer.trainable_variables == []
    want = numbers(mode, moved)
    np.testing.assert_array_equal(layer.matrix(), want)
    rows = layer(np.arange(VOCAB)[:, None]).numpy().reshape(want.shape)
    others = np.setdiff1d(np.arange(VOCAB), [1, 4])
    np.testing.assert_array_equal(rows[others], want[others])
    np.testing.assert_allclose(np.linalg.norm(rows[[1, 4]], axis=1), 0.5, rtol=1e-5)


@BOTH
def test_the_table_of_numbers_is_there_on_demand(kind: type, mode: str) -> None:
    layer = quantized(mode, kind)
    assert layer.matrix().dtype == np.float32
    np.testing.assert_array_equal(layer.matrix(), numbers(mode))
    pytest.importorskip("torch")  # to_torch wants it loaded

    np.testing.assert_array_equal(layer.to_torch().weight.detach().numpy(), numbers(mode))


@MODES
def test_a_tied_output_layer_reads_the_numbers(mode: str) -> None:
    layer = quantized(mode)
    hidden = np.random.default_rng(1).normal(size=(5, DIM)).astype(np.float32)
    logits = FullSoftmax(tied_to=layer)(hidden)
    # A dot product of seven at float32.
    np.testing.assert_allclose(logits, hidden @ numbers(mode).T, atol=7 * 2.0**-24 * DIM * 10)


def test_embeddings_are_integers_as_in_keras() -> None:
    for mode in ("int8", "int4 by 3"):
        ours, theirs = quantized(mode), quantized(mode, keras.layers.Embedding)
        np.testing.assert_array_equal(ours.embeddings, theirs.embeddings)


def model_of(kind: type, **kwargs: Any) -> keras.Model:
    layer = kind(VOCAB, DIM, weights=TABLE, name="words", **kwargs)
    return keras.Sequential([keras.Input((3,), dtype="int32"), layer])


def quantise(model: keras.Model, mode: str) -> None:
    with pytest.warns(UserWarning, match="Layer InputLayer") as said:
        model.quantize(config=CONFIGS[mode])
    assert [str(of.message).split()[1] for of in said if of.category is UserWarning] == [
        "InputLayer"
    ]  # the layers that Keras skips


@BOTH
def test_models_quantise_save_load_clone_and_pickle(kind: type, mode: str, tmp_path: Path) -> None:
    model = model_of(kind, padding_idx=2, out_of_range="zero", trainable_rows=[1, 2, 4])
    quantise(model, mode)
    layer = model.layers[0]
    assert layer.quantization_mode == mode[:4]
    ids = np.array([[1, 2, -1], [0, 5, 99]])
    want = np.array(model(ids))
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    other = model_of(kind, padding_idx=2, out_of_range="zero")
    quantise(other, mode)
    other.load_weights(tmp_path / "model.weights.h5")
    cloned = keras.models.clone_model(model)
    cloned.set_weights(model.get_weights())
    copied = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    copied.build()
    copied.set_weights(layer.get_weights())
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for again in (loaded, other, cloned, copied, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again(ids), want)
    assert loaded.layers[0].dtype_policy == layer.dtype_policy
    assert loaded.layers[0].trainable_rows == (1, 2, 4)


@BOTH
def test_an_exported_model_reads_the_same(kind: type, mode: str, tmp_path: Path) -> None:
    model = model_of(kind, padding_idx=2, out_of_range="zero")
    quantise(model, mode)
    model.layers[0].enable_lora(2, b_initializer="ones")
    model.export(tmp_path / "model", verbose=False)
    ids = tf.constant([[1, 2, -1], [0, 5, 99]])
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.serve(ids), model(ids))


@KINDS
def test_a_class_of_ones_own_is_skipped_unless_it_says_so(kind: type) -> None:
    class Own(kind):  # type: ignore[misc, valid-type]
        pass

    layer = Own(VOCAB, DIM, weights=TABLE)
    with pytest.raises(NotImplementedError, match="Layer Own does not have a `quantize` method"):
        layer.quantize("int8")
    layer.quantize("int8", type_check=False)
    np.testing.assert_array_equal(layer.matrix(), numbers("int8"))


def test_modes_that_keras_lacks_here_are_refused_before_anything_changes() -> None:
    layer = Embedding(VOCAB, DIM, weights=TABLE, trainable_rows=[1])
    with pytest.raises(NotImplementedError, match="'int8', 'int4'"):
        layer.quantize("float8")
    assert len(layer.trainable_variables) == 1
    np.testing.assert_array_equal(layer.matrix(), TABLE)


def largest_tensor(function: tf.types.experimental.ConcreteFunction) -> int:
    """Elements of the largest tensor that is computed, or read from a variable; not what is only given."""
    made = itertools.chain.from_iterable(
        of.outputs for of in function.graph.get_operations() if of.type not in ("Placeholder", "Const")
    )
    return max(of.shape.num_elements() or 0 for of in made)


@BOTH
def test_a_lookup_makes_nothing_as_large_as_the_table(kind: type, mode: str) -> None:
    table = np.random.default_rng(0).normal(size=(5000, 16)).astype(np.float32)
    layer = quantized(mode, kind, table=table, padding_idx=0)
    call = tf.function(layer).get_concrete_function(tf.TensorSpec((2, 3), "int32"))
    assert largest_tensor(call) == 2 * 3 * 16


def test_bytes_of_a_table() -> None:
    """A quarter and an eighth of float32, and the scales: 4 bytes a row, or 5 a block."""

    def size(mode: str) -> int:
        layer = Embedding(1000, 256)
        layer.build()
        layer.quantize(config={**CONFIGS, "blocks": Int4QuantizationConfig(block_size=128)}[mode])
        return sum(array.nbytes for array in arrays(layer))

    whole = 1000 * 256 * 4
    assert size("int8") == whole // 4 + 1000 * 4
    assert size("int4") == whole // 8 + 1000 * 4
    assert size("blocks") == whole // 8 + 1000 * 2 * 5 + 256 * 4
