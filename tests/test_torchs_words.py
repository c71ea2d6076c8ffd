"""PyTorch's words for our arguments: all taken, or refused with what to write instead."""

import inspect
from typing import Any

import gensim
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

import tf_emb
from tf_emb.layers import Embedding, EmbeddingBag

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
VOCAB, DIM = 5, 4
TABLE = np.arange(VOCAB * DIM, dtype=np.float32).reshape(VOCAB, DIM)
IDS, OFFSETS = np.array([1, 2, 1, 3]), np.array([0, 3])
WEIGHTS = np.array([0.5, 2.0, 1.0, 4.0], np.float32)


def bag(**kwargs: Any) -> EmbeddingBag:
    return EmbeddingBag(VOCAB, DIM, weights=TABLE, combiner="sum", **kwargs)


@pytest.mark.parametrize("kind", [Embedding, EmbeddingBag])
def test_a_constructor_takes_the_words_of_torch(kind: Any) -> None:
    made = kind(num_embeddings=VOCAB, embedding_dim=DIM, _weight=TABLE, _freeze=True, device=None, dtype=torch.float64)
    assert (made.input_dim, made.output_dim, made.trainable, made.dtype) == (VOCAB, DIM, False, "float64")
    np.testing.assert_array_equal(made.matrix(), TABLE)
    config = made.get_config()
    assert not {"num_embeddings", "embedding_dim", "_weight", "_freeze", "device", "mode"} & set(config)
    assert kind.from_config(config).trainable is False
    assert kind(VOCAB, embedding_dim=DIM, _freeze=False).trainable


def test_mode_is_the_combiner() -> None:
    assert EmbeddingBag(VOCAB, DIM, mode="max").combiner == "max"
    with pytest.raises(ValueError, match="`combiner` must be 'sum', 'mean', 'max' or 'sqrtn'; got 'add'"):
        EmbeddingBag(VOCAB, DIM, mode="add")


TWICE = [
    ({"num_embeddings": 5, "input_dim": 5, "output_dim": 4}, "num_embeddings", "input_dim"),
    ({"input_dim": 5, "output_dim": 4, "embedding_dim": 4}, "embedding_dim", "output_dim"),
    ({"input_dim": 5, "output_dim": 4, "weights": TABLE, "_weight": TABLE}, "_weight", "weights"),
    ({"input_dim": 5, "output_dim": 4, "trainable": True, "_freeze": False}, "_freeze", "trainable"),
    ({"input_dim": 5, "output_dim": 4, "mode": "sum", "combiner": "sum"}, "mode", "combiner"),
]


@pytest.mark.parametrize(("kwargs", "word", "own"), TWICE, ids=[case[1] for case in TWICE])
def test_one_thing_under_both_names_is_refused(kwargs: dict[str, Any], word: str, own: str) -> None:
    both = rf"(`{word}` and `{own}`|`{own}` and `{word}`) must not both be given; .* Give `{own}` alone\."
    with pytest.raises(TypeError, match=both):
        EmbeddingBag(**kwargs)
    if word == "num_embeddings":
        with pytest.raises(TypeError, match="`num_embeddings` and `input_dim` must not both be given"):
            Embedding(VOCAB, DIM, num_embeddings=VOCAB)


def test_what_torch_alone_has_is_refused_with_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"`device` must be None; got 'cuda'\. .* keras\.device\('cuda'\)"):
        Embedding(VOCAB, DIM, device="cuda")
    with pytest.raises(TypeError, match=r"third argument must be `embeddings_initializer`.*padding_idx=0"):
        Embedding(VOCAB, DIM, 0)
    with pytest.raises(TypeError, match=r"third argument must be `embeddings_initializer`"):
        EmbeddingBag(VOCAB, DIM, 2.0)


def test_arguments_without_names_are_those_of_keras() -> None:
    made = EmbeddingBag(VOCAB, DIM, "ones", None, "non_neg", True)
    assert made.mask_zero
    assert isinstance(made.embeddings_constraint, keras.constraints.NonNeg)
    assert list(inspect.signature(Embedding).parameters)[:3] == ["input_dim", "output_dim", "embeddings_initializer"]
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'output_dim'"):
        Embedding(VOCAB)


