"""The neural n-gram model: what it sees, computes, learns and keeps; and Kneser-Ney, its peer, by hand."""

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from compare.bench.methods.kneser_ney import KneserNey, discounts, mixed, mixture_weights
from compare.bench.methods.measures.ngram import Parts, consecutive, dealt, known
from tf_emb.methods.ngram import NGram, language_vocabulary, train_ngram, windows
from tf_emb.projector import log_projection

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

SENTENCES = [list("abcab"), list("abx")]
TURNS = [list("abcabc")] * 16 + [list("acbacb")] * 16  # the next letter follows from the two before, not from one


def test_windows_are_the_tokens_before_the_nearest_first() -> None:
    vocabulary = language_vocabulary(SENTENCES)
    assert vocabulary.words == ("<unk>", "</s>", "a", "b")
    assert vocabulary.counts.tolist() == [2, 2, 3, 3]
    inputs, targets = windows([list("abx"), []], vocabulary, 2)
    start = len(vocabulary)
    assert inputs.tolist() == [[start, start], [2, start], [3, 2], [0, 3], [start, start]]
    assert targets.tolist() == [2, 3, 0, 1, 1]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("direct", [False, True])
def test_logits_are_the_formula(tied: bool, direct: bool) -> None:
    model = NGram(7, 3, dim=4, hidden=5, tied=tied, direct=direct, seed=1)
    ids = np.array([[0, 7, 7], [2, 0, 6]])
    model.build()
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(rng.normal(size=weight.shape))
    C, H, d, U, b = (
        np.asarray(w)
        for w in (model.embedding.embeddings, model.tanh.kernel, model.tanh.bias, model.out.kernel, model.bias)
    )
    x = C[ids].reshape(2, -1)
    y = np.tanh(x @ H + d) @ U + (x @ np.asarray(model.straight.kernel) if direct else 0)
    y = (y @ C[:7].T if tied else y) + b
    assert np.allclose(model(ids), y, atol=1e-5)
    assert len(model.trainable_weights) == 5 + direct


@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_the_table_starts_with_its_spread_and_keeps_it_in_its_config(spread: float) -> None:
    model = NGram.from_config(NGram(500, 2, dim=20, spread=spread).get_config())
    model.build()
    assert np.std(model.embedding.embeddings) == pytest.approx(spread, rel=0.03)


def test_dropout_is_for_training_alone() -> None:
    model, ids = NGram(7, 3, dim=4, hidden=5, dropout=0.5), np.array([[0, 7, 7]])
    assert np.array_equal(model(ids), model(ids, training=False))
    assert not np.array_equal(model(ids), model(ids, training=True))


def test_it_learns_what_only_two_tokens_tell() -> None:
    options = {"dim": 8, "hidden": 16, "epochs": 15, "batch": 32, "rate": 0.02}
    two, one = (train_ngram(TURNS, order=order, **options) for order in (2, 1))
    # The first letter is sure, the second one of two; so is the end after six letters, since three are not seen.
    assert two.perplexity(TURNS) < 1.6 < 1.8 < one.perplexity(TURNS)
    assert two.losses["loss"][-1] < two.losses["loss"][0]
    (token, p), *_ = two.next_tokens(["a", "c"])
    assert token == "b"
    assert p > 0.9


def test_probabilities_sum_to_one_and_perplexity_is_their_mean() -> None:
    model = train_ngram(SENTENCES, order=2, dim=4, hidden=4, epochs=1, min_count=1)
    every = model.next_tokens(["a"], top=99)
    assert len(every) == len(model.vocabulary)
    assert sum(p for _, p in every) == pytest.approx(1, abs=1e-5)
    assert list(every) == sorted(every, key=lambda pair: -pair[1])
    logs = model.log_probabilities([["a", "b"]])
    assert logs.shape == (3,)
    assert math.exp(logs[1]) == pytest.approx(dict(every)["b"], rel=1e-5)
    assert model.perplexity([["a", "b"]]) == pytest.approx(math.exp(-logs.mean()))


def test_it_stops_by_the_held_out_sentences_and_keeps_the_best() -> None:
    options = {"order": 1, "dim": 4, "hidden": 8, "min_count": 1, "epochs": 30, "batch": 8, "rate": 0.2}
    held_out = [list("ba"), list("cb")]
    model = train_ngram([list("abcabc")] * 10, held_out=held_out, **options)
    losses = model.losses["val_loss"]
    assert len(losses) < 30
    assert math.log(model.perplexity(held_out)) == pytest.approx(min(losses), rel=1e-4)


def test_the_rate_falls_to_nothing_by_a_cosine_or_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[float]] = []

    class AdamW(keras.optimizers.AdamW):
        def __init__(self, rate: Any, **kwargs: Any) -> None:
            super().__init__(rate, **kwargs)
            seen.append([float(rate(step)) for step in range(7)] if callable(rate) else [rate])

    monkeypatch.setattr(keras.optimizers, "AdamW", AdamW)
    options = {"order": 1, "dim": 2, "hidden": 2, "epochs": 2, "batch": 4, "rate": 0.3}
    for schedule in ("cosine", "constant"):
        train_ngram(SENTENCES, schedule=schedule, **options)  # ten targets: three steps an epoch
    steps = np.arange(7)
    assert seen[0] == pytest.approx(0.3 * (1 + np.cos(np.pi * steps / 6)) / 2, abs=1e-7)
    assert seen[1] == [0.3]
    with pytest.raises(ValueError, match="`schedule` must be 'constant' or 'cosine'; got 'linear'"):
        train_ngram(SENTENCES, schedule="linear", **options)


