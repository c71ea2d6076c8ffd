"""Low-rank sums on a frozen table: what they add, to which rows, and what is written to a file."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.quantizers import Int4QuantizationConfig, Int8QuantizationConfig

from tf_emb.layers import Embedding, EmbeddingBag
from tf_emb.optimizers import LazyAdam

# Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't:DeprecationWarning:keras.src.backend.tensorflow.core"
)

VOCAB, DIM, RANK, ALPHA = 9, 4, 2, 3.0
DRAWN = np.random.default_rng(0)
TABLE = DRAWN.normal(size=(VOCAB, DIM)).astype(np.float32)
A, B = (DRAWN.normal(size=shape).astype(np.float32) for shape in ((VOCAB, RANK), (RANK, DIM)))
WHOLE = TABLE.astype(np.float64) + ALPHA / RANK * A.astype(np.float64) @ B
IDS = np.array([[1, 2, 1], [4, 0, 8], [7, 7, 2]])
# A product of two, a factor and a sum, at float32 and numbers below 10.
CLOSE = 6 * 10 * 2.0**-24
CONFIGS: dict[str, Any] = {
    "float": None,
    "int8": Int8QuantizationConfig(),
    "int4": Int4QuantizationConfig(block_size=None),
    "int4 by 3": Int4QuantizationConfig(block_size=3),
}
KINDS = pytest.mark.parametrize("kind", [Embedding, EmbeddingBag])
MODES = pytest.mark.parametrize("mode", CONFIGS)


def adapted(kind: Any = Embedding, mode: str = "float", filled: bool = True, **kwargs: Any) -> Any:
    layer = kind(VOCAB, DIM, weights=TABLE, **kwargs)
    if CONFIGS[mode] is not None:
        layer.quantize(config=CONFIGS[mode])
    layer.enable_lora(RANK, lora_alpha=ALPHA)
    if filled:
        layer.lora_embeddings_a.assign(A if kwargs.get("trainable_rows") is None else A[kwargs["trainable_rows"]])
        layer.lora_embeddings_b.assign(B)
    return layer


def each(layer: keras.Layer, ids: Any = None) -> np.ndarray:
    """The row of each id; a bag has one of each."""
    ids = np.arange(VOCAB) if ids is None else np.array(ids)
    return np.array(tf.cast(layer(ids[:, None]), "float64")).reshape(len(ids), DIM)


def dense(gradient: Any) -> np.ndarray:
    return tf.convert_to_tensor(gradient).numpy()


@KINDS
def test_a_row_is_the_stored_one_and_a_product(kind: type) -> None:
    layer = adapted(kind)
    np.testing.assert_allclose(each(layer), WHOLE, atol=CLOSE)
    np.testing.assert_allclose(layer.matrix(), WHOLE, atol=CLOSE)
    np.testing.assert_array_equal(layer.embeddings, layer.matrix())
    assert [tuple(of.shape) for of in layer.trainable_variables] == [(VOCAB, RANK), (RANK, DIM)]


@MODES
@KINDS
def test_before_training_rows_read_as_stored(kind: type, mode: str) -> None:
    layer = adapted(kind, mode, filled=False)
    before = kind(VOCAB, DIM, weights=TABLE)
    if CONFIGS[mode] is not None:
        before.quantize(config=CONFIGS[mode])
    np.testing.assert_array_equal(each(layer), each(before))
    np.testing.assert_array_equal(layer.matrix(), before.matrix())


@MODES
@pytest.mark.parametrize(
    "optimizer", [lambda: keras.optimizers.SGD(1.0), lambda: keras.optimizers.AdamW(0.1), LazyAdam]
)
def test_the_padding_row_reads_as_stored_whatever_trains(mode: str, optimizer: Any) -> None:
    layer = adapted(mode=mode, padding_idx=2)
    stored = each(layer, [2])
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer])
    model.compile(optimizer(), "mse")
    model.fit(IDS, np.ones((3, 3, DIM)), epochs=3, verbose=0)
    np.testing.assert_array_equal(each(layer, [2]), stored)
    assert not np.array_equal(each(layer, [1]), each(adapted(mode=mode), [1]))


@pytest.mark.parametrize("jit_compile", [None, False, True], ids=["eager", "graph", "xla"])
def test_gradients_are_summed_by_row_and_padding_gets_none(jit_compile: bool | None) -> None:
    layer = adapted(padding_idx=2, scale_grad_by_freq=True, out_of_range="zero")
    ids = tf.constant([*IDS.ravel(), -1, 99])
    upstream = tf.constant(np.random.default_rng(1).normal(size=(11, DIM)).astype(np.float32))

    def gradients() -> Any:
        with tf.GradientTape() as tape:
            rows = layer(ids)
        return tape.gradient(rows, layer.trainable_variables, upstream)

    run = gradients if jit_compile is None else tf.function(gradients, jit_compile=jit_compile)
    of_a, of_b = map(dense, run())
    live = (ids.numpy() != 2) & (ids.numpy() >= 0) & (ids.numpy() < VOCAB)
    want_a, want_b = np.zeros((VOCAB, RANK)), np.zeros((RANK, DIM))
    for i, g in zip(ids.numpy()[live], upstream.numpy().astype(np.float64)[live], strict=True):
        want_a[i] += ALPHA / RANK * B @ g / np.sum(ids.numpy() == i)
        want_b += ALPHA / RANK * np.outer(A[i], g)
    np.testing.assert_allclose(of_a, want_a, atol=2 * CLOSE)
    np.testing.assert_allclose(of_b, want_b, atol=4 * CLOSE)


def test_the_gradient_of_a_names_each_row_once() -> None:
    layer = adapted()
    with tf.GradientTape() as tape:
        rows = layer(IDS)
    slices = tape.gradient(rows, layer.lora_embeddings_a.value)
    assert isinstance(slices, tf.IndexedSlices)
    assert sorted(slices.indices.numpy()) == sorted(set(IDS.ravel()))


@KINDS
@pytest.mark.parametrize("out_of_range", ["nan", "zero", 3])
def test_ids_that_name_no_row_get_no_sum_but_that_of_their_row(kind: type, out_of_range: Any) -> None:
    layer = adapted(kind, out_of_range=out_of_range, padding_idx=0)
    want = {"nan": np.full(DIM, np.nan), "zero": np.zeros(DIM), 3: WHOLE[3]}[out_of_range]
    np.testing.assert_allclose(each(layer, [-1, VOCAB, 1]), [want, want, WHOLE[1]], atol=CLOSE)


@MODES
def test_max_norm_holds_for_the_sum_and_writes_nothing(mode: str) -> None:
    layer, limit = adapted(mode=mode, max_norm=1.0), 1.0
    stored = np.array(keras.ops.convert_to_numpy(layer._embeddings))
    rows, whole = each(layer), layer.matrix().astype(np.float64)
    norms = np.linalg.norm(whole, axis=1, keepdims=True)
    np.testing.assert_allclose(rows, np.where(norms > limit, whole * limit / (norms + 1e-7), whole), atol=CLOSE)
    np.testing.assert_array_equal(layer._embeddings, stored)
    with tf.GradientTape() as tape:  # the gradient of the identity, as where the table itself is shortened
        out = tf.reduce_sum(layer(np.array([1])))
    np.testing.assert_allclose(dense(tape.gradient(out, layer.lora_embeddings_a.value))[1], 1.5 * B.sum(1), rtol=1e-5)


@MODES
@KINDS
def test_only_trainable_rows_are_adapted(kind: type, mode: str) -> None:
    rows = [1, 4, 7]
    layer = adapted(kind, mode, trainable_rows=rows)
    stored = each(adapted(kind, mode, filled=False))
    assert [tuple(of.shape) for of in layer.trainable_variables] == [(3, RANK), (RANK, DIM)]
    want = stored.copy()
    want[rows] += (WHOLE - TABLE)[rows]
    np.testing.assert_allclose(each(layer), want, atol=CLOSE)
    others = np.setdiff1d(np.arange(VOCAB), rows)
    np.testing.assert_array_equal(each(layer)[others], stored[others])
    np.testing.assert_array_equal(layer.matrix()[others], stored[others])


def test_trained_rows_are_kept_when_sums_take_over() -> None:
    layer = Embedding(VOCAB, DIM, weights=TABLE, trainable_rows=[1, 4])
    layer._trained.assign(TABLE[[1, 4]] + 1)
    moved = layer.matrix()
    layer.enable_lora(RANK)
    np.testing.assert_array_equal(layer.matrix(), moved)
    assert [of.name for of in layer.trainable_variables] == ["lora_embeddings_a", "lora_embeddings_b"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("combiner", ["sum", "mean"])
def test_bags_pool_at_float32(dtype: str, combiner: Any) -> None:
    """3,000 times one row: at float16 a sum of ones stops growing at 2,048."""
    bag = adapted(EmbeddingBag, dtype=dtype, combiner=combiner)
    bag.lora_embeddings_b.assign(np.zeros_like(B))
    row = np.array(tf.cast(keras.ops.convert_to_tensor(bag._embeddings), "float64"))[1]
    want = row * (3000 if combiner == "sum" else 1)
    got = np.array(tf.cast(bag(np.ones((1, 3000), int)), "float64"))[0]
    np.testing.assert_allclose(got, want, rtol=2**-8 if dtype.endswith("bfloat16") else 2**-10)


@MODES
@KINDS
@pytest.mark.parametrize("rows", [None, [1, 2, 4]])
def test_files_hold_the_sum_and_rows_that_keep_theirs(kind: type, mode: str, rows: Any, tmp_path: Path) -> None:
    layer = adapted(kind, mode, padding_idx=2, trainable_rows=rows, name="words")
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer])
    want = layer.matrix()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[0]
    assert loaded.lora_enabled
    assert (loaded.lora_rank, loaded.lora_alpha) == (RANK, ALPHA)
    # Quantised anew, a number moves by half a step at most; half a step of the other zero point more.
    steps = {"float": 0, "int8": 0.5 / 127, "int4": 0.5 / 7, "int4 by 3": 1.5 / 15}[mode]
    span = 2 * np.abs(want).max(1, keepdims=True)
    assert np.all(np.abs(loaded.matrix() - want) <= steps * span)
    kept = [2] if rows is None else np.setdiff1d(np.arange(VOCAB), [1, 4])
    np.testing.assert_array_equal(loaded.matrix()[kept], want[kept])
    model.save_weights(tmp_path / "model.weights.h5")
    plain = keras.Sequential([keras.Input((3,), dtype="int32"), kind(VOCAB, DIM, name="words", weights=TABLE)])
    if CONFIGS[mode] is not None:
        plain.layers[0].quantize(config=CONFIGS[mode])
    plain.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(plain.layers[0].matrix(), loaded.matrix())
    model.load_weights(tmp_path / "model.weights.h5")  # into the layer itself: the sum moves into the table
    np.testing.assert_array_equal(layer.matrix(), loaded.matrix())


@pytest.mark.parametrize("mode", ["int8", "int4", "int4 by 3"])
def test_what_is_written_is_what_keras_writes(mode: str) -> None:
    stores: list[dict[str, Any]] = [{}, {}]
    for kind, store in zip((Embedding, keras.layers.Embedding), stores, strict=True):
        adapted(kind, mode).save_own_variables(store)
    ours, theirs = ({name: keras.ops.convert_to_numpy(value) for name, value in store.items()} for store in stores)
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name])


@pytest.mark.parametrize("mode", ["int8", "int4", "int4 by 3"])
def test_a_table_may_be_quantised_after_sums_are_enabled(mode: str) -> None:
    ours, theirs = (adapted(kind) for kind in (Embedding, keras.layers.Embedding))
    for layer in (ours, theirs):
        layer.quantize(config=CONFIGS[mode])
    np.testing.assert_allclose(ours(IDS), theirs(IDS), atol=CLOSE)


def test_half_a_table_is_merged_at_its_own_dtype() -> None:
    """Keras writes the sum at the compute dtype, so that mixed precision loses 13 bits of every row."""
    layer, store = adapted(dtype="mixed_float16", padding_idx=2), {}
    layer.save_own_variables(store)
    got = np.array(store["0"])
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got[2], TABLE[2])
    np.testing.assert_allclose(np.delete(got, 2, 0), np.delete(WHOLE, 2, 0), atol=CLOSE)


def test_an_alpha_given_at_construction_is_kept() -> None:
    """Keras 3.15 drops it: `build` enables the sums with the rank alone."""
    layer = Embedding(VOCAB, DIM, lora_rank=2, lora_alpha=5)
    layer.build()
    assert layer.lora_alpha == 5
    again = Embedding.from_config(layer.get_config())
    again.build()
    assert again.lora_alpha == 5


def test_ranks_that_make_no_sum_are_refused() -> None:
    layer = Embedding(VOCAB, DIM)
    layer.build()
    with pytest.raises(ValueError, match=r"^`rank` must be 1 or more; got 0\."):
        layer.enable_lora(0)
    assert len(layer.trainable_variables) == 1


def test_a_lookup_makes_no_table() -> None:
    layer = Embedding(5000, 16)
    layer.build()
    layer.enable_lora(4)
    graph = tf.function(layer).get_concrete_function(tf.TensorSpec((2, 3), "int32")).graph
    made = [of for op in graph.get_operations() if op.type not in ("Placeholder", "Const") for of in op.outputs]
    assert max(of.shape.num_elements() or 0 for of in made) == 2 * 3 * 16
