"""Windows, and the draws of a whole training."""

from itertools import product

import numpy as np
import pytest

from tf_emb.corpus import Draws, Vocabulary, noise_distribution, skipgram_draws, skipgram_pairs

SIZES = (5, 1, 7, 12)
# Every word once, so that a word's id is its place in the corpus.
DISTINCT = [[f"{s}.{place}" for place in range(size)] for s, size in enumerate(SIZES)]
PLACES = Vocabulary.build(DISTINCT, min_count=1)
SENTENCE = np.repeat(np.arange(len(SIZES)), SIZES)
TOTAL = sum(SIZES)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def draw(seed: int = 0, **kwargs: object) -> Draws:
    return skipgram_draws(DISTINCT, PLACES, rng(seed), **{"sample": 0, **kwargs})


def same(a: Draws, b: Draws) -> bool:
    names = ("center", "context", "noise", "progress")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names) and a.kept_words == b.kept_words


@pytest.mark.parametrize(("size", "window"), list(product([2, 3, 4, 9], [1, 2, 5, 20])))
def test_pairs_are_those_of_the_radius_drawn_for_each_centre(size: int, window: int) -> None:
    radius = rng(size).integers(1, window + 1, size)
    expected = [(i, j) for i in range(size) for j in range(size) if i != j and abs(i - j) <= radius[i]]
    center, context = skipgram_pairs(rng(9).integers(0, 99, size), window, rng(size))
    assert list(zip(center.tolist(), context.tolist(), strict=True)) == expected
    assert center.dtype == context.dtype == np.int64


def test_radii_are_uniform() -> None:
    size, window = 20_000, 5
    center, context = skipgram_pairs(np.zeros(size, np.int64), window, rng())
    # Five standard deviations of the mean of 2r, r uniform in 1..5; the ends of the sentence miss 30 pairs at most.
    assert abs(len(center) / size - (window + 1)) < 5 * 2 * np.sqrt(2 / size) + 30 / size
    farthest = np.zeros(size, np.int64)
    np.maximum.at(farthest, center, np.abs(context - center))
    seen = np.bincount(farthest[window:-window], minlength=window + 1)
    expected = seen.sum() / window
    assert seen[0] == 0
    assert np.sum((seen[1:] - expected) ** 2 / expected) < 33.4  # chi-square, 4 degrees of freedom: one in a million


@pytest.mark.parametrize("size", [0, 1])
def test_a_sentence_without_neighbours_has_no_pairs(size: int) -> None:
    for positions in skipgram_pairs(np.zeros(size, np.int64), 5, rng()):
        np.testing.assert_array_equal(positions, np.array([], np.int64), strict=True)


@pytest.mark.parametrize("window", [0, -3])
def test_a_window_below_1_is_refused(window: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^`window` must be an integer of 1 or more; got {window}\. Use 1 for direct neighbours"
    ):
        skipgram_pairs(np.arange(4), window, rng())


def test_draws_are_plain_arrays_of_one_length() -> None:
    draws = draw(negatives=3)
    assert len(draws) == len(draws.center) == len(draws.context) == len(draws.progress) > 0
    assert draws.noise.shape == (len(draws), 3)
    assert [a.dtype for a in (draws.center, draws.context, draws.noise)] == [np.int64] * 3
    assert draws.progress.dtype == np.float64
    assert set(np.unique(draws.noise)) <= set(range(TOTAL))


def test_a_slice_takes_the_same_pairs_from_every_array() -> None:
    draws = draw()
    part = draws[3:8]
    assert len(part) == 5
    for name in ("center", "context", "noise", "progress"):
        np.testing.assert_array_equal(getattr(part, name), getattr(draws, name)[3:8])
    assert part.kept_words == draws.kept_words == TOTAL


def test_the_seed_decides_everything() -> None:
    options = {"sample": 0.01, "epochs": 2}
    assert same(draw(5, **options), draw(5, **options))
    assert not same(draw(5, **options), draw(6, **options))


def test_pairs_stay_within_their_sentence_and_within_the_window() -> None:
    draws = draw(window=4, epochs=5)
    np.testing.assert_array_equal(SENTENCE[draws.center], SENTENCE[draws.context])
    distance = np.abs(draws.center - draws.context)
    assert set(distance.tolist()) == {1, 2, 3, 4}


def test_direct_neighbours_are_each_seen_once_an_epoch() -> None:
    draws = draw(window=1)
    pairs = product(range(TOTAL), repeat=2)
    expected = [(i, j) for i, j in pairs if abs(i - j) == 1 and SENTENCE[i] == SENTENCE[j]]
    assert list(zip(draws.center.tolist(), draws.context.tolist(), strict=True)) == expected


