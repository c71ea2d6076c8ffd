"""Tables from elsewhere and back: NumPy, torch.nn.Embedding, gensim's KeyedVectors."""

import itertools
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from gensim.models import KeyedVectors

from tf_emb.layers import Embedding, EmbeddingBag
from tf_emb.vectors import Vectors

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 reads by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

ROOT = Path(__file__).parents[1]
VOCAB, DIM = 6, 3
TABLE = np.random.default_rng(0).normal(size=(VOCAB, DIM)).astype(np.float32) + 1
IDS = np.array([[1, 2, 1], [5, 0, 4]])
WORDS = ["the", "of", "to", "in", "a", "and"]
NAMES = ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq")
COMBINATIONS = list(itertools.product([None, 0, -1], [None, 1.0], [2.0, 1.0, float("inf")], [False, True]))


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_pretrained_table_is_kept_to_the_bit_at_its_dtype(dtype: str) -> None:
    table = (TABLE.astype(np.float64) / 3).astype(dtype)
    layer = Embedding.from_pretrained(table, padding_idx=1)  # whose row is not zeroed
    np.testing.assert_array_equal(layer.matrix(), table, strict=True)
    np.testing.assert_array_equal(layer(IDS).numpy(), table[IDS], strict=True)


def test_a_given_dtype_wins_and_integers_become_floats() -> None:
    wide = TABLE.astype(np.float64) / 3
    assert Embedding.from_pretrained(wide, dtype="float32").matrix().dtype == np.float32
    mixed = Embedding.from_pretrained(TABLE, dtype="mixed_float16")
    assert (mixed.matrix().dtype, mixed(IDS).dtype) == (np.float32, tf.float16)
    whole = Embedding.from_pretrained([[1, 2], [3, 4]])
    np.testing.assert_array_equal(whole.matrix(), np.array([[1, 2], [3, 4]], np.float32), strict=True)


def test_the_layer_owns_its_table() -> None:
    given = TABLE.copy()
    layer = Embedding.from_pretrained(given)
    given[:] = 0
    layer.matrix()[:] = 0
    np.testing.assert_array_equal(layer.matrix(), TABLE)


def test_reading_the_table_warns_of_nothing() -> None:
    layer = Embedding.from_pretrained(TABLE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(layer.matrix(), TABLE)


def fitted(layer: Embedding) -> np.ndarray:
    ids = keras.Input((3,), dtype="int32")
    model = keras.Model(ids, keras.layers.Dense(1, "linear", False, "ones")(layer(ids)))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(IDS, np.zeros((2, 3, 1)), verbose=0)
    return layer.matrix()


def test_a_pretrained_table_is_frozen_unless_asked() -> None:
    assert Embedding.from_pretrained(TABLE).trainable_variables == []
    np.testing.assert_array_equal(fitted(Embedding.from_pretrained(TABLE)), TABLE)
    moved = np.any(fitted(Embedding.from_pretrained(TABLE, freeze=False)) != TABLE, axis=1)
    np.testing.assert_array_equal(moved, [True, True, True, False, True, True])


def test_arguments_and_class_pass_through() -> None:
    bag = EmbeddingBag.from_pretrained(TABLE, combiner="sum", padding_idx=-1, name="words", out_of_range=2)
    assert (type(bag), bag.combiner, bag.padding_idx, bag.name) == (EmbeddingBag, "sum", VOCAB - 1, "words")
    np.testing.assert_array_equal(bag(np.array([[99, 5]])), TABLE[[2]])


@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 4), (0, 3), (3, 0)], ids=str)
def test_what_is_no_table_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^`matrix` must have shape \(vocab, dim\); got ") as error:
        Embedding.from_pretrained(np.ones(shape))
    assert f"got {shape}. Give one row a word." in str(error.value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("trained", [False, True])
def test_from_torch_takes_every_argument(torch: Any, trained: bool, dtype: str) -> None:
    for values in COMBINATIONS:
        given = dict(zip(NAMES, values, strict=True))
        module = torch.nn.Embedding(VOCAB, DIM, dtype=getattr(torch, dtype), **given)
        module.weight.requires_grad_(trained)
        layer = Embedding.from_torch(module)
        assert {name: getattr(layer, name) for name in NAMES} == {name: getattr(module, name) for name in NAMES}
        assert len(layer.trainable_variables) == trained
        np.testing.assert_array_equal(layer.matrix(), module.weight.detach().numpy(), strict=True)
        rows, expected = layer(IDS).numpy(), module(torch.tensor(IDS)).detach().numpy()
        if given["max_norm"] is None:
            np.testing.assert_array_equal(rows, expected, strict=True)
        else:  # torch divides once and multiplies; a norm of three terms
            np.testing.assert_allclose(rows, expected, rtol=12 * np.finfo(dtype).eps / 2)


@pytest.mark.parametrize("trained", [False, True])
def test_to_torch_and_back_changes_nothing(torch: Any, trained: bool) -> None:
    for values in COMBINATIONS:
        layer = Embedding.from_pretrained(TABLE / 3, not trained, **dict(zip(NAMES, values, strict=True)))
        module = layer.to_torch()
        assert type(module) is torch.nn.Embedding
        assert module.weight.requires_grad == trained
        back = Embedding.from_torch(module)
        assert {name: getattr(back, name) for name in NAMES} == {name: getattr(layer, name) for name in NAMES}
        assert back.trainable == layer.trainable
        np.testing.assert_array_equal(back.matrix(), layer.matrix(), strict=True)


def test_a_torch_module_and_its_layer_share_no_memory(torch: Any) -> None:
    layer = Embedding.from_pretrained(TABLE)
    module = layer.to_torch()
    module.weight.data.zero_()
    np.testing.assert_array_equal(layer.matrix(), TABLE)
    again = Embedding.from_torch(module)
    module.weight.data.fill_(7)
    assert not np.any(again.matrix())


def test_a_bfloat16_module_crosses_over(torch: Any) -> None:
    module = torch.nn.Embedding(VOCAB, DIM, dtype=torch.bfloat16)
    layer = Embedding.from_torch(module)
    np.testing.assert_array_equal(layer.matrix().astype(np.float32), module.weight.detach().float().numpy())


def test_a_bfloat16_layer_crosses_over(torch: Any) -> None:
    layer = Embedding(VOCAB, DIM, weights=TABLE, dtype="bfloat16")
    np.testing.assert_array_equal(layer.to_torch().weight.detach().float(), layer.matrix().astype(np.float32))


def test_a_torch_bag_keeps_what_makes_it_a_bag(torch: Any) -> None:
    module = torch.nn.EmbeddingBag(VOCAB, DIM, mode="sum", include_last_offset=True, padding_idx=1)
    bag = EmbeddingBag.from_torch(module)
    ids, offsets = IDS.ravel(), np.array([0, 2, 6])
    expected = module(torch.tensor(ids), torch.tensor(offsets)).detach()
    np.testing.assert_allclose(bag((ids, offsets)), expected, rtol=1e-6)


def test_a_bag_becomes_a_torch_bag(torch: Any) -> None:
    bag = EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner="sum", padding_idx=1)
    assert type(bag.to_torch()) is torch.nn.EmbeddingBag
    np.testing.assert_allclose(bag.to_torch()(torch.tensor(IDS)).detach(), bag(IDS), rtol=1e-6)


