"""Ragged and sparse ids: `Embedding` gives what Keras' layer gives, `EmbeddingBag` wants weights in their form."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding, EmbeddingBag

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Converting sparse IndexedSlices")
VOCAB, DIM = 5, 4
TABLE = np.arange(VOCAB * DIM, dtype=np.float32).reshape(VOCAB, DIM)
RAGGED = [[1, 2, 1], [], [3]]
FORMS = {
    "ragged": lambda: tf.ragged.constant(RAGGED),
    "ragged twice": lambda: tf.ragged.constant([[[1, 2], [0]], [], [[], [3]]]),
    "ragged, then even": lambda: tf.RaggedTensor.from_row_splits([[1, 2], [0, 1], [3, 3]], [0, 2, 3]),
    "ragged of 64 bits": lambda: tf.ragged.constant(RAGGED, dtype=tf.int64, row_splits_dtype=tf.int32),
    "sparse": lambda: tf.SparseTensor([[0, 0], [0, 2], [1, 1]], [2, 1, 3], (3, 3)),
    "sparse, unordered": lambda: tf.SparseTensor([[0, 2], [1, 1], [0, 0]], [1, 3, 2], (3, 3)),
    "sparse of three axes": lambda: tf.SparseTensor([[0, 0, 1], [1, 1, 0]], [2, 4], (2, 2, 2)),
}


def layer(**kwargs: Any) -> Embedding:
    return Embedding(VOCAB, DIM, weights=TABLE, **kwargs)


def dense(tensor: Any) -> np.ndarray:
    return tensor.to_tensor(default_value=-1).numpy() if isinstance(tensor, tf.RaggedTensor) else tensor.numpy()


@pytest.fixture(params=FORMS)
def ids(request: pytest.FixtureRequest) -> Any:
    return FORMS[request.param]()


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_the_rows_are_those_of_keras(ids: Any, graph: bool) -> None:
    ours, keras_ = layer(), keras.layers.Embedding(VOCAB, DIM, weights=TABLE)
    want = keras_(ids)
    got = tf.function(lambda given: ours(given))(ids) if graph else ours(ids)
    assert type(got) is type(want)
    assert got.shape.as_list() == want.shape.as_list()
    np.testing.assert_array_equal(dense(got), dense(want))


def test_the_gradient_is_the_sum_over_places_without_padding(ids: Any) -> None:
    places = ids.flat_values if isinstance(ids, tf.RaggedTensor) else tf.sparse.to_dense(tf.sparse.reorder(ids))
    want = np.bincount(places.numpy().ravel(), minlength=VOCAB) * np.arange(VOCAB).astype(bool)
    used = layer(padding_idx=0)
    with tf.GradientTape() as tape:
        out = used(ids)
        loss = tf.reduce_sum(out.flat_values if isinstance(out, tf.RaggedTensor) else out)
    got = tf.convert_to_tensor(tape.gradient(loss, used.trainable_variables)[0])
    np.testing.assert_array_equal(got, np.repeat(want[:, None], DIM, 1))


def test_policies_and_masks_hold_for_every_form(ids: Any) -> None:
    far = tf.SparseTensor(ids.indices, ids.values + 9, ids.dense_shape) if isinstance(ids, tf.SparseTensor) else ids + 9
    with pytest.raises(IndexError, match=r"`ids` must be in 0\.\.4"):
        layer()(far)
    got = layer(out_of_range="zero")(far)
    values = got.flat_values.numpy() if isinstance(got, tf.RaggedTensor) else got.numpy()[far.indices.numpy()[0, 0]]
    assert not values.reshape(-1, DIM)[0].any() or isinstance(ids, tf.SparseTensor)
    out = layer(padding_idx=1)(ids)
    mask = out._keras_mask
    want = ids != 1 if isinstance(ids, tf.RaggedTensor) else tf.sparse.to_dense(tf.sparse.reorder(ids)) != 1
    np.testing.assert_array_equal(
        *(m.flat_values if isinstance(m, tf.RaggedTensor) else m for m in (mask, want)), strict=True
    )


@pytest.mark.parametrize("form", ["ragged", "sparse"])
def test_models_with_such_inputs_are_trained_and_saved(form: str, tmp_path: Path) -> None:
    given = FORMS[form]()
    options = {form: True, "dtype": "int32"}
    symbolic = keras.Input((None,) if form == "ragged" else (3,), **options)
    looked_up = layer()(symbolic)
    assert (looked_up.ragged, looked_up.shape[-1]) == (form == "ragged", DIM)
    pooled = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner="sum")(symbolic)
    made = keras.Model(symbolic, [looked_up, keras.layers.Dense(1)(pooled)])
    made.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(made(given), loaded(given), strict=True):
        np.testing.assert_array_equal(dense(one), dense(other))
    trained = keras.Model(symbolic, keras.layers.Dense(1)(pooled))
    trained.compile("adam", "mse")
    before = trained.get_weights()[0]
    trained.fit(given, np.ones((3, 1)), batch_size=3, verbose=0)
    moved = (trained.get_weights()[0] != before).any(1)
    np.testing.assert_array_equal(moved, [False, True, True, True, False])


def sparse(indices: list[list[int]], values: list[float], shape: tuple[int, ...]) -> tf.SparseTensor:
    return tf.SparseTensor(indices, values, shape)


BAGS = tf.ragged.constant([[1, 2], [3]])
PLACES = tf.SparseTensor([[0, 0], [1, 2]], [1, 2], (2, 3))
SHIFTED = [
    (BAGS, tf.ragged.constant([[1.0], [10.0, 100.0]]), "row lengths like the ids"),
    (BAGS, tf.ragged.constant([[1.0, 2.0], [3.0, 4.0]]), "row lengths like the ids"),
    (PLACES, sparse([[0, 0], [1, 1]], [1, 2], (2, 3)), "the indices of the ids"),
    (PLACES, sparse([[0, 0]], [1], (2, 3)), "the indices of the ids"),
    (PLACES, sparse([[0, 0], [1, 2]], [1, 2], (2, 4)), "the shape of the ids"),
]


@pytest.mark.parametrize(("ids", "weights", "rule"), SHIFTED, ids=lambda value: value if isinstance(value, str) else "")
def test_weights_at_other_places_than_the_ids_are_refused(ids: Any, weights: Any, rule: str) -> None:
    bag = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner="sum")
    with pytest.raises(ValueError, match=f"`per_sample_weights` must have {rule}; got .* Give one weight per id"):
        bag(ids, per_sample_weights=weights)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"must have {rule}"):
        tf.function(lambda i, w: bag(i, per_sample_weights=w))(ids, weights)


def test_weights_at_the_places_of_the_ids_are_taken_in_any_order() -> None:
    bag = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner="sum")
    want = np.stack([TABLE[1] * 2, TABLE[2] * 3])
    for indices, values in (([[0, 0], [1, 2]], [2.0, 3.0]), ([[1, 2], [0, 0]], [3.0, 2.0])):
        np.testing.assert_array_equal(bag(PLACES, per_sample_weights=sparse(indices, values, (2, 3))), want)
    ragged = tf.ragged.constant([[2.0, 0.0], [4.0]], row_splits_dtype=tf.int32)
    np.testing.assert_array_equal(bag(BAGS, per_sample_weights=ragged), [TABLE[1] * 2, TABLE[3] * 4])


REFUSED = [
    (FORMS["ragged twice"], None, r"Ragged `inputs` must have shape \(bags, None\); got ragged_rank 2.*merge_dims"),
    (FORMS["ragged, then even"], None, r"Ragged `inputs` must have shape \(bags, None\)"),
    (FORMS["sparse of three axes"], None, r"Sparse `inputs` must have shape \(bags, places\); got \(2, 2, 2\)"),
    (lambda: BAGS, lambda: tf.constant([1.0, 2.0, 3.0]), "must have a tf.RaggedTensor with the rows of the ids"),
    (lambda: PLACES, lambda: tf.constant([1.0, 2.0]), "must have a tf.SparseTensor with the indices of the ids"),
    (lambda: PLACES, lambda: BAGS * 1, "must have a tf.SparseTensor with the indices of the ids"),
]


@pytest.mark.parametrize(
    ("ids", "weights", "said"), REFUSED, ids=lambda value: value[:30] if isinstance(value, str) else ""
)
def test_forms_that_are_no_bags_are_refused_by_name(ids: Any, weights: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        EmbeddingBag(VOCAB, DIM)(ids(), per_sample_weights=weights and weights())


def test_bags_of_unknown_rank_are_checked_when_they_come() -> None:
    bag = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner="sum")
    bag.build()
    unknown = tf.TensorSpec(None, tf.int32)
    one = tf.function(lambda ids: bag(ids), input_signature=[unknown])
    np.testing.assert_array_equal(one(tf.constant([[1, 2]])), [TABLE[1] + TABLE[2]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible with expected shape"):
        one(tf.constant([1, 2]))
    pair = tf.function(lambda ids, offsets: bag((ids, offsets)), input_signature=[unknown, unknown])
    np.testing.assert_array_equal(pair(tf.constant([1, 2, 3]), tf.constant([0, 2])), [TABLE[1] + TABLE[2], TABLE[3]])
    weighted = tf.function(lambda ids, w: bag(ids, w), input_signature=[unknown, tf.TensorSpec(None)])
    np.testing.assert_array_equal(weighted(tf.constant([[1, 2]]), tf.constant([[2.0, 0.0]])), [TABLE[1] * 2])
