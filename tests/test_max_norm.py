"""max_norm: which rows are shortened, where, when, and what else stays as it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding, EmbeddingBag

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

VOCAB, DIM, LIMIT = 6, 4, 1.5
# Row 3 is shorter than the limit in every norm below, the others are longer.
TABLE = np.random.default_rng(0).normal(size=(VOCAB, DIM)).astype(np.float32) + 3
TABLE[3] = [0.1, -0.2, 0.3, 0.1]
IDS = np.array([[1, 3, 1], [5, 1, 3]])
MODES = ["eager", "graph", "xla"]
# A norm of four terms, a division and a product: a dozen roundings of 2**-24 at most.
CLOSE = 12 * 2.0**-24


def layer(**kwargs: Any) -> Embedding:
    return Embedding(VOCAB, DIM, weights=TABLE, **{"max_norm": LIMIT, **kwargs})


def stored(of: keras.Layer) -> np.ndarray:
    return of.get_weights()[0]


def shortened(ids: np.ndarray, p: float = 2.0) -> np.ndarray:
    """Return the table after a lookup of `ids`, in float64."""
    table = TABLE.astype(np.float64)
    for i in set(ids.ravel().tolist()) & set(range(VOCAB)):
        norm = np.linalg.norm(table[i], p)
        if norm > LIMIT:
            table[i] *= LIMIT / (norm + 1e-7)
    return table


def run_as(mode: str, function: Callable[..., Any]) -> Callable[..., Any]:
    return function if mode == "eager" else tf.function(function, jit_compile=mode == "xla")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_only_rows_that_are_looked_up_and_too_long_are_shortened_in_the_table(p: float, mode: str) -> None:
    short = layer(norm_type=p)
    rows = run_as(mode, short)(tf.constant(IDS)).numpy()
    np.testing.assert_allclose(stored(short), shortened(IDS, p), rtol=CLOSE)
    np.testing.assert_array_equal(rows, stored(short)[IDS])  # the lookup comes after
    untouched = [0, 2, 3, 4]
    np.testing.assert_array_equal(stored(short)[untouched], TABLE[untouched])


@pytest.mark.parametrize("mode", MODES)
def test_no_gradient_flows_through_the_shortening(mode: str) -> None:
    short, upstream = layer(), np.arange(IDS.size * DIM, dtype=np.float32).reshape(*IDS.shape, DIM)

    def pull(ids: Any) -> Any:
        with tf.GradientTape() as tape:
            rows = short(ids)
        return tf.convert_to_tensor(tape.gradient(rows, short.trainable_variables, [upstream])[0])

    expected = np.zeros_like(TABLE)
    np.add.at(expected, IDS, upstream)
    np.testing.assert_array_equal(run_as(mode, pull)(tf.constant(IDS)), expected)


def test_the_padding_row_is_shortened_too() -> None:
    short = layer(padding_idx=1)
    short(IDS)
    np.testing.assert_allclose(stored(short)[1], shortened(IDS)[1], rtol=CLOSE)


def test_a_row_that_is_zero_stays_zero() -> None:
    short = Embedding(VOCAB, DIM, max_norm=LIMIT, padding_idx=0)
    assert not np.any(short(np.zeros((2, 2), np.int32)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bad", [-1, VOCAB, 2**40])
@pytest.mark.parametrize("policy", ["nan", "zero"])
def test_ids_that_name_no_row_shorten_none(policy: str, bad: int, mode: str) -> None:
    short = layer(out_of_range=policy)
    run_as(mode, short)(tf.constant([bad, 1, bad]))
    np.testing.assert_array_equal(np.delete(stored(short), 1, 0), np.delete(TABLE, 1, 0))
    np.testing.assert_allclose(stored(short)[1], shortened(IDS)[1], rtol=CLOSE)


def test_ids_that_are_refused_shorten_no_row_but_those_that_exist() -> None:
    short = layer()
    with pytest.raises(IndexError, match="got -1"):
        short(np.array([2, -1]))
    np.testing.assert_array_equal(np.delete(stored(short), 2, 0), np.delete(TABLE, 2, 0))


def test_ids_that_name_no_row_shorten_the_row_they_stand_for() -> None:
    short = layer(out_of_range=4)
    short(np.array([-1, VOCAB]))
    np.testing.assert_allclose(stored(short), shortened(np.array([4])), rtol=CLOSE)


def test_a_repeated_forward_changes_rounding_only() -> None:
    short = layer()
    short(IDS)
    once = stored(short)
    for _ in range(20):
        short(IDS)
    # The first pass leaves the norm at LIMIT within rounding; a row that was left above it shrinks by that and 1e-7.
    np.testing.assert_allclose(stored(short), once, rtol=20 * CLOSE)
    assert np.linalg.norm(stored(short)[1]) == pytest.approx(LIMIT, rel=1e-6)


@pytest.mark.parametrize("shape", [(0,), (2, 0), ()], ids=str)
def test_no_id_or_one_id(shape: tuple[int, ...]) -> None:
    short = layer()
    assert short(np.ones(shape, np.int32)).shape == (*shape, DIM)
    np.testing.assert_allclose(stored(short), shortened(np.ones(shape, np.int32)), rtol=CLOSE)


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 12 * 2.0**-53), ("mixed_float16", CLOSE)])
def test_the_table_is_shortened_at_its_own_precision(dtype: str, rtol: float) -> None:
    # In float64 the table is the float32 one widened; in mixed precision rows are rounded, the table is not.
    short = layer(dtype=dtype)
    rows = short(IDS)
    np.testing.assert_allclose(stored(short), shortened(IDS), rtol=rtol)
    np.testing.assert_array_equal(rows.numpy(), stored(short)[IDS].astype(rows.numpy().dtype), strict=True)


def model(of: keras.Layer) -> keras.Model:
    ids = keras.Input((3,), dtype="int32")
    return keras.Model(ids, of(ids))


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_fit_shortens_what_its_batches_look_up(jit_compile: bool) -> None:
    fitted = model(layer())
    fitted.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=jit_compile)
    fitted.fit(IDS, np.zeros((*IDS.shape, DIM)), batch_size=1, epochs=2, verbose=0)
    np.testing.assert_allclose(stored(fitted), shortened(IDS), rtol=2 * CLOSE)


def test_fit_holds_rows_at_the_limit_against_a_pull_outwards() -> None:
    fitted = model(layer())
    fitted.compile(keras.optimizers.SGD(5.0), "mse")
    fitted.fit(IDS, np.full((*IDS.shape, DIM), 100.0), epochs=5, verbose=0)
    assert np.linalg.norm(stored(fitted)[1]) > 2 * LIMIT  # the last step, which no lookup has followed
    rows = fitted.predict(IDS, verbose=0)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=-1), LIMIT, rtol=1e-6)
    np.testing.assert_array_equal(stored(fitted)[IDS], rows)


def test_a_frozen_table_is_shortened_as_torch_does() -> None:
    frozen = layer(trainable=False)
    frozen(IDS)
    np.testing.assert_allclose(stored(frozen), shortened(IDS), rtol=CLOSE)


def test_a_saved_model_keeps_the_shortened_rows_and_the_arguments(tmp_path: Path) -> None:
    saved = model(layer(norm_type=float("inf")))
    rows = saved(IDS)
    saved.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(stored(loaded), shortened(IDS, np.inf), rtol=CLOSE)
    np.testing.assert_array_equal(stored(loaded), stored(saved))
    np.testing.assert_allclose(loaded(IDS), rows, rtol=CLOSE)
    assert (loaded.layers[1].max_norm, loaded.layers[1].norm_type) == (LIMIT, float("inf"))


def test_writing_a_model_down_shortens_nothing() -> None:
    short = layer()
    assert model(short).output_shape == (None, 3, DIM)
    np.testing.assert_array_equal(stored(short), TABLE)


def test_a_bag_shortens_before_it_combines() -> None:
    bag = EmbeddingBag(VOCAB, DIM, weights=TABLE, max_norm=LIMIT, combiner="sum")
    np.testing.assert_allclose(bag(IDS), shortened(IDS)[IDS].sum(1), rtol=CLOSE + 3 * 2.0**-24)
    np.testing.assert_allclose(stored(bag), shortened(IDS), rtol=CLOSE)


@pytest.mark.parametrize("layer_class", [Embedding, EmbeddingBag])
@pytest.mark.parametrize("max_norm", [0, -1.0, float("nan"), float("-inf")])
def test_a_limit_that_is_not_positive_is_refused(max_norm: float, layer_class: Any) -> None:
    message = rf"^`max_norm` must be positive; got {max_norm}\. Use None for no limit\.$"
    with pytest.raises(ValueError, match=message):
        layer_class(VOCAB, DIM, max_norm=max_norm)


@pytest.mark.parametrize("norm_type", [0, 0.5, -2.0, float("nan"), float("-inf")])
def test_what_is_no_norm_is_refused(norm_type: float) -> None:
    message = rf"^`norm_type` must be 1 or more; got {norm_type}\. 2 is the Euclidean norm\.$"
    with pytest.raises(ValueError, match=message):
        Embedding(VOCAB, DIM, max_norm=1.0, norm_type=norm_type)
