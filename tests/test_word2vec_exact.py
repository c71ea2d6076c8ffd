"""Exact training of every model and loss: examples, losses, and what is refused; the numbers are in compare/."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tf_emb.corpus import Draws, Vocabulary, lee_background, skipgram_draws
from tf_emb.layers.hierarchical_softmax import huffman
from tf_emb.word2vec import ExactTrainer, Examples, SkipGram, example_loss, linear_rates, train_exact

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


def test_the_same_as_train_exact_for_skipgram_with_negative_sampling() -> None:
    draws, rates = random_draws(), linear_rates(random_draws().progress, 0.2)
    model, variables = SkipGram(VOCAB, DIM, dtype="float64"), tables()
    model.set_weights([table.numpy() for table in variables])
    want = train_exact(model, draws, rates)
    got = ExactTrainer(variables, example_loss("negative-sampling")).train(Examples.skipgram(draws), rates)
    # The same operations on the same numbers, but for the order of a few sums of numbers near 1, 200 times over.
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)
    for table, weights in zip(variables, model.get_weights(), strict=True):
        np.testing.assert_allclose(table.numpy(), weights, rtol=0, atol=1e-12)


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


def test_rates_and_contexts_are_checked_before_anything_is_trained() -> None:
    variables = tables()
    before = variables[0].numpy()
    trainer = ExactTrainer(variables, example_loss("negative-sampling"))
    examples = Examples.skipgram(random_draws())
    with pytest.raises(ValueError, match=r"^`rates` must have shape \(200,\), one rate for every example; got \(3,\)"):
        trainer.train(examples, np.ones(3))
    empty = Examples(np.array([[-1, -1]]), np.array([0]), np.array([[1]]), np.zeros(1))
    with pytest.raises(ValueError, match=r"^`examples` must have a context word each; got one without"):
        trainer.train(empty, np.ones(1))
    np.testing.assert_array_equal(variables[0].numpy(), before)