KINDS = {
    "lists": TABLE.tolist(),
    "one list": [TABLE],
    "one list of lists": [TABLE.tolist()],
    "tensorflow": tf.constant(TABLE),
    "variable": tf.Variable(TABLE),
    "keras": keras.Variable(TABLE),
    "torch": torch.tensor(TABLE),
    "parameter": torch.nn.Parameter(torch.tensor(TABLE)),
    "bfloat16": torch.tensor(TABLE, dtype=torch.bfloat16),  # which holds whole numbers up to 256
    "half": torch.tensor(TABLE).half(),
}


@pytest.mark.parametrize("weights", KINDS.values(), ids=KINDS)
def test_weights_are_taken_of_any_kind(weights: Any) -> None:
    for made in (Embedding(VOCAB, DIM, weights=weights), EmbeddingBag(VOCAB, DIM, _weight=weights)):
        np.testing.assert_array_equal(made.matrix(), TABLE)


@pytest.mark.parametrize("name", [name for name in KINDS if "one" not in name])
def test_from_pretrained_keeps_values_and_dtype(name: str) -> None:
    kept = {"bfloat16": "bfloat16", "half": "float16"}.get(name, "float32")
    made = Embedding.from_pretrained(KINDS[name], padding_idx=1)
    assert (made.dtype, made.trainable, made.padding_idx) == (kept, False, 1)
    np.testing.assert_array_equal(made.matrix().astype(np.float32), TABLE)


def test_from_pretrained_takes_the_words_of_torch_and_vectors_with_their_words() -> None:
    vectors = gensim.models.KeyedVectors(DIM)
    vectors.add_vectors(list("abcde"), TABLE)
    labelled = tf_emb.Vectors(list("abcde"), TABLE)
    for source in (vectors, labelled):
        for made in (Embedding.from_pretrained(source), EmbeddingBag.from_pretrained(source, False, mode="max")):
            np.testing.assert_array_equal(made.matrix(), TABLE)
    assert EmbeddingBag.from_pretrained(embeddings=TABLE, freeze=False, mode="max").combiner == "max"
    assert Embedding.from_pretrained(TABLE, _freeze=False).trainable
    with pytest.raises(TypeError, match="`matrix` must be given once"):
        Embedding.from_pretrained(TABLE, embeddings=TABLE)
    with pytest.raises(TypeError, match="`matrix` must be given once"):
        Embedding.from_pretrained()


CALLS = [
    (lambda layer: layer(IDS, OFFSETS), None),
    (lambda layer: layer(IDS, offsets=OFFSETS), None),
    (lambda layer: layer(input=IDS, offsets=OFFSETS), None),
    (lambda layer: layer((IDS, OFFSETS)), None),
    (lambda layer: layer(IDS, OFFSETS, WEIGHTS), WEIGHTS),
    (lambda layer: layer(IDS, OFFSETS, per_sample_weights=WEIGHTS), WEIGHTS),
    (lambda layer: layer(IDS, offsets=OFFSETS, per_sample_weights=WEIGHTS), WEIGHTS),
    (lambda layer: layer((IDS, OFFSETS), WEIGHTS), WEIGHTS),
    (lambda layer: layer(tf.constant(IDS), tf.constant(OFFSETS)), None),
    (lambda layer: layer(IDS[None, :2], None)[:1], "first"),
]


@pytest.mark.parametrize(("call", "weights"), CALLS)
def test_a_bag_is_called_as_torchs_is(call: Any, weights: Any) -> None:
    if isinstance(weights, str):
        np.testing.assert_array_equal(call(bag()), [TABLE[1] + TABLE[2]])
        return
    module = torch.nn.EmbeddingBag(VOCAB, DIM, mode="sum", _weight=torch.tensor(TABLE))
    given = None if weights is None else torch.tensor(weights)
    want = module(torch.tensor(IDS), torch.tensor(OFFSETS), given).detach()
    np.testing.assert_array_equal(call(bag()), want)  # sums of a few whole numbers and halves: exact


def test_a_model_may_be_written_with_offsets() -> None:
    ids, offsets = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")
    made = keras.Model([ids, offsets], bag()(ids, offsets))
    np.testing.assert_array_equal(made([IDS, OFFSETS]), bag()((IDS, OFFSETS)))


def test_offsets_given_twice_are_refused() -> None:
    for call in (lambda: bag()(IDS, OFFSETS, offsets=OFFSETS), lambda: bag()((IDS, OFFSETS), offsets=OFFSETS)):
        with pytest.raises(TypeError, match="`offsets` must be given once"):
            call()
    with pytest.raises(ValueError, match="Give \\(ids, offsets\\) for flat ids"):
        bag()(IDS, WEIGHTS)  # floats are weights
