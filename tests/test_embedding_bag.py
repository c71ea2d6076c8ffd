"""EmbeddingBag: five forms of input, four combiners, weights, empty bags, and what it refuses."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import EmbeddingBag

VOCAB, DIM = 7, 3
# Eighths: sums and products of a few are exact in float32, so every form must give the same bits.
TABLE = np.random.default_rng(0).integers(-80, 80, (VOCAB, DIM)).astype(np.float32) / 8
COMBINERS = ["sum", "mean", "max", "sqrtn"]
LINEAR = ["sum", "mean", "sqrtn"]
BAGS = [[1, 2, 1], [], [6], [4, 0, 2, 3]]
WEIGHTS = [[0.5, 2.0, 1.0], [], [4.0], [1.0, 0.25, 2.0, 0.5]]
FORMS = ["ragged", "sparse", "offsets", "csr", "dense"]
PADDING = 5


def bag(**kwargs: Any) -> EmbeddingBag:
    return EmbeddingBag(VOCAB, DIM, weights=TABLE, **kwargs)


def formed(form: str, values: list[list[Any]], fill: Any = PADDING) -> tuple[Any, Any, dict[str, Any]]:
    """Return `values` as the layer takes ids, as it takes weights, and the layer's arguments for that."""
    dtype = np.int64 if fill == PADDING else np.float32
    flat = np.array([value for row in values for value in row], dtype)
    starts = np.cumsum([0, *map(len, values)])
    if form == "offsets":
        return (flat, starts[:-1]), flat, {}
    if form == "csr":
        return (flat, starts), flat, {"include_last_offset": True}
    if form == "dense":
        width = max(map(len, values))
        dense = np.array([row + [fill] * (width - len(row)) for row in values], dtype)
        return dense, dense, {"padding_idx": PADDING}
    ragged = tf.RaggedTensor.from_row_splits(flat, starts)
    if form == "ragged":
        return ragged, ragged, {}
    places = [(b, 2 * t) for b, row in enumerate(values) for t in range(len(row))]  # with holes
    sparse = tf.SparseTensor(places, flat, (len(values), 2 * max(map(len, values))))
    return sparse, sparse, {}


def expected(combiner: str, weights: list[list[float]] | None = None) -> np.ndarray:
    rows = np.zeros((len(BAGS), DIM))
    for b, ids in enumerate(BAGS):
        if not ids:
            continue
        w = np.array(weights[b] if weights else [1.0] * len(ids))[:, None]
        norm = {"sum": 1, "max": 1, "mean": w.sum(), "sqrtn": np.sqrt((w**2).sum())}[combiner]
        rows[b] = TABLE[ids].max(0) if combiner == "max" else (w * TABLE[ids]).sum(0) / norm
    return rows


def pull(layer: EmbeddingBag, *args: Any, upstream: Any = 1.0) -> tuple[np.ndarray, np.ndarray]:
    with tf.GradientTape() as tape:
        out = layer(*args)
        loss = tf.reduce_sum(out * upstream)
    return out.numpy(), tf.convert_to_tensor(tape.gradient(loss, layer.trainable_variables)[0]).numpy()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("combiner", COMBINERS)
def test_every_form_gives_the_same_numbers(combiner: str, form: str) -> None:
    upstream = 2.0 ** np.arange(len(BAGS) * DIM, dtype=np.float32).reshape(-1, DIM)
    ids, _, kwargs = formed(form, BAGS)
    first, _, plain = formed("offsets", BAGS)
    out, gradient = pull(bag(combiner=combiner, **kwargs), ids, upstream=upstream)
    same, same_gradient = pull(bag(combiner=combiner, **plain), first, upstream=upstream)
    # A quotient and a root, of exact sums.
    np.testing.assert_allclose(out, expected(combiner), rtol=3 * 2.0**-24, atol=0)
    np.testing.assert_array_equal(out, same)
    np.testing.assert_allclose(gradient, same_gradient, rtol=8 * 2.0**-24)  # of a row that is hit up to three times
    assert not np.any(gradient[PADDING])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("combiner", LINEAR)
def test_weights_come_in_the_form_of_the_ids(combiner: str, form: str) -> None:
    ids, _, kwargs = formed(form, BAGS)
    weights = formed(form, WEIGHTS, fill=9.0)[1]  # the weight of padding counts for nothing
    out = bag(combiner=combiner, **kwargs)(ids, per_sample_weights=weights)
    np.testing.assert_allclose(out, expected(combiner, WEIGHTS), rtol=4 * 2.0**-24)


