"""The loss on held-out text: the model's own, and the likelihood under the full softmax."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tf_emb.corpus import Vocabulary, encode_corpus, lee_background, prepare
from tf_emb.layers.hierarchical_softmax import huffman
from tf_emb.word2vec import Word2Vec, progress
from tf_emb.word2vec import likelihood as held_out
from tf_emb.word2vec.blocks import chunks
from tf_emb.word2vec.blocks.chunks import OBJECTIVES
from tf_emb.word2vec.likelihood import log_likelihood

RNG = np.random.default_rng(0)
VOCAB, DIM = 40, 6
COUNTS = np.append(1000, np.sort(RNG.integers(1, 200, VOCAB - 1))[::-1])
TABLES = [RNG.normal(size=(VOCAB, DIM)).astype(np.float32) for _ in range(2)]
TEXT = [[str(i) for i in RNG.integers(0, VOCAB, n)] for n in (30, 1, 2, 17, 50)]
KINDS = list(OBJECTIVES)


def random_model(**kwargs: Any) -> Word2Vec:
    """A model whose draws are all certain, so that its loss is a sum over the text alone."""
    options = {"dim": DIM, "window": 2, "window_kind": "fixed", "sample": 0, "block": 5, "blocks": 3, **kwargs}
    model = Word2Vec(**options)
    model.build(Vocabulary(tuple(map(str, range(VOCAB))), COUNTS))
    for table, values in zip(model.tables, TABLES, strict=True):
        table.assign(values)
    return model


def neighbours(window: int) -> list[tuple[int, list[int]]]:
    """Each place's word and the words around it."""
    return [
        (int(words[t]), [int(words[m]) for m in range(max(0, t - window), min(len(words), t + window + 1)) if m != t])
        for words in TEXT
        for t in range(len(words))
    ]


def output_loss(loss: str, h: np.ndarray, target: int) -> float:
    """The loss of one prediction, float64; of negative sampling without noise."""
    table = TABLES[1].astype(np.float64)
    if loss == "full-softmax":
        return float(np.log(np.exp(table @ h).sum()) - table[target] @ h)
    if loss == "negative-sampling":
        return float(np.logaddexp(0, -table[target] @ h))
    codes, points, lengths = huffman(COUNTS)
    path = slice(0, lengths[target])
    return float(np.logaddexp(0, -(1 - 2.0 * codes[target, path]) * (table[points[target, path]] @ h)).sum())


@pytest.mark.parametrize(("model", "loss"), KINDS)
def test_evaluate_is_the_mean_over_the_text(model: str, loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 64)  # two chunks, cut behind a sentence
    of = random_model(model=model, loss=loss, negatives=2, shared_noise=3, ns_exponent=60)
    noise = 0  # by count^60 it is every noise word
    v, found = TABLES[0].astype(np.float64), []
    for center, around in neighbours(2):
        if model == "cbow":
            hidden = [(v[around].mean(0), center)] if around else []
        else:
            swap = loss == "hierarchical-softmax"
            hidden = [(v[m if swap else center], center if swap else m) for m in around]
        for h, target in hidden:
            extra = 2 * np.logaddexp(0, TABLES[1][noise] @ h) if loss == "negative-sampling" else 0.0
            found.append(output_loss(loss, h, target) + extra)
    # Some 300 numbers of order 1 at float32, 100 of them to a sum.
    assert of.evaluate(TEXT) == pytest.approx(np.mean(found), rel=1e-5)


def test_evaluate_moves_nothing_and_gives_the_same_number_again() -> None:
    of = random_model(sample=1e-2, window_kind="shrinking")
    first = of.evaluate(TEXT)
    for table, values in zip(of.tables, TABLES, strict=True):
        np.testing.assert_array_equal(table.numpy(), values)
    assert of.evaluate(encode_corpus(TEXT, of.vocabulary)) == first
    assert random_model(sample=1e-2, window_kind="shrinking", threads=2).evaluate(TEXT) == first
    assert random_model(sample=1e-2, window_kind="shrinking", seed=1).evaluate(TEXT) != first
    of.tables[0].assign(-TABLES[0])
    assert of.evaluate(TEXT) != first
    of.build(of.vocabulary)  # other tables: the measure that was compiled for the old ones must not serve them
    assert of.evaluate(TEXT) == pytest.approx(6 * np.log(2), rel=1e-6)  # outputs of 0: even odds for 1 + 5 words


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_evaluate_is_what_training_reports_of_tables_that_stand_still(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 40)  # chunks, each with draws of its own
    monkeypatch.setattr(progress, "chunk_size", lambda ids, options: 40)
    of = random_model(model=model, rate=1e-30, epochs=1, sample=1e-2, window_kind="shrinking")
    before = of.evaluate(TEXT)
    assert of.fit(TEXT).losses == [before]
    assert of.training.done > 1


def test_evaluate_refuses_what_it_cannot_measure() -> None:
    with pytest.raises(ValueError, match=r"^`evaluate` must follow `fit`, `build` or `load`; got none\."):
        Word2Vec().evaluate(TEXT)
    with pytest.raises(
        ValueError, match=r"^`corpus` must have a sentence with two words of the vocabulary; got 3 words in 2 "
    ):
        random_model().evaluate([["1"], ["unknown", "2"]])
    with pytest.raises(ValueError, match=r"^`corpus` must have this model's 40 words; got another vocabulary of 2\."):
        random_model().evaluate(prepare([["x", "y"]], min_count=1))


