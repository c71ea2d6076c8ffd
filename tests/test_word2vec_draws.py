"""The draws of block training against their exact probabilities, by chi-square, on the Lee corpus.

Seeds are fixed, so a test passes always or never; a share below ALPHA of the seeds would fail a right program.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import chi2

from tf_emb.corpus import Vocabulary, encode_corpus, keep_probability, lee_background, noise_distribution
from tf_emb.word2vec import Options
from tf_emb.word2vec.blocks.stream import Alias, Stream, draw_stream, radii, subsample

ALPHA = 1e-4
SAMPLE = 1e-3
ROUNDS = 20


def p_value(seen: np.ndarray, expected: np.ndarray, variance: np.ndarray, free: int) -> float:
    """Chance of counts as far from `expected` as `seen`, whose squares are divided by `variance`."""
    return float(chi2.sf(((seen - expected) ** 2 / variance).sum(), free))


@pytest.fixture(scope="module")
def lee() -> tuple[Vocabulary, np.ndarray]:
    documents = lee_background()
    vocabulary = Vocabulary.build(documents, min_count=5)
    return vocabulary, np.array(encode_corpus(documents, vocabulary).ids)


@pytest.fixture(scope="module")
def kept_counts(lee: tuple[Vocabulary, np.ndarray]) -> np.ndarray:
    """How often each word stayed in ROUNDS passes."""
    vocabulary, ids = lee
    keep = tf.constant(keep_probability(vocabulary.counts, SAMPLE), tf.float32)
    seen = np.zeros(len(vocabulary), np.int64)
    for number in range(ROUNDS):
        kept = subsample(tf.constant(ids), keep, tf.constant([16 * number, 0])).numpy()
        assert np.count_nonzero(kept < 0) == np.count_nonzero(ids < 0)
        seen += np.bincount(kept[kept >= 0], minlength=len(seen))
    return seen


def subsampling_p(counts: np.ndarray, seen: np.ndarray, probability: np.ndarray) -> float:
    """Each word is a binomial of its own; those that always stay must always have stayed."""
    trials, drawn = counts * ROUNDS, probability < 1
    if not np.array_equal(seen[~drawn], trials[~drawn]):
        return 0.0
    n, p = trials[drawn], probability[drawn]
    return p_value(seen[drawn], n * p, n * p * (1 - p), int(drawn.sum()))


def test_words_stay_with_the_probability_of_word2vec_c(lee: Any, kept_counts: np.ndarray) -> None:
    counts = lee[0].counts
    assert subsampling_p(counts, kept_counts, keep_probability(counts, SAMPLE)) > ALPHA


@pytest.mark.parametrize("wrong", ["the paper's rule", "two percent more"])
def test_the_test_of_subsampling_sees_a_wrong_rule(lee: Any, kept_counts: np.ndarray, wrong: str) -> None:
    counts = lee[0].counts
    right = keep_probability(counts, SAMPLE)
    other = np.minimum(1, np.sqrt(SAMPLE * counts.sum() / counts)) if "paper" in wrong else np.minimum(1, 1.02 * right)
    assert subsampling_p(counts, kept_counts, other) < ALPHA


def noise_p(counts: np.ndarray, exponent: float, against: float) -> float:
    draws = Alias(noise_distribution(counts, exponent)).draw((2_000_000,), tf.constant([7, 0])).numpy()
    expected = noise_distribution(counts, against) * len(draws)
    assert expected.min() > 5  # where the chi-square of a multinomial holds
    return p_value(np.bincount(draws, minlength=len(counts)), expected, expected, len(counts) - 1)


def test_noise_words_are_drawn_by_their_distribution(lee: Any) -> None:
    assert noise_p(lee[0].counts, 0.75, 0.75) > ALPHA
    assert noise_p(lee[0].counts, 0.5, 0.5) > ALPHA


def test_the_test_of_noise_sees_a_wrong_exponent(lee: Any) -> None:
    assert noise_p(lee[0].counts, 0.75, 0.74) < ALPHA


@pytest.mark.parametrize("words", [1, 2, 1759, 100_000])
def test_the_shares_of_the_alias_table_sum_to_the_distribution(words: int) -> None:
    """A word's probability is a sum of cells, each off by at most half a last place of float32 numbers up to 1."""
    distribution = noise_distribution(1e7 / np.arange(1, words + 1))
    alias = Alias(distribution)
    keep = alias.keep.astype(np.float64)
    assert np.all((keep >= 0) & (keep <= 1))
    assert np.all((alias.other >= 0) & (alias.other < words))
    held = keep + np.bincount(alias.other, 1 - keep, minlength=words)
    cells = 1 + np.bincount(alias.other, minlength=words)
    # And the float64 in which the table is made: a subtraction a cell, of shares up to words.
    resolution = cells * (2.0**-25 + 2.0**-52 * held)
    assert np.all(np.abs(held - distribution * words) <= resolution)


