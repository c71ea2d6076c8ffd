"""What is done when nothing is said: as word2vec.c does it, and the same wherever it is asked."""

import inspect
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from tf_emb import corpus, layers, vectors, word2vec
from tf_emb.corpus import Vocabulary, as_encoded, count_vocabulary, encode_corpus, prepare, skipgram_draws

# "four" is a word too rare by one.
SENTENCES = [["five", "four", "nine"]] * 4 + [["five", "nine", "nine"]] + [["nine"]] * 3
WORDS = ("nine", "five")


@pytest.mark.parametrize(
    "count",
    [
        lambda: prepare(SENTENCES).vocabulary,
        lambda: as_encoded(SENTENCES).vocabulary,
        lambda: count_vocabulary(SENTENCES),
        lambda: Vocabulary.build(SENTENCES),
        lambda: Vocabulary.ranked([*WORDS, "four"], np.array([9, 5, 4])),
    ],
    ids=["prepare", "as_encoded", "count_vocabulary", "build", "ranked"],
)
def test_a_word_is_kept_that_occurs_five_times(count: Callable[[], Vocabulary]) -> None:
    assert count().words == WORDS
    assert count().counts.tolist() == [9, 5]


def test_a_corpus_that_is_encoded_stays_as_it_is_or_is_of_other_words() -> None:
    encoded = prepare(SENTENCES)
    assert as_encoded(encoded) is encoded
    assert as_encoded(encoded, encoded.vocabulary) is encoded
    other = Vocabulary(("nine", "ten"), np.array([1, 1]))
    with pytest.raises(ValueError, match="`corpus` must have this model's 2 words; got another vocabulary of 2"):
        as_encoded(encoded, other)
    again = as_encoded(SENTENCES, other)
    assert again.vocabulary is other
    assert again.ids.tolist() == encode_corpus(SENTENCES, other).ids.tolist()


def test_draws_are_those_of_word2vec_c() -> None:
    words = [f"{i % 40}" for i in range(2000)]
    sentences = [words[:700], words[700:]]
    counts = Counter(words)
    vocabulary = Vocabulary(tuple(counts), np.array(list(counts.values())))
    options = {"window": 5, "negatives": 5, "sample": 1e-3, "epochs": 1, "max_words": None}
    said = skipgram_draws(sentences, vocabulary, np.random.default_rng(0), **options)
    unsaid = skipgram_draws(sentences, vocabulary, np.random.default_rng(0))
    assert said.noise.shape == (len(said), 5)
    for name in ("center", "context", "noise", "progress"):
        np.testing.assert_array_equal(getattr(unsaid, name), getattr(said, name))
    assert said.kept_words == unsaid.kept_words < 2000


# Whoever changes one of these changes what others' programs do: it belongs into the changelog.
WORD2VEC = {
    "model": "skipgram", "loss": "negative-sampling", "dim": 100, "window": 5, "window_kind": "shrinking",
    "forward_only": False, "negatives": 5, "ns_exponent": 0.75, "sample": 1e-3, "min_count": 5, "max_vocab": None,
    "cbow_gradient": "exact", "epochs": 5, "rate": None, "floor": 1e-4, "threads": 1, "seed": 0, "block": 0,
    "blocks": 0, "shared_noise": 0, "limit": 6.0,
}  # fmt: skip
PINNED: dict[Callable[..., object], dict[str, object]] = {
    corpus.prepare: {"tokenize": "whitespace", "max_vocab": None, "path": None},
    corpus.encode_corpus: {"tokenize": "whitespace", "path": None},
    corpus.count_vocabulary: {"tokenize": "whitespace", "max_vocab": None},
    corpus.read_sentences: {"tokenize": "whitespace"},
    corpus.noise_distribution: {"exponent": 0.75},
    layers.Embedding: {
        "embeddings_initializer": "uniform", "mask_zero": None, "weights": None, "padding_idx": None, "max_norm": None,
        "norm_type": 2.0, "scale_grad_by_freq": False, "sparse": True, "trainable_rows": None, "out_of_range": "raise",
    },
    layers.EmbeddingBag: {"combiner": "mean", "include_last_offset": False, "default_id": None},
    layers.NegativeSampling: {
        "negatives": 5, "noise": None, "exponent": 0.75, "seed": None, "embeddings_initializer": "zeros",
    },
    layers.FullSoftmax: {"kernel_initializer": "zeros", "tied_to": None},
    layers.HierarchicalSoftmax: {"embeddings_initializer": "zeros"},
    layers.lookup: {"padding_idx": None, "scale_grad_by_freq": False, "out_of_range": "raise", "sparse": True},
    word2vec.Options: WORD2VEC,
    word2vec.Word2Vec: WORD2VEC,
    word2vec.EarlyStopping: {"patience": 1, "min_delta": 0.0, "restore_best": True},
    word2vec.ExactTrainer: {"cbow_gradient": "exact"},
    word2vec.linear_rates: {"start": 0.025, "floor": 1e-4},
    word2vec.start_tables: {"seed": 0},
    vectors.Vectors: {"columns": None, "dtype": np.float32},
    vectors.Vectors.most_similar: {"positive": None, "negative": None, "topn": 10, "restrict_vocab": None},
    vectors.Vectors.similar_by_word: {"topn": 10, "restrict_vocab": None},
    vectors.Vectors.similar_by_vector: {"topn": 10, "restrict_vocab": None},
    vectors.Vectors.neighbours: {"topn": 10, "restrict_vocab": None},
    vectors.Vectors.get_vector: {"norm": False},
    vectors.Vectors.to_embedding: {"freeze": True},
}  # fmt: skip


@pytest.mark.parametrize("of", PINNED, ids=lambda of: of.__qualname__)
def test_defaults(of: Callable[..., object]) -> None:
    found = {name: p.default for name, p in inspect.signature(of).parameters.items()}
    assert {name: found[name] for name in PINNED[of]} == PINNED[of]
