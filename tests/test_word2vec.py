"""word2vec: the loss, the model, and training against ten lines of NumPy."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.corpus import Draws, Vocabulary, lee_background, skipgram_draws
from tf_emb.word2vec import SkipGram, linear_rates, negative_sampling_loss, train_exact

SAVING = pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)
VOCAB, DIM, PAIRS, NEGATIVES = 7, 5, 300, 4


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -x))


def random_draws(pairs: int = PAIRS) -> Draws:
    """Return pairs over so few words that every kind of repetition occurs within a pair."""
    rng = np.random.default_rng(0)
    center, context = rng.integers(0, VOCAB, (2, pairs))
    return Draws(center, context, rng.integers(0, VOCAB, (pairs, NEGATIVES)), np.arange(pairs) / pairs, pairs)


def random_model(dtype: str = "float64", **kwargs: Any) -> SkipGram:
    model = SkipGram(VOCAB, DIM, dtype=dtype, **kwargs)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=(VOCAB, DIM)), rng.normal(size=(VOCAB, DIM))])
    return model


RATES = np.random.default_rng(2).uniform(0.01, 0.3, PAIRS)


def test_loss_is_minus_log_sigmoid_however_large_the_logits() -> None:
    positive = np.linspace(-80, 80, 33)
    negative = np.stack([positive[::-1], np.roll(positive, 5), np.zeros(33)], 1)
    loss = negative_sampling_loss(tf.constant(positive), tf.constant(negative), np.ones((33, 3), bool))
    # -log sigmoid(u) = log(1 + e^-u) and -log sigmoid(-u) = log(1 + e^u), float64.
    np.testing.assert_allclose(loss, np.logaddexp(0, -positive) + np.logaddexp(0, negative).sum(1), rtol=1e-14)


@pytest.mark.parametrize("logit", [-80.0, 80.0])
def test_loss_and_gradient_are_finite_in_float32(logit: float) -> None:
    positive, negative = tf.constant([logit]), tf.constant([[-logit]])
    with tf.GradientTape() as tape:
        tape.watch([positive, negative])
        loss = negative_sampling_loss(positive, negative, tf.constant([[True]]))
    np.testing.assert_allclose(loss, [2 * np.logaddexp(0, -logit)], rtol=1e-6)
    of_positive, of_negative = tape.gradient(loss, [positive, negative])
    np.testing.assert_allclose(of_positive, [-sigmoid(-np.array(logit))], rtol=1e-6)
    np.testing.assert_allclose(of_negative, [[sigmoid(-np.array(logit))]], rtol=1e-6)


def test_noise_that_is_not_valid_is_left_out_of_loss_and_gradient() -> None:
    positive, negative = tf.constant([0.3, -2.0], tf.float64), tf.constant([[1.0, -0.5], [0.7, 4.0]], tf.float64)
    valid = np.array([[True, False], [False, False]])
    with tf.GradientTape() as tape:
        tape.watch([positive, negative])
        loss = negative_sampling_loss(positive, negative, valid)
    expected = [np.logaddexp(0, -0.3) + np.logaddexp(0, 1.0), np.logaddexp(0, 2.0)]
    np.testing.assert_allclose(loss, expected, rtol=1e-14)
    of_positive, of_negative = tape.gradient(loss, [positive, negative])
    np.testing.assert_allclose(of_positive, sigmoid(positive.numpy()) - 1, rtol=1e-14)
    np.testing.assert_allclose(of_negative, np.where(valid, sigmoid(negative.numpy()), 0), rtol=1e-14)


def test_loss_without_noise_words() -> None:
    loss = negative_sampling_loss(tf.constant([0.0, 1.0]), tf.zeros((2, 0)), tf.zeros((2, 0), tf.bool))
    np.testing.assert_allclose(loss, [np.log(2), np.logaddexp(0, -1)], rtol=1e-6)


def test_the_tables_start_as_in_word2vec_c() -> None:
    center, context = SkipGram(400, 10, seed=3).get_weights()
    assert center.shape == context.shape == (400, 10)
    assert np.all(np.abs(center) <= 0.05)
    assert abs(center.mean()) < 0.0023  # five standard deviations of the mean of 4000 uniform numbers
    assert np.abs(center).max() > 0.0495
    assert not np.any(context)


def test_the_seed_decides_the_start() -> None:
    tables = [SkipGram(20, 4, seed=seed).get_weights()[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(tables[0], tables[1])
    assert not np.any(tables[0] == tables[2])


def test_logits_are_products_of_the_rows_context_first() -> None:
    model, draws = random_model(), random_draws()
    center, context = model.get_weights()
    outputs = context[np.concatenate([draws.context[:, None], draws.noise], 1)]
    logits = model((draws.center, draws.context, draws.noise))
    assert logits.shape == (PAIRS, 1 + NEGATIVES)
    np.testing.assert_allclose(logits, (center[draws.center][:, None] * outputs).sum(-1), rtol=1e-12, atol=1e-13)


def test_the_loss_of_a_pair_leaves_out_noise_that_is_the_context() -> None:
    model, draws = random_model(), random_draws()
    u = model((draws.center, draws.context, draws.noise)).numpy()
    noise = np.where(draws.noise == draws.context[:, None], 0, np.logaddexp(0, u[:, 1:]))
    losses = model.pair_loss(draws.center, draws.context, draws.noise)
    np.testing.assert_allclose(losses, np.logaddexp(0, -u[:, 0]) + noise.sum(1), rtol=1e-13)


def test_config_round_trip() -> None:
    original = SkipGram(VOCAB, DIM, seed=4, dtype="float64", name="words")
    copy = SkipGram.from_config(original.get_config())
    assert copy.get_config() == original.get_config()
    for a, b in zip(copy.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def saved_and_loaded(model: SkipGram, path: Path) -> SkipGram:
    model.save(path / "model.keras")
    return keras.models.load_model(path / "model.keras")


@SAVING
@pytest.mark.filterwarnings("ignore:Model 'skip_gram.*' had a build config:UserWarning")  # has a test of its own
def test_a_trained_model_comes_back_from_its_file(tmp_path: Path) -> None:
    model = random_model()
    train_exact(model, random_draws(), RATES)
    loaded = saved_and_loaded(model, tmp_path)
    assert type(loaded) is SkipGram
    assert loaded.get_config() == model.get_config()
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


@SAVING
@pytest.mark.parametrize("called", [True, False], ids=["trained", "fresh"])
def test_saving_and_loading_warns_of_nothing(called: bool, tmp_path: Path) -> None:
    model = random_model()
    if called:
        train_exact(model, random_draws(), RATES)
    loaded = saved_and_loaded(model, tmp_path)  # the tables exist from construction on: there is nothing to warn of
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


def train_numpy(W: np.ndarray, V: np.ndarray, draws: Draws, rates: np.ndarray) -> np.ndarray:
    """Train in place as the paper and word2vec.c write it; return the losses."""
    losses = []
    for c, o, noise, rate in zip(draws.center, draws.context, draws.noise, rates, strict=True):
        words = np.array([o, *(n for n in noise if n != o)])
        labels = np.arange(len(words)) == 0
        h, u = W[c].copy(), V[words] @ W[c]
        losses.append(np.logaddexp(0, np.where(labels, -u, u)).sum())
        e = sigmoid(u) - labels
        W[c] -= rate * e @ V[words]
        np.add.at(V, words, -rate * e[:, None] * h)
    return np.array(losses)


def test_train_exact_is_ten_lines_of_numpy() -> None:
    model, draws = random_model(), random_draws()
    assert np.any(draws.noise == draws.context[:, None])  # noise left out
    assert any(len(set(noise)) < NEGATIVES for noise in draws.noise)  # one noise word twice
    assert np.any(draws.center == draws.context)
    W, V = model.get_weights()
    losses = train_exact(model, draws, RATES)
    # Each pair changes a row by a handful of roundings of 2**-53 ~ 1e-16, relative to entries of order 1. Over 300
    # pairs, on 7 words, that is below 300 * 10 * 1e-16 = 3e-13 if errors only add up.
    expected = train_numpy(W, V, draws, RATES)
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-12)
    for table, reference in zip(model.get_weights(), (W, V), strict=True):
        np.testing.assert_allclose(table, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-14), ("mixed_bfloat16", 2**-7)])
def test_losses_have_the_type_of_the_tables(dtype: str, rtol: float) -> None:
    model, draws = SkipGram(VOCAB, DIM, dtype=dtype), random_draws(3)
    losses = train_exact(model, draws, np.full(3, 0.1))
    assert losses.dtype == model.get_weights()[0].dtype
    assert losses.shape == (3,)
    used = 1 + np.count_nonzero(draws.noise[0] != draws.context[0])
    np.testing.assert_allclose(losses[0], used * np.log(2), rtol=rtol)  # the context table starts at zero


def test_training_again_gives_the_same_bits() -> None:
    runs = []
    for _ in range(2):
        model = SkipGram(VOCAB, DIM, seed=5)
        runs.append([train_exact(model, random_draws(), RATES), *model.get_weights()])
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


def test_no_pairs_change_nothing() -> None:
    model = random_model()
    before = model.get_weights()
    assert train_exact(model, random_draws()[:0], RATES[:0]).shape == (0,)
    np.testing.assert_array_equal(before, model.get_weights())


@pytest.mark.parametrize("rates", [RATES[:-1], RATES[:, None], 0.1, [0.1]], ids=["one less", "column", "number", "one"])
def test_rates_of_another_shape_are_refused_and_nothing_is_trained(rates: Any) -> None:
    model = random_model()
    before = model.get_weights()
    message = r"^`rates` must have shape \(300,\), one rate for every pair; got \(.*\)\. Use linear_rates\(draws\.prog"
    with pytest.raises(ValueError, match=message):
        train_exact(model, random_draws(), rates)
    np.testing.assert_array_equal(before, model.get_weights())


def test_linear_rates_fall_to_their_floor() -> None:
    progress = np.array([0, 0.25, 0.5, 0.9998, 0.99995])
    np.testing.assert_allclose(linear_rates(progress), [0.025, 0.01875, 0.0125, 5e-6, 2.5e-6], rtol=1e-9)
    np.testing.assert_allclose(linear_rates(progress, 0.2, 0.6), [0.2, 0.15, 0.12, 0.12, 0.12], rtol=1e-12)
    np.testing.assert_allclose(linear_rates(progress, start=1.0, floor=0)[1], 0.75)


def test_training_on_the_lee_corpus_learns() -> None:
    documents = lee_background()
    vocabulary, rng = Vocabulary.build(documents), np.random.default_rng(0)
    draws = skipgram_draws(documents[:10], vocabulary, rng, epochs=10)  # 70,000 pairs
    model = SkipGram(len(vocabulary), 32, seed=0)
    losses = train_exact(model, draws, linear_rates(draws.progress, start=0.2))
    guess = 6 * np.log(2)  # one context and five noise words, each even odds
    assert abs(losses[0] - guess) < 1e-5
    first, fifth, last = (losses[epoch * len(losses) // 10 :][: len(losses) // 10].mean() for epoch in (0, 4, 9))
    assert guess > first > fifth > last
    assert last < 0.45 * guess
    # Not only which words are frequent: the same pairs with their contexts shuffled are less likely.
    contexts = draws.context, rng.permutation(draws.context)
    true, shuffled = (np.mean(model.pair_loss(draws.center, context, draws.noise)) for context in contexts)
    assert true < shuffled - 0.2
