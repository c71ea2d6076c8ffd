"""One rule for masks: `padding_idx` makes one, `mask_zero` says otherwise."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding, EmbeddingBag

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
VOCAB, DIM = 7, 3
TABLE = np.random.default_rng(0).normal(size=(VOCAB, DIM)).astype(np.float32)
IDS = np.array([[1, 0, 3], [4, 3, 3]])
# padding_idx, mask_zero, and the id that is masked
RULES = [
    (None, None, None),
    (None, False, None),
    (None, True, 0),
    (3, None, 3),
    (3, True, 3),
    (3, False, None),
    (-4, None, 3),
]


def layer(**kwargs: Any) -> Embedding:
    return Embedding(VOCAB, DIM, weights=TABLE, **kwargs)


@pytest.mark.parametrize(("padding_idx", "mask_zero", "masked"), RULES)
def test_the_mask_is_of_the_padding_id(padding_idx: int | None, mask_zero: bool | None, masked: int | None) -> None:
    made = layer(padding_idx=padding_idx, mask_zero=mask_zero)
    assert made.mask_zero is made.supports_masking is (masked is not None)
    for same in (made, Embedding.from_config(made.get_config())):
        mask = same.compute_mask(IDS)
        assert (mask is None) == (masked is None)
        if masked is not None:
            np.testing.assert_array_equal(mask, masked != IDS)
            np.testing.assert_array_equal(made(IDS)._keras_mask, masked != IDS)


def test_a_configuration_of_keras_layer_means_what_it_meant() -> None:
    for mask_zero in (False, True):
        theirs = keras.layers.Embedding(VOCAB, DIM, mask_zero=mask_zero)
        ours = Embedding.from_config(theirs.get_config())
        assert (ours.mask_zero, ours.padding_idx) == (mask_zero, None)
        if mask_zero:
            np.testing.assert_array_equal(ours.compute_mask(IDS), theirs.compute_mask(IDS))


def test_zero_that_is_masked_only_is_trained_like_any_other_row() -> None:
    made = layer(mask_zero=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(made(np.array([0, 1])))
    gradient = tf.convert_to_tensor(tape.gradient(loss, made.trainable_variables)[0]).numpy()
    np.testing.assert_array_equal(gradient[:2], np.ones((2, DIM)))
    np.testing.assert_array_equal(made.matrix(), TABLE)  # and does not start at zero


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_ids_that_cannot_hold_the_padding_id_are_not_padding(dtype: str) -> None:
    made = Embedding(300, 2, padding_idx=258)
    np.testing.assert_array_equal(made.compute_mask(np.array([2, 255], dtype)), [True, True])


def test_pooling_does_not_count_padding(tmp_path: Path) -> None:
    made = keras.Sequential([layer(padding_idx=3), keras.layers.GlobalAveragePooling1D()])
    want = [TABLE[[1, 0]].mean(0), TABLE[4]]
    np.testing.assert_allclose(made.predict(IDS, verbose=0), want, rtol=2.0**-22)
    made.save(tmp_path / "model.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "model.keras")(IDS), want, rtol=2.0**-22)
    plain = keras.Sequential([layer(padding_idx=3, mask_zero=False), keras.layers.GlobalAveragePooling1D()])
    np.testing.assert_allclose(plain(IDS), TABLE[IDS].mean(1), rtol=2.0**-22)


def test_a_recurrent_layer_skips_padding_at_the_end() -> None:
    recurrent = keras.layers.LSTM(2)
    masked, plain = layer(padding_idx=3), layer(mask_zero=False)
    np.testing.assert_array_equal(recurrent(masked(IDS[1:])), recurrent(plain(IDS[1:, :1])))


def test_a_bag_under_mask_zero_leaves_out_zeros_and_their_count() -> None:
    ids = np.array([[1, 0, 2], [0, 0, 4], [0, 0, 0]])
    for combiner in ("mean", "sum", "max", "sqrtn"):
        made = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner=combiner, mask_zero=True)
        padded = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner=combiner, padding_idx=0)
        np.testing.assert_array_equal(made(ids), padded(ids))
        assert made.compute_mask(ids) is None
    made = EmbeddingBag(VOCAB, DIM, weights=TABLE, mask_zero=True)
    np.testing.assert_allclose(made(ids), [TABLE[[1, 2]].mean(0), TABLE[4], np.zeros(DIM)], rtol=2.0**-22)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(made(ids))
    gradient = tf.convert_to_tensor(tape.gradient(loss, made.trainable_variables)[0]).numpy()
    np.testing.assert_array_equal(gradient[:, 0], [0, 0.5, 0.5, 0, 1, 0, 0])


def test_a_bag_may_fall_back_on_the_row_it_leaves_out_and_train_it() -> None:
    made = EmbeddingBag(VOCAB, DIM, weights=TABLE, mask_zero=True, default_id=0)
    with tf.GradientTape() as tape:
        out = made(np.array([[0, 0]]))
        loss = tf.reduce_sum(out)
    np.testing.assert_array_equal(out, TABLE[:1])
    gradient = tf.convert_to_tensor(tape.gradient(loss, made.trainable_variables)[0]).numpy()
    np.testing.assert_array_equal(gradient[:, 0], [1, 0, 0, 0, 0, 0, 0])


def test_padding_stays_out_of_a_bag_without_mask_zero() -> None:
    made = EmbeddingBag(VOCAB, DIM, weights=TABLE, padding_idx=3, mask_zero=False)
    np.testing.assert_allclose(made(IDS), [TABLE[[1, 0]].mean(0), TABLE[4]], rtol=2.0**-22)
