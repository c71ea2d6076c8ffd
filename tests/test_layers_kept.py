"""What public reports of embedding layers found wrong elsewhere and is right here, to stay so."""

import copy
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.layers import Embedding, EmbeddingBag

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
VOCAB, DIM = 5, 4
TABLE = np.arange(VOCAB * DIM, dtype=np.float32).reshape(VOCAB, DIM)
LAYERS = {
    "plain": lambda: Embedding(VOCAB, DIM, weights=TABLE),
    "partly trained": lambda: Embedding(VOCAB, DIM, weights=TABLE, trainable_rows=[1, 3], padding_idx=2),
    "bag": lambda: EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner="max", default_id=1),
    "torch's words": lambda: EmbeddingBag(VOCAB, DIM, _weight=TABLE, mode="sum", _freeze=True),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))], ids=["copy", "pickle"]
)
def test_a_copy_has_a_table_of_its_own_and_the_same_numbers(make: Any, copied: Any) -> None:
    layer = make()
    other = copied(layer)
    assert other.get_config() == layer.get_config()
    np.testing.assert_array_equal(other.matrix(), TABLE)
    other.set_weights([np.zeros_like(weight) for weight in other.get_weights()])
    np.testing.assert_array_equal(layer.matrix(), TABLE)


@pytest.mark.parametrize("kind", [Embedding, EmbeddingBag])
def test_an_initializer_that_holds_the_table_comes_back_from_a_file(kind: Any, tmp_path: Path) -> None:
    made = kind(VOCAB, DIM, embeddings_initializer=keras.initializers.Constant(TABLE))
    keras.Sequential([keras.Input((2,), dtype="int32"), made]).save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras").layers[0].matrix(), TABLE)


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
def test_weights_of_a_frozen_bag_get_the_gradient_of_a_trained_one(combiner: str) -> None:
    ids, gradients = np.array([[1, 2], [3, 3]]), []
    for trainable in (False, True):
        weights = tf.Variable([[1.0, 2.0], [0.5, 4.0]])
        layer = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner=combiner, trainable=trainable)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(ids, per_sample_weights=weights) ** 2)
        gradients.append(tape.gradient(loss, weights).numpy())
    assert np.any(gradients[0])
    np.testing.assert_array_equal(*gradients)


def test_ids_of_unknown_rank_are_looked_up() -> None:
    layer = Embedding(VOCAB, DIM, weights=TABLE, padding_idx=0)
    looked_up = tf.function(lambda ids: layer(ids), input_signature=[tf.TensorSpec(None, tf.int32)])
    for ids in (np.array(3, np.int32), np.array([[1, 2]], np.int32), np.ones((2, 1, 3), np.int32)):
        np.testing.assert_array_equal(looked_up(ids), TABLE[ids])