def laid_out(ids: np.ndarray, vocabulary: Vocabulary, **kwargs: Any) -> tuple[Stream, np.ndarray, Options]:
    """A stream of the whole corpus, and the ids that it kept."""
    options, seed = Options(**kwargs), tf.constant([32, 3])
    keep = tf.constant(keep_probability(vocabulary.counts, options.sample), tf.float32)
    alias = Alias(noise_distribution(vocabulary.counts))
    return (
        draw_stream(tf.constant(ids), keep, alias, options, seed),
        subsample(tf.constant(ids), keep, seed).numpy(),
        options,
    )


@pytest.mark.parametrize("window", [1, 5])
def test_radii_are_uniform(window: int) -> None:
    seen = np.bincount(radii((50_000,), Options(window=window), tf.constant([34, 3])), minlength=window + 1)
    assert seen[0] == 0
    assert len(seen) == window + 1
    expected = np.full(window, seen.sum() / window)
    assert window == 1 or p_value(seen[1:], expected, expected, window - 1) > ALPHA
    assert np.all(radii((50_000,), Options(window=window, window_kind="fixed"), tf.constant([34, 3])) == window)


def test_neighbouring_radii_and_noise_words_do_not_depend_on_each_other(lee: Any) -> None:
    """The table of radii against next radii, and of radii against noise words of the same block, by chi-square."""
    one_sentence = lee[1][lee[1] >= 0]
    of, _, options = laid_out(one_sentence, lee[0], sample=0)
    radius = of.left.numpy() - 1  # in one endless sentence, but for its first and last words
    inside = (radius >= 0).all(axis=-1) & (of.right.numpy() == of.left.numpy()).all(axis=-1)
    assert inside.sum() >= inside.size - options.blocks - 1  # the first block, and those behind the text
    radius, odd = radius[inside], of.noise.numpy()[inside][..., : options.block] % 2
    for left, right in ((radius[..., :-1], radius[..., 1:]), (radius[..., : odd.shape[-1]], odd)):
        table = np.zeros((left.max() + 1, right.max() + 1))
        np.add.at(table, (left.ravel(), right.ravel()), 1)
        expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
        free = (table.shape[0] - 1) * (table.shape[1] - 1)
        assert p_value(table, expected, expected, free) > ALPHA


def streams(of: Stream, options: Options) -> Iterator[np.ndarray]:
    """The centres of each of the streams that a step walks side by side, in order of the text."""
    centers = of.keys.numpy()[:, :, options.window : -options.window]
    yield from (centers[:, block].ravel() for block in range(options.blocks))


@pytest.mark.parametrize(
    "sizes",
    [{}, {"block": 7, "blocks": 3, "window": 2, "sample": 0}, {"block": 1, "blocks": 1}, {"blocks": 1, "window": 30}],
)
def test_the_layout_loses_and_doubles_nothing(lee: Any, sizes: dict[str, int]) -> None:
    """Every kept word is the centre of one place, in order; the rest is padding."""
    ids = lee[1][:5000] if sizes.get("block") == 1 else lee[1]
    of, kept, options = laid_out(ids, lee[0], **sizes)
    kept = kept[kept >= 0]
    text = np.concatenate(list(streams(of, options)))
    np.testing.assert_array_equal(text[: len(kept)], kept)
    assert np.all(text[len(kept) :] == -1)
    assert len(text) - len(kept) < options.block * options.blocks