def test_progress_is_the_share_of_kept_words_before_the_centre() -> None:
    draws = draw()
    np.testing.assert_array_equal(draws.progress, draws.center / TOTAL)
    twice = draw(epochs=2)
    first = np.count_nonzero(twice.progress < 0.5)
    before = twice.center + np.where(np.arange(len(twice)) < first, 0, TOTAL)
    np.testing.assert_array_equal(twice.progress, before / (2 * TOTAL))


def test_progress_never_falls_and_stays_below_1() -> None:
    progress = draw(sample=0.02, epochs=4).progress
    assert np.all(np.diff(progress) >= 0)
    assert progress[0] >= 0
    assert 0.8 < progress[-1] < 1


@pytest.mark.parametrize(
    ("max_words", "epochs", "kept"),
    [(1, 1, 5), (5, 1, 5), (6, 1, 6), (7, 1, 13), (14, 1, 25), (99, 1, 25), (None, 3, 75), (26, 3, 30), (99, 3, 75)],
)
def test_max_words_stops_at_the_end_of_the_sentence(max_words: int | None, epochs: int, kept: int) -> None:
    draws = draw(max_words=max_words, epochs=epochs)
    assert draws.kept_words == kept
    assert draws.center.max() == min(kept, TOTAL) - 1 - (kept == 6)  # the sixth word is alone in its sentence


def test_every_epoch_draws_windows_and_noise_anew() -> None:
    draws = draw(epochs=2)
    first = np.count_nonzero(draws.progress < 0.5)
    halves = draws[:first], draws[first:]
    assert all(set(half.center) == set(range(TOTAL)) - {5} for half in halves)
    pairs = [set(zip(half.center.tolist(), half.context.tolist(), strict=True)) for half in halves]
    assert pairs[0] != pairs[1]
    n = min(map(len, halves))
    assert not np.array_equal(halves[0].noise[:n], halves[1].noise[:n])


def test_every_epoch_subsamples_anew() -> None:
    words = tuple(f"w{i}" for i in range(200))
    vocabulary = Vocabulary(words, np.full(200, 10))
    draws = skipgram_draws([words], vocabulary, rng(), sample=0.001, epochs=2)  # each word survives with 0.65
    restart = np.flatnonzero(np.diff(draws.center) < 0)
    assert len(restart) == 1
    first, second = set(draws.center[: restart[0] + 1]), set(draws.center[restart[0] + 1 :])
    assert first != second
    assert draws.kept_words == len(first) + len(second)


def test_windows_reach_across_dropped_words() -> None:
    frequent = Vocabulary(("the", "a", "b"), np.array([10**9, 1, 1]))  # "the" survives once in thirty thousand
    draws = skipgram_draws([["a", "new", "the", "the", "b"]], frequent, rng(), window=1, sample=1e-9)
    assert list(zip(draws.center.tolist(), draws.context.tolist(), strict=True)) == [(1, 2), (2, 1)]


def test_noise_follows_the_counts_of_the_vocabulary() -> None:
    vocabulary = Vocabulary(("a", "b", "c"), np.array([810_000, 10_000, 160_000]))
    draws = skipgram_draws([["a", "b", "c"] * 500], vocabulary, rng(), sample=0)
    p = noise_distribution(vocabulary.counts)
    n = draws.noise.size
    # Five standard deviations of a binomial.
    assert np.all(np.abs(np.bincount(draws.noise.ravel()) - n * p) < 5 * np.sqrt(n * p * (1 - p)))


def test_sentences_may_be_a_generator_even_for_several_epochs() -> None:
    once = skipgram_draws((s for s in DISTINCT), PLACES, rng(), sample=0, epochs=3)
    assert same(once, draw(epochs=3))


@pytest.mark.parametrize(
    ("sentences", "kept"), [([], 0), ([["0.0"], ["1.0"]], 2), ([["0.0", "unknown"]], 1), ([["new", "words"]], 0)]
)
def test_nothing_to_learn_is_refused(sentences: list[list[str]], kept: int) -> None:
    message = (
        rf"^`sentences` must have a sentence with two words of the vocabulary; got {sum(map(len, sentences))} words in "
        rf"{len(sentences)} sentences, {kept} of them known\. Give text with a sentence in each line, or lower"
    )
    with pytest.raises(ValueError, match=message):
        skipgram_draws(sentences, PLACES, rng(), sample=0)