def test_weights_get_a_gradient_and_padding_does_not() -> None:
    ids, weights = np.array([[1, PADDING, 2]]), tf.Variable([[2.0, 3.0, 4.0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(bag(combiner="sum", padding_idx=PADDING)(ids, weights))
    gradient = tape.gradient(loss, weights)
    np.testing.assert_array_equal(gradient, [[TABLE[1].sum(), 0, TABLE[2].sum()]])


def test_equal_maxima_send_their_gradient_to_the_first() -> None:
    table = np.zeros((VOCAB, DIM), np.float32)
    table[[2, 4]] = [[1, 1, 3], [1, 2, 3]]
    layer = EmbeddingBag(VOCAB, DIM, weights=table, combiner="max")
    out, gradient = pull(layer, np.array([[0, 4, 2, 4]]), upstream=[[1.0, 2.0, 4.0]])
    np.testing.assert_array_equal(out, [[1, 2, 3]])
    np.testing.assert_array_equal(gradient[[4, 2]], [[1, 2, 4], [0, 0, 0]])
    _, gradient = pull(layer, np.array([[0, 2, 4]]), upstream=[[1.0, 2.0, 4.0]])
    np.testing.assert_array_equal(gradient[[4, 2]], [[0, 2, 0], [1, 0, 4]])


@pytest.mark.parametrize("combiner", COMBINERS)
def test_a_maximum_or_mean_may_be_negative_and_padding_is_not_a_zero(combiner: str) -> None:
    layer = EmbeddingBag(VOCAB, DIM, weights=-np.abs(TABLE) - 1, combiner=combiner, padding_idx=PADDING)
    assert np.all(layer(np.array([[1, PADDING, 2], [3, PADDING, PADDING]])).numpy() < 0)


@pytest.mark.parametrize("combiner", COMBINERS)
@pytest.mark.parametrize("default_id", [None, 0, 6])
def test_bags_without_ids_are_zeros_or_the_default_row(default_id: int | None, combiner: str) -> None:
    table = TABLE.copy()
    table[PADDING] = np.nan  # what padding holds never shows
    layer = EmbeddingBag(VOCAB, DIM, weights=table, combiner=combiner, padding_idx=PADDING, default_id=default_id)
    ids = np.array([PADDING, PADDING, 3])
    out, gradient = pull(layer, (ids, np.array([0, 0, 2, 3])), upstream=[[2.0], [4.0], [8.0], [16.0]])
    empty = np.zeros(DIM) if default_id is None else TABLE[default_id]
    np.testing.assert_array_equal(out, [empty, empty, TABLE[3], empty])
    want = np.zeros_like(TABLE)
    want[3] = 8
    if default_id is not None:
        want[default_id] = 2 + 4 + 16
    np.testing.assert_array_equal(gradient, want)


@pytest.mark.parametrize("combiner", COMBINERS)
@pytest.mark.parametrize("shape", [(0, 4), (0, 0), (2, 0)], ids=str)
def test_no_bags_and_no_places(shape: tuple[int, int], combiner: str) -> None:
    out, gradient = pull(bag(combiner=combiner, padding_idx=1), np.zeros(shape, np.int32))
    np.testing.assert_array_equal(out, np.zeros((shape[0], DIM)))
    np.testing.assert_array_equal(gradient, np.zeros_like(TABLE))


@pytest.mark.parametrize("csr", [False, True])
def test_offsets_of_no_bags(csr: bool) -> None:
    none = np.zeros(0, np.int64)  # torch.nn.EmbeddingBag returns shape (0, dim)
    out = bag(include_last_offset=csr)((none, np.zeros(int(csr), np.int64)))
    assert out.shape == (0, DIM)


@pytest.mark.parametrize("combiner", COMBINERS)
def test_a_table_of_one_row(combiner: str) -> None:
    layer = EmbeddingBag(1, DIM, weights=TABLE[:1], combiner=combiner)
    factor = {"sum": 4, "mean": 1, "max": 1, "sqrtn": 2}[combiner]
    out, gradient = pull(layer, np.zeros((3, 4), np.int32))
    np.testing.assert_array_equal(out, np.tile(factor * TABLE[0], (3, 1)))
    np.testing.assert_array_equal(gradient, np.full((1, DIM), 3 * factor))


def test_frequencies_are_counted_over_the_whole_call() -> None:
    ids = np.array([[1, 2, PADDING], [1, 1, 3]])
    layer = bag(combiner="sum", scale_grad_by_freq=True, padding_idx=PADDING)
    _, gradient = pull(layer, ids, upstream=[[3.0], [6.0]])
    np.testing.assert_allclose(gradient[:, 0], [0, (3 + 6 + 6) / 3, 3, 6, 0, 0, 0], rtol=2.0**-22)


@pytest.mark.parametrize("policy", ["nan", "zero", 6])
@pytest.mark.parametrize("combiner", COMBINERS)
def test_an_id_that_names_no_row_touches_its_own_bag_only(combiner: str, policy: Any) -> None:
    ids = np.array([[1, 9], [2, 3]])
    out, gradient = pull(bag(combiner=combiner, out_of_range=policy), ids)
    stand_in = {"nan": np.full(DIM, np.nan), "zero": np.zeros(DIM)}.get(policy, TABLE[6])
    rows = np.stack([TABLE[1], stand_in])
    want = {"sum": rows.sum(0), "mean": rows.mean(0), "max": rows.max(0), "sqrtn": rows.sum(0) / np.sqrt(2)}[combiner]
    np.testing.assert_allclose(out[0], want, rtol=3 * 2.0**-24)
    np.testing.assert_array_equal(out[1], bag(combiner=combiner)(ids[1:])[0])
    np.testing.assert_array_equal(gradient[[0, 4, 5]], np.zeros((3, DIM)))


def test_a_row_of_nan_is_not_hidden_by_the_maximum() -> None:
    table = TABLE.copy()
    table[2, 1] = np.nan
    out = EmbeddingBag(VOCAB, DIM, weights=table, combiner="max")(np.array([[2, 1], [1, 0]]))
    np.testing.assert_array_equal(np.isnan(out), [[False, True, False], [False, False, False]])


OFFSETS = [
    ([1, 3], False, r"start at 0; got \[1, 3\]"),
    ([-1, 3], False, r"start at 0; got \[-1, 3\]"),
    ([0, 3, 2], False, r"not decrease; got \[3, 2\]"),
    ([0, 5], False, r"end within the 4 ids; got 5"),
    ([0, 2, 3], True, r"end at the 4 ids; got 3"),
    ([0, 5], True, r"end at the 4 ids; got 5"),
    ([0, 3, 2, 4], True, r"not decrease; got \[3, 2\]"),
    ([], True, r"start at 0; got \[\]"),
]


@pytest.mark.parametrize(("offsets", "csr", "rule"), OFFSETS, ids=str)
def test_offsets_that_are_no_starts_are_refused(offsets: list[int], csr: bool, rule: str) -> None:
    with pytest.raises(ValueError, match=rf"`offsets` must {rule}\. They say where each bag starts among the ids\."):
        bag(include_last_offset=csr)((np.array([1, 2, 3, 4]), np.array(offsets, np.int64)))


@pytest.mark.parametrize("shape", [(), (4,), (2, 2, 2)], ids=str)
def test_dense_ids_of_another_rank_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"`inputs` must have shape \(batch, time\); got \(.*Give \(ids, offsets\)"):
        bag()(np.ones(shape, np.int32))


FLAT = (np.array([1, 2, 3, 4]), np.array([0, 2]))
MISSHAPEN = {
    "ids of two axes": ((np.ones((2, 2), np.int32), FLAT[1]), None),
    "offsets of two axes": ((FLAT[0], np.array([[0, 2]])), None),
    "one weight": (FLAT, np.ones(1, np.float32)),
    "a weight too many": (FLAT, np.ones(5, np.float32)),
    "weights transposed": (np.ones((2, 3), np.int32), np.ones((3, 2), np.float32)),
    "flat weights": (np.ones((2, 3), np.int32), np.ones(6, np.float32)),
}


@pytest.mark.parametrize("name", MISSHAPEN)
def test_a_wrong_shape_is_refused_by_its_rule(name: str) -> None:
    inputs, weights = MISSHAPEN[name]
    with pytest.raises(ValueError, match=r"`(inputs|offsets|per_sample_weights)` must have shape"):
        bag(combiner="sum")(inputs, weights)


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="must be integers; got float32"):
        bag()(np.ones((2, 2), np.float32))
    with pytest.raises(TypeError, match="must be integers; got float64"):
        bag()((FLAT[0], np.array([0.0, 2.0])))
    with pytest.raises(TypeError, match="must be integers; got bool"):
        bag()(keras.Input((3,), dtype="bool"))


def test_weights_of_a_maximum_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`per_sample_weights` must be None for combiner='max'; got weights\."):
        bag(combiner="max")(np.ones((1, 2), np.int32), np.ones((1, 2), np.float32))


@pytest.mark.parametrize("combiner", ["avg", "Mean", None, 0, ""], ids=repr)
def test_another_combiner_is_refused(combiner: Any) -> None:
    with pytest.raises(ValueError, match=r"^`combiner` must be 'sum', 'mean', 'max' or 'sqrtn'; got ") as error:
        bag(combiner=combiner)
    assert f"got {combiner!r}. Choose one." in str(error.value)


@pytest.mark.parametrize("default_id", [-1, VOCAB, 1.5, True], ids=repr)
def test_a_default_that_is_no_row_is_refused(default_id: Any) -> None:
    with pytest.raises(ValueError, match=rf"^`default_id` must be in 0\.\.6; got {default_id}\. Use None for zeros\.$"):
        bag(default_id=default_id)