# -1 ends sentences; two in a row, and one word alone.
IDS = np.array([3, 4, 3, 7, -1, 9, -1, -1, 1, 2, 2, 0, 5, 11, 3, -1], np.int32)
PRIOR = np.log(COUNTS / COUNTS.sum())


def expected_likelihood(window: int, prior: np.ndarray) -> float:
    """The mean over pairs, one after the other, float64."""
    v, out = (table.astype(np.float64) for table in TABLES)
    total = weights = 0.0
    for t in range(len(IDS)):
        for m in range(len(IDS)):
            if 0 < abs(m - t) <= window and np.all(IDS[min(t, m) : max(t, m) + 1] >= 0):
                u, weight = out @ v[IDS[t]] + prior, (window - abs(m - t) + 1) / window
                total, weights = total + weight * (np.log(np.exp(u).sum()) - u[IDS[m]]), weights + weight
    return total / weights


@pytest.mark.parametrize("window", [1, 3, 50])
@pytest.mark.parametrize("sizes", [(1 << 23, 1 << 15), (3 * VOCAB, 2), (1, 1)])
def test_log_likelihood_is_the_mean_over_pairs_in_blocks_of_any_size(
    window: int, sizes: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "LOGITS", sizes[0])
    monkeypatch.setattr(held_out, "PAIRS", sizes[1])
    tables = [table.astype(np.float64) for table in TABLES]
    got = log_likelihood(*tables, IDS, window=window)
    # A few hundred operations at float64 on numbers of order 1 to 10.
    assert got == pytest.approx(expected_likelihood(window, 0 * PRIOR), rel=1e-13)
    with_prior = log_likelihood(*tables, IDS, window=window, log_prior=PRIOR)
    assert with_prior == pytest.approx(expected_likelihood(window, PRIOR), rel=1e-13)
    assert log_likelihood(*tables, IDS, window=window, log_prior=PRIOR + 3) == pytest.approx(with_prior, rel=1e-13)


def test_log_likelihood_of_tables_that_know_nothing() -> None:
    zeros = tf.Variable(tf.zeros((VOCAB, DIM)))
    assert log_likelihood(zeros, zeros, IDS, window=2) == pytest.approx(np.log(VOCAB), rel=1e-6)
    pair = np.array([7, 2, -1], np.int32)
    unigram = -(PRIOR[7] + PRIOR[2]) / 2
    assert log_likelihood(zeros, zeros, pair, window=2, log_prior=PRIOR) == pytest.approx(unigram, rel=1e-6)


def test_log_likelihood_is_finite_however_large_the_logits() -> None:
    table = np.zeros((3, 1), np.float32)
    table[:, 0] = [300, -300, 1]
    assert log_likelihood(table, table, np.array([0, 1]), window=1) == pytest.approx(180_000, rel=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window": 0}, r"^`window` must be 1 or more; got 0\."),
        ({"ids": np.array([1, -1, 2])}, r"^`ids` must have two neighbouring words; got no pair\."),
        ({"ids": np.zeros(0, np.int32)}, r"^`ids` must have two neighbouring words; got no pair\."),
        (
            {"ids": np.array([1, VOCAB])},
            r"^`ids` must be one row of numbers .*39; got shape \(2,\) and 1 to 40",
        ),
        ({"ids": np.array([[1, 2]])}, r"^`ids` must be one row .*; got shape \(1, 2\)"),
        ({"output_table": TABLES[1][:-1]}, r"^`output_table` must have shape \(40, 6\); got \(39, 6\)\."),
        ({"log_prior": PRIOR[:-1]}, r"^`log_prior` must have shape \(40,\); got \(39,\)\."),
    ],
)
def test_log_likelihood_refuses_what_does_not_fit(wrong: Any, message: str) -> None:
    given = {"input_table": TABLES[0], "output_table": TABLES[1], "ids": IDS, "window": 2, **wrong}
    with pytest.raises(ValueError, match=message):
        log_likelihood(**given)


def test_both_measures_agree_where_nothing_is_drawn() -> None:
    """Full softmax without subsampling, whose only radius is 1."""
    of = random_model(loss="full-softmax", window=1, window_kind="shrinking")
    ids = encode_corpus(TEXT, of.vocabulary).ids
    assert log_likelihood(*of.tables, ids, window=1) == pytest.approx(of.evaluate(TEXT), rel=1e-5)


def test_training_predicts_held_out_text_better_than_counts_do() -> None:
    lee = lee_background()
    of = Word2Vec(dim=16, blocks=2, max_vocab=300, epochs=3, sample=0).fit(lee[:280])
    ids, counts = encode_corpus(lee[280:], of.vocabulary).ids, of.vocabulary.counts
    noise = 0.75 * np.log(counts)  # what the training drew noise by, but for a constant
    trained = log_likelihood(*of.tables, ids, window=5, log_prior=noise)
    nothing = tf.zeros_like(of.tables[0])
    assert trained < log_likelihood(nothing, nothing, ids, window=5, log_prior=np.log(counts)) - 0.02
