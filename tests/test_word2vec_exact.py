"""Exact training of every model and loss: examples, losses, and what is refused; the numbers are in compare/."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_emb.corpus import Draws, Vocabulary, lee_background, skipgram_draws
from tf_emb.layers.hierarchical_softmax import huffman
from tf_emb.word2vec import ExactTrainer, Examples, example_loss, linear_rates, start_tables

VOCAB, DIM = 9, 4
COUNTS = np.arange(VOCAB, 0, -1) * 3
LOSSES = ("negative-sampling", "hierarchical-softmax", "full-softmax")


def tables(seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [tf.Variable(rng.normal(size=(VOCAB, DIM))) for _ in range(2)]


def random_draws(pairs: int = 200) -> Draws:
    rng = np.random.default_rng(1)
    center, context = rng.integers(0, VOCAB, (2, pairs))
    progress = np.repeat(np.arange(pairs // 4), 4) / (pairs // 4)
    return Draws(np.repeat(center[::4], 4), context, rng.integers(0, VOCAB, (pairs, 3)), progress, pairs // 4)


def test_examples_of_skipgram_are_its_pairs() -> None:
    draws = random_draws()
    examples = Examples.skipgram(draws)
    assert len(examples) == len(draws)
    np.testing.assert_array_equal(examples.context[:, 0], draws.center)
    np.testing.assert_array_equal(examples.target, draws.context)


def test_examples_of_cbow_hold_each_window_once_and_in_order() -> None:
    documents = lee_background()[:3]
    draws = skipgram_draws(documents, Vocabulary.build(documents, min_count=1), np.random.default_rng(0), window=3)
    examples = Examples.cbow(draws)
    flat = examples.context[examples.context >= 0]
    np.testing.assert_array_equal(flat, draws.context)
    np.testing.assert_array_equal(np.repeat(examples.target, (examples.context >= 0).sum(1)), draws.center)
    assert np.all(np.diff(examples.progress) > 0)
    assert examples.context.shape[1] <= 6
    assert len(Examples.cbow(draws[:0])) == 0


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -x))


def skipgram_by_hand(W: np.ndarray, V: np.ndarray, draws: Draws, rates: np.ndarray) -> np.ndarray:
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


def test_skipgram_with_negative_sampling_is_ten_lines_of_numpy() -> None:
    draws, rates = random_draws(), np.random.default_rng(2).uniform(0.01, 0.3, 200)
    assert np.any(draws.noise == draws.context[:, None])  # noise left out
    assert any(len(set(noise)) < 3 for noise in draws.noise)  # one noise word twice
    assert np.any(draws.center == draws.context)
    trainer = ExactTrainer(tables(), example_loss("negative-sampling"))
    W, V = (table.numpy() for table in trainer.tables)
    losses = trainer.train(Examples.skipgram(draws), rates)
    # Each pair changes a row by a handful of roundings of 2**-53 ~ 1e-16, relative to entries of order 1. Over 200
    # pairs, on 9 words, that is below 200 * 10 * 1e-16 = 2e-13 if errors only add up.
    np.testing.assert_allclose(losses, skipgram_by_hand(W, V, draws, rates), rtol=0, atol=1e-12)
    for table, reference in zip(trainer.tables, (W, V), strict=True):
        np.testing.assert_allclose(table.numpy(), reference, rtol=0, atol=1e-12)


def sampled(logits: Any, noise: list[int]) -> tuple[Any, Any]:
    """The loss of negative sampling where the row of word i gives logits[i], word 0 is the target; its gradient."""
    with tf.GradientTape() as tape:
        tape.watch(logits)
        target, ids = tf.constant(0), tf.constant(noise, tf.int32)
        loss = example_loss("negative-sampling")(tf.ones(1, logits.dtype), logits[:, None], target, ids)
    return loss, tf.convert_to_tensor(tape.gradient(loss, logits))


@pytest.mark.parametrize("u", [-80.0, -3.0, 0.0, 80.0])
def test_the_sampled_loss_is_minus_log_sigmoid_however_large_the_logits(u: float) -> None:
    loss, _ = sampled(tf.constant([u, -u, 2.0], tf.float64), [1, 2])
    # -log sigmoid(u) = log(1 + e^-u) and -log sigmoid(-u) = log(1 + e^u), float64.
    assert float(loss) == pytest.approx(2 * np.logaddexp(0, -u) + np.logaddexp(0, 2), rel=1e-14)


@pytest.mark.parametrize("u", [-80.0, 80.0])
def test_the_sampled_loss_and_its_gradient_are_finite_in_float32(u: float) -> None:
    loss, gradient = sampled(tf.constant([u, -u]), [1])
    assert float(loss) == pytest.approx(2 * np.logaddexp(0, -u), rel=1e-6)
    np.testing.assert_allclose(gradient, [-sigmoid(np.array(-u)), sigmoid(np.array(-u))], rtol=1e-6)


def test_noise_that_is_the_target_is_left_out_of_loss_and_gradient() -> None:
    u = np.array([0.3, 1.0, -0.5])
    loss, gradient = sampled(tf.constant(u), [1, 0, 0])
    assert float(loss) == pytest.approx(np.logaddexp(0, -0.3) + np.logaddexp(0, 1.0), rel=1e-14)
    np.testing.assert_allclose(gradient, [sigmoid(u[0]) - 1, sigmoid(u[1]), 0], rtol=1e-14)


def test_the_sampled_loss_needs_no_noise_words() -> None:
    assert float(sampled(tf.constant([1.0]), [])[0]) == pytest.approx(np.logaddexp(0, -1), rel=1e-6)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-14)])
def test_losses_have_the_type_of_the_tables(dtype: str, rtol: float) -> None:
    trainer = ExactTrainer([t.astype(dtype) for t in start_tables(VOCAB, DIM)], example_loss("negative-sampling"))
    draws = random_draws()
    losses = trainer.train(Examples.skipgram(draws), np.full(200, 0.1))
    assert (losses.dtype, losses.shape) == (np.dtype(dtype), (200,))
    used = 1 + np.count_nonzero(draws.noise[0] != draws.context[0])
    np.testing.assert_allclose(losses[0], used * np.log(2), rtol=rtol)  # the output table starts at zero


@pytest.mark.parametrize("loss", LOSSES)
def test_training_again_gives_the_same_bits(loss: str) -> None:
    runs = []
    for _ in range(2):
        trainer = ExactTrainer(start_tables(VOCAB, DIM, seed=5), example_loss(loss, COUNTS))
        losses = trainer.train(Examples.cbow(random_draws()), np.full(50, 0.1))
        runs.append([losses, *(table.numpy() for table in trainer.tables)])
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


def test_no_examples_change_nothing() -> None:
    trainer = ExactTrainer(tables(), example_loss("negative-sampling"))
    before = [table.numpy() for table in trainer.tables]
    assert trainer.train(Examples.skipgram(random_draws()[:0]), np.zeros(0)).shape == (0,)
    np.testing.assert_array_equal(before, [table.numpy() for table in trainer.tables])


def test_variables_of_tensorflow_and_keras_are_trained_in_place_and_arrays_are_copied() -> None:
    array, variable = start_tables(VOCAB, DIM)[0], keras.Variable(np.zeros((VOCAB, DIM), np.float32))
    trainer = ExactTrainer([array, variable], example_loss("negative-sampling"))
    trainer.train(Examples.skipgram(random_draws()), np.full(200, 0.1))
    assert np.any(variable.value.numpy())
    np.testing.assert_array_equal(array, start_tables(VOCAB, DIM)[0])
    assert np.any(trainer.tables[0].numpy() != array)


def test_the_tables_start_as_in_word2vec_c() -> None:
    start, output = start_tables(400, 10, seed=3)
    assert start.shape == output.shape == (400, 10)
    assert np.all(np.abs(start) <= 0.05)
    assert abs(start.mean()) < 0.0023  # five standard deviations of the mean of 4000 uniform numbers
    assert np.abs(start).max() > 0.0495
    assert not np.any(output)
    np.testing.assert_array_equal(start, start_tables(400, 10, seed=3)[0])
    assert not np.any(start == start_tables(400, 10, seed=4)[0])


def test_linear_rates_fall_to_their_floor() -> None:
    progress = np.array([0, 0.25, 0.5, 0.9998, 0.99995])
    np.testing.assert_allclose(linear_rates(progress), [0.025, 0.01875, 0.0125, 5e-6, 2.5e-6], rtol=1e-9)
    np.testing.assert_allclose(linear_rates(progress, 0.2, 0.6), [0.2, 0.15, 0.12, 0.12, 0.12], rtol=1e-12)
    np.testing.assert_allclose(linear_rates(progress, start=1.0, floor=0)[1], 0.75)


def test_training_on_the_lee_corpus_learns() -> None:
    documents = lee_background()
    vocabulary, rng = Vocabulary.build(documents), np.random.default_rng(0)
    draws = skipgram_draws(documents[:10], vocabulary, rng, epochs=10)  # 70,000 pairs
    trainer = ExactTrainer(start_tables(len(vocabulary), 32), example_loss("negative-sampling"))
    losses = trainer.train(Examples.skipgram(draws), linear_rates(draws.progress, start=0.2))
    guess = 6 * np.log(2)  # one context and five noise words, each even odds
    assert abs(losses[0] - guess) < 1e-5
    first, fifth, last = (losses[epoch * len(losses) // 10 :][: len(losses) // 10].mean() for epoch in (0, 4, 9))
    assert guess > first > fifth > last
    assert last < 0.45 * guess
    # Not only which words are frequent: the same pairs with their contexts shuffled are less likely.
    contexts, none = (draws.context, rng.permutation(draws.context)), np.zeros(len(draws))  # a rate of 0 only measures
    true, shuffled = (
        trainer.train(Examples(draws.center[:, None], context, draws.noise, draws.progress), none).mean()
        for context in contexts
    )
    assert true < shuffled - 0.2


@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_moves_each_row_against_the_gradient_by_differences(loss: str) -> None:
    variables = tables()
    start = [table.numpy() for table in variables]
    trainer = ExactTrainer(variables, example_loss(loss, COUNTS))
    example = Examples(np.array([[2, 5, 2, -1]]), np.array([3]), np.array([[1, 3, 1]]), np.zeros(1))
    arguments = tuple(map(tf.constant, (example.context[0], example.target[0], example.noise[0])))

    def at(table: int, place: tuple[int, int], step: float) -> float:
        moved = start[table].copy()
        moved[place] += step
        variables[table].assign(moved)
        nats = float(trainer.loss(*arguments))
        variables[table].assign(start[table])
        return nats

    slopes = []
    for table in range(2):
        # Central differences of a smooth function at 1e-5: off by about 1e-10 from curvature, 1e-11 from rounding.
        slope = [(at(table, p, 1e-5) - at(table, p, -1e-5)) / 2e-5 for p in np.ndindex(VOCAB, DIM)]
        slopes.append(np.reshape(slope, (VOCAB, DIM)))
    before = float(trainer.loss(*arguments))
    assert trainer.train(example, np.array([0.5])) == pytest.approx([before], rel=1e-12)
    for table, old, slope in zip(variables, start, slopes, strict=True):
        np.testing.assert_allclose(table.numpy(), old - 0.5 * slope, rtol=0, atol=1e-8)


def test_the_gradient_of_word2vec_c_is_n_times_the_exact_one() -> None:
    moved = {}
    for gradient in ("exact", "word2vec.c"):
        variables = tables()
        start = variables[0].numpy()
        example = Examples(np.array([[2, 5, 7, -1]]), np.array([3]), np.array([[1, 4, 6]]), np.zeros(1))
        trainer = ExactTrainer(variables, example_loss("negative-sampling"), cbow_gradient=gradient)  # type: ignore[arg-type]
        trainer.train(example, np.array([0.25]))
        moved[gradient] = variables[0].numpy() - start
    np.testing.assert_allclose(moved["word2vec.c"], 3 * moved["exact"], rtol=1e-9, atol=1e-15)
    assert np.count_nonzero(moved["exact"].any(axis=1)) == 3


def test_hierarchical_softmax_takes_the_paths_of_huffman() -> None:
    codes, points, lengths = huffman(COUNTS)
    hidden, table = tf.constant(np.ones(DIM)), tables()[1]
    probability = sum(
        np.exp(-float(example_loss("hierarchical-softmax", COUNTS)(hidden, table, tf.constant(word), None)))
        for word in range(VOCAB)
    )
    assert probability == pytest.approx(1, abs=1e-12)
    want = sum(np.logaddexp(0, (2 * codes[4, i] - 1) * table.numpy()[points[4, i]].sum()) for i in range(lengths[4]))
    got = example_loss("hierarchical-softmax", COUNTS)(hidden, table, tf.constant(4), None)
    assert float(got) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: example_loss("softmax"),
            r"^`loss` must be one of negative-sampling, full-softmax, hierarch",
        ),
        (lambda: example_loss("hierarchical-softmax"), r"^`counts` must be given for hierarchical-softmax; got None"),
        (
            lambda: ExactTrainer(tables(), example_loss("full-softmax"), cbow_gradient="c"),  # type: ignore[arg-type]
            r"^`cbow_gradient` must be 'exact' or 'word2vec\.c'; got 'c'",
        ),
    ],
)
def test_what_there_is_not_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "rates", [np.ones(199), np.ones((200, 1)), 0.1, [0.1]], ids=["one less", "column", "number", "one"]
)
def test_rates_of_another_shape_are_refused_and_nothing_is_trained(rates: Any) -> None:
    trainer = ExactTrainer(tables(), example_loss("negative-sampling"))
    message = r"^`rates` must have shape \(200,\), one rate per example; got \(.*\)\. Use linear_rates\(examples\.prog"
    with pytest.raises(ValueError, match=message):
        trainer.train(Examples.skipgram(random_draws()), rates)
    for table, start in zip(trainer.tables, tables(), strict=True):
        np.testing.assert_array_equal(table.numpy(), start.numpy())


def test_an_example_without_context_is_refused() -> None:
    empty = Examples(np.array([[-1, -1]]), np.array([0]), np.array([[1]]), np.zeros(1))
    with pytest.raises(ValueError, match=r"^`examples` must each have a context word; got one without"):
        ExactTrainer(tables(), example_loss("negative-sampling")).train(empty, np.ones(1))
