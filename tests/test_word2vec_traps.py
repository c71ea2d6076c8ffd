"""The traps of docs/word2vec.md: what each row names exists; and the ones that no other file tests."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from compare import SUITE
from tf_emb.corpus import Vocabulary, encode_corpus, skipgram_draws
from tf_emb.word2vec import ExactTrainer, Examples, Options, Progress, Word2Vec, example_loss
from tf_emb.word2vec.blocks.sampling import SkipGramSampling
from tf_emb.word2vec.blocks.step import take_step
from tf_emb.word2vec.blocks.stream import Alias, Stream, draw_stream

ROOT = Path(__file__).parent.parent
ROWS = [line for line in (ROOT / "docs" / "word2vec.md").read_text().splitlines() if re.match(r"\| \d+\.", line)]


def test_there_are_ten_traps() -> None:
    assert [int(re.match(r"\| (\d+)", row)[1]) for row in ROWS] == list(range(1, 11))  # type: ignore[index]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(".")[0].strip("| "))
def test_each_trap_names_cases_and_tests_that_exist(row: str) -> None:
    held_by = row.rstrip(" |").split("|")[-1]
    named, tests = re.findall(r"`([\w-]+)`", held_by), re.findall(r"(tests/\w+\.py)::(\w+)", held_by)
    assert named or tests
    assert set(named) <= set(SUITE.load())
    assert all(f"def {name}(" in (ROOT / path).read_text() for path, name in tests)


def one_block(words: np.ndarray, options: Options) -> Stream:
    keys = tf.constant(words[None].astype(np.int32))
    right = tf.ones((1, options.block), tf.int32)
    return Stream(keys, tf.zeros_like(right), right, tf.constant([[3]]))


def test_a_centre_has_one_more_pair_than_the_window_on_average() -> None:
    """Twice a radius uniform in 1..5 has mean 6 and variance 8: five standard deviations of the mean of 100,000."""
    options = Options(window=5, sample=0)
    ids = tf.zeros(100_000, tf.int32)
    of = draw_stream(ids, tf.ones(1), Alias(np.ones(1)), options, tf.constant([0, 0]))
    pairs = int(tf.reduce_sum(of.context_size()))
    assert abs(pairs / len(ids) - 6) < 5 * np.sqrt(8 / len(ids))


def test_word2vec_starts_as_word2vec_c() -> None:
    model = Word2Vec(dim=20, seed=1)
    model.build(Vocabulary(tuple(map(str, range(500))), np.ones(500, np.int64)))
    start, output = (table.numpy() for table in model.tables)
    assert 0.0249 < np.abs(start).max() <= 0.025
    assert abs(start.mean()) < 5 * 0.05 / np.sqrt(12 * start.size)
    assert not output.any()


@pytest.mark.parametrize("logit", [-9.0, 9.0])
def test_a_saturated_pair_still_learns_by_the_exact_sigmoid(logit: float) -> None:
    """Pair by pair and by blocks: the centre moves by rate (1 - sigmoid(u)), neither by the rate nor by nothing."""
    table = np.zeros((4, 2))
    table[0], table[1], table[3] = [1, 0], [logit, 0], [0, 1]
    missing = 1 / (1 + np.exp(logit))
    exact = [tf.Variable(table), tf.Variable(table)]
    example = Examples(np.array([[0]]), np.array([1]), np.zeros((1, 0), np.int64), np.zeros(1))
    ExactTrainer(exact, example_loss("negative-sampling")).train(example, np.array([0.5]))
    assert exact[0].numpy()[0, 0] - 1 == pytest.approx(0.5 * missing * logit, rel=1e-9)
    options = Options(dim=2, window=1, block=1, blocks=1, shared_noise=1, negatives=1, forward_only=True)
    blocks = tf.Variable(table), tf.Variable(table)
    at = one_block(np.array([-1, 0, 1]), options)
    take_step(SkipGramSampling(options), blocks, at, tf.constant(0.5, tf.float64), 3.0)
    assert blocks[0].numpy()[0, 0] - 1 == pytest.approx(0.5 * missing * logit, rel=1e-9)


def test_a_sentence_of_25000_words_loses_none() -> None:
    sentence = [str(i % 50) for i in range(25_000)]
    vocabulary = Vocabulary.build([sentence], min_count=1)
    draws = skipgram_draws([sentence], vocabulary, np.random.default_rng(0), sample=0, window=1)
    assert len(draws) == 2 * 25_000 - 2  # each has both neighbours, but for the ends
    options = Options(window=1, sample=0)
    ids = np.array(encode_corpus([sentence], vocabulary).ids)
    of = draw_stream(tf.constant(ids), tf.ones(50), Alias(np.ones(50) / 50), options, tf.constant([0, 0]))
    assert int(tf.reduce_sum(of.context_size())) == 2 * 25_000 - 2


def test_words_a_second_are_counted_before_subsampling_by_the_wall_clock() -> None:
    sentences, seen = [["often", "too"] * 10 for _ in range(100)], list[Progress]()
    model = Word2Vec(dim=4, sample=1e-4, epochs=1, min_count=1)

    def note(progress: Progress) -> Any:
        seen.append(progress)

    model.fit(sentences, callbacks=[note])
    assert seen[-1].raw_words >= 2000  # of which subsampling leaves about twenty
    assert seen[-1].raw_words_per_second == pytest.approx(seen[-1].raw_words / seen[-1].seconds)