def test_a_training_is_its_seed_and_is_saved(tmp_path: Path) -> None:
    first, again, other = (
        train_ngram(SENTENCES, order=2, dim=4, hidden=4, epochs=2, dropout=0.3, seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.vectors().matrix, again.vectors().matrix)
    assert not np.array_equal(first.vectors().matrix, other.vectors().matrix)
    first.network.save(tmp_path / "model.keras")
    ids = np.array([[2, 4], [0, 1]])
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert np.array_equal(loaded(ids), first.network(ids))


def test_vectors_have_tokens_and_counts_and_go_to_the_projector(tmp_path: Path) -> None:
    vectors = train_ngram(SENTENCES, order=2, dim=4, hidden=4, epochs=1).vectors()
    assert vectors.labels == ["<unk>", "</s>", "a", "b"]
    assert vectors.matrix.shape == (4, 4)
    assert list(vectors.columns["count"]) == [2, 2, 3, 3]
    assert list(log_projection(tmp_path, vectors, views=[]).rglob("*.tsv"))


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="`order` must be an integer of 1 or more; got 0"):
        NGram(5, 0)
    with pytest.raises(ValueError, match="`epochs` must be an integer of 1 or more; got 0"):
        train_ngram(SENTENCES, epochs=0)


def test_kneser_ney_by_hand() -> None:
    model = KneserNey([["a", "b"], ["a", "c"]], 5, order=2)
    end, start = model.END, model.START
    # Distinct words before: a 1, b 1, c 1, end 2; the discounts cannot be estimated, so 0.75.
    assert model.probability(("b",)) == pytest.approx(0.25 / 5 + 0.75 * 4 / 5 / 5)  # 0.17
    assert model.probability((end,)) == pytest.approx(1.25 / 5 + 0.12)  # 0.37
    assert model.probability(("a", "b")) == pytest.approx(0.25 / 2 + 0.75 * 0.17)
    assert model.probability((start, "a")) == pytest.approx(1.25 / 2 + 0.375 * 0.17)
    assert model.probability(("z", "a")) == pytest.approx(0.17)  # what was never seen says nothing
    logs = model.log_probabilities([["a"], []])
    assert np.exp(logs[[0, 2]]) == pytest.approx([1.25 / 2 + 0.375 * 0.17, 0.75 / 2 * 0.37])
    assert len(logs) == 3
    product = (1.25 / 2 + 0.375 * 0.17) * (0.25 / 2 + 0.75 * 0.17) * (0.25 + 0.75 * 0.37)
    assert model.perplexity([["a", "b"]]) == pytest.approx(product ** (-1 / 3))


def test_kneser_ney_sums_to_one_and_estimates_its_discounts() -> None:
    rng = np.random.default_rng(0)
    text = [rng.zipf(1.5, 12).clip(1, 20).tolist() for _ in range(200)]
    model = KneserNey(text, 21, order=3)
    for before in ((model.START, model.START), (1, 2), (20, 19), (model.START, 7)):
        total = sum(model.probability((*before, word)) for word in [*range(1, 21), model.END])
        assert total == pytest.approx(1)
    n1, n2, n3, n4 = (sum(count == k for count in model.counts[2].values()) for k in (1, 2, 3, 4))
    Y = n1 / (n1 + 2 * n2)
    expected = (0.0, 1 - 2 * Y * n2 / n1, 2 - 3 * Y * n3 / n2, 3 - 4 * Y * n4 / n3)
    assert discounts(model.counts[2]) == pytest.approx(expected)


def test_the_weights_of_a_mixture_are_the_likeliest() -> None:
    rng = np.random.default_rng(0)
    logs = np.log(rng.random((3, 500)))
    weights = mixture_weights(logs)
    assert weights.sum() == pytest.approx(1)
    best = mixed(logs, weights).mean()
    for other in rng.dirichlet(np.ones(3), 200):
        assert mixed(logs, other).mean() <= best + 1e-9


def test_a_mixture_leans_on_what_is_better_and_by_hand() -> None:
    good, bad = np.log(np.full(50, 0.5)), np.log(np.full(50, 0.1))
    assert mixture_weights(np.stack([good, bad])) == pytest.approx([1, 0], abs=1e-6)
    # Each is right half of the time: both weigh the same, and p = (0.8 + 0.2) / 2.
    turns = np.log(np.array([[0.8, 0.2], [0.2, 0.8]]))
    assert mixture_weights(turns) == pytest.approx([0.5, 0.5])
    assert np.exp(mixed(turns, mixture_weights(turns))) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("split", [dealt, consecutive])
def test_every_document_is_in_one_of_three_parts(split: Any) -> None:
    documents = [[str(i)] * (1 + i % 3) for i in range(100)]
    train, stop, test = split(documents)
    assert sorted([*train, *stop, *test]) == sorted(documents)
    assert len(train) == pytest.approx(80, abs=1)
    assert len(stop) == pytest.approx(10, abs=1)


def test_consecutive_parts_are_runs_cut_by_tokens_and_ends() -> None:
    # With their ends 80, 10 and 10 of 100; without them the first part would be more than eight tenths of 86.
    unequal = [["a"] * 19] * 4, [["b"]] * 5, [["c"]] * 5
    assert consecutive([*unequal[0], *unequal[1], *unequal[2]]) == unequal
    documents = [[str(i)] for i in range(50)]
    assert consecutive(documents) == (documents[:40], documents[40:45], documents[45:])
    judged = sorted(int(number) for [number] in dealt(documents)[2])
    assert judged[-1] - judged[0] > 5  # dealt out at random, they come from all over the text


def test_the_vocabulary_knows_nothing_of_what_is_judged() -> None:
    parts = Parts.of(([list("aab")], [list("bb")], [list("cc")]), 2)
    assert parts.vocabulary.words == ("<unk>", "</s>", "a")
    assert known(parts.vocabulary, list("acb")) == [2, 0, 0]
    assert len(parts.peer(2)) == 3