NO_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, NoTorch())
import numpy as np
from tf_emb.layers import Embedding

layer = Embedding.from_pretrained(np.ones((2, 3)))
assert layer(np.array([1])).shape == (1, 3)
try:
    layer.to_torch()
except RuntimeError as error:
    print(error)
assert "torch" not in sys.modules
"""


def test_without_torch_everything_but_to_torch_works() -> None:
    done = subprocess.run([sys.executable, "-c", NO_TORCH], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "`to_torch` must find torch imported; it is not. Write `import torch` first."


def keyed_vectors() -> KeyedVectors:
    vectors = KeyedVectors(DIM)
    vectors.add_vectors(WORDS, TABLE)
    return vectors


def test_keyed_vectors_there_and_back() -> None:
    layer = Embedding.from_keyed_vectors(keyed_vectors(), padding_idx=0)
    assert (layer.trainable, layer.padding_idx) == (False, 0)
    np.testing.assert_array_equal(layer(IDS).numpy(), TABLE[IDS], strict=True)
    assert np.array_equal(Embedding.from_keyed_vectors(Vectors(WORDS, TABLE)).matrix(), TABLE)
    back = Vectors(WORDS, layer.matrix()).keyed()
    assert back.index_to_key == WORDS
    np.testing.assert_array_equal(back.vectors, TABLE, strict=True)
    np.testing.assert_array_equal(back["to"], TABLE[2])


def test_keyed_vectors_can_be_trained_on() -> None:
    vectors = keyed_vectors()
    trained = fitted(Embedding.from_keyed_vectors(vectors, freeze=False))
    assert np.any(trained[1] != TABLE[1])
    np.testing.assert_array_equal(vectors.vectors, TABLE)  # gensim's own are left alone


def test_float64_rows_become_float32_keyed_vectors() -> None:
    back = Vectors(WORDS, Embedding.from_pretrained(TABLE.astype(np.float64) / 3).matrix()).keyed()
    np.testing.assert_array_equal(back.vectors, (TABLE.astype(np.float64) / 3).astype(np.float32), strict=True)


@pytest.mark.parametrize("words", [WORDS[:-1], [*WORDS, "for"], [*WORDS[:-1], "the"]], ids=["few", "many", "twice"])
def test_words_that_do_not_name_the_rows_are_refused(words: list[str]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        Vectors(words, Embedding.from_pretrained(TABLE).matrix()).keyed()
