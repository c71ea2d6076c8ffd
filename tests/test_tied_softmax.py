"""FullSoftmax(tied_to=embedding): training, copies and files; the numbers are the case `tied-softmax`."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from tf_emb.layers import Embedding, FullSoftmax

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(7, 4)).astype(np.float32)
IDS, TARGETS = RNG.integers(0, 7, (6, 3)), RNG.integers(0, 7, (6, 3))
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")


def model(optimizer: Any = "sgd", **kwargs: Any) -> keras.Model:
    ids = keras.Input((3,), dtype="int32")
    words = Embedding(7, 4, weights=TABLE, name="words", **kwargs)
    made = keras.Model(ids, FullSoftmax(tied_to=words, name="out")(words(ids)))
    made.compile(optimizer, LOSS)
    return made


def summed(padding: int | None) -> np.ndarray:
    """Return the gradient of both uses, in float64."""
    table = TABLE.astype(np.float64)
    hidden = table[IDS].reshape(-1, 4)
    error = np.exp(hidden @ table.T)
    error /= error.sum(1, keepdims=True)
    error[np.arange(len(hidden)), TARGETS.ravel()] -= 1
    if padding is not None:
        error[IDS.ravel() == padding] = 0  # `padding_idx` masks these places, and Keras leaves them out of the loss
    gradient = error.T @ hidden
    np.add.at(gradient, IDS.ravel(), error @ table)
    if padding is not None:
        gradient[padding] = 0
    return gradient


RULES: dict[str, tuple[Callable[[], Any], Callable[[np.ndarray], np.ndarray]]] = {
    "adagrad": (lambda: keras.optimizers.Adagrad(0.1), lambda g: 0.1 * g / np.sqrt(0.1 + g**2 + 1e-7)),
    "clipnorm": (lambda: keras.optimizers.SGD(0.1, clipnorm=0.5), lambda g: 0.05 * g / np.linalg.norm(g)),
}


@pytest.mark.parametrize("padding", [None, 3])
@pytest.mark.parametrize("rule", RULES)
def test_fit_takes_the_sum_of_both_uses_for_one_gradient(rule: str, padding: int | None) -> None:
    optimizer, step = RULES[rule]
    made = model(optimizer(), padding_idx=padding)
    made.fit(IDS, TARGETS, batch_size=6, verbose=0)
    got = made.get_layer("words").matrix()
    # Apart, the two uses are off by .01 and more; a step of .1 in float32 by some 1e-7.
    np.testing.assert_allclose(got, TABLE - step(summed(padding)), atol=1e-6)
    assert len(made.weights) == 1
    assert made.get_layer("out").weights == []


def test_rows_that_are_not_trained_stay() -> None:
    made = model("adam", trainable_rows=[1, 2])
    made.fit(IDS, TARGETS, verbose=0)
    moved = (made.get_layer("words").matrix() != TABLE).any(axis=1)
    assert moved.nonzero()[0].tolist() == [1, 2]


COPIES: dict[str, Callable[[keras.Model], keras.Model]] = {
    "clone": keras.models.clone_model,
    "from_config": lambda made: type(made).from_config(made.get_config()),
    "json": lambda made: keras.models.model_from_json(made.to_json()),
    "deepcopy": copy.deepcopy,
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_tied_to_its_own_embedding(name: str) -> None:
    made = model()
    copied = COPIES[name](made)
    assert copied.get_layer("out").tied_to is copied.get_layer("words") is not made.get_layer("words")
    assert len(copied.weights) == 1


def test_a_file_keeps_the_tie_inside_a_nested_model_too(tmp_path: Any) -> None:
    ids = keras.Input((3,), dtype="int32")
    words = Embedding(7, 4, name="words")
    encoder = keras.Model(ids, keras.layers.Dense(4)(words(ids)), name="encoder")
    again = keras.Input((3,), dtype="int32")
    made = keras.Model(again, FullSoftmax(tied_to=words, name="out")(encoder(again)))
    for number, whole in enumerate((model(), made)):
        whole.save(tmp_path / f"{number}.keras")
        loaded = keras.models.load_model(tmp_path / f"{number}.keras")
        assert loaded.get_layer("out").tied_to in list(loaded._flatten_layers())
        np.testing.assert_array_equal(loaded(IDS), whole(IDS))


def test_an_embedding_that_is_built_later() -> None:
    words = Embedding(7, 4)
    out = FullSoftmax(tied_to=words)
    hidden = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(out(hidden), np.broadcast_to(words.matrix().sum(1), (2, 7)), atol=1e-6)
    assert not hasattr(out, "kernel")


def test_what_is_refused() -> None:
    words = Embedding(7, 4)
    with pytest.raises(ValueError, match=r"`vocab_size` must be given without `tied_to`; got None\."):
        FullSoftmax()
    with pytest.raises(ValueError, match=r"`vocab_size` must be that of `tied_to`, 7; got 3\."):
        FullSoftmax(3, tied_to=words)
    with pytest.raises(TypeError, match=r"`tied_to` must be a tf_emb Embedding; got Embedding\."):
        FullSoftmax(tied_to=keras.layers.Embedding(7, 4))
    with pytest.raises(ValueError, match=r"`tied_to` must have the input's 3 columns; got 4\."):
        FullSoftmax(tied_to=words)(np.ones((2, 3), np.float32))
    alone = FullSoftmax.from_config(FullSoftmax(tied_to=words).get_config())
    with pytest.raises(ValueError, match=r"`tied_to` must be a layer: 'embedding.*' is none of those"):
        alone(np.ones((2, 4), np.float32))
    alone.tied_to = words
    assert alone(np.ones((2, 4), np.float32)).shape == (2, 7)
