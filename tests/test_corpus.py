"""The corpus before anything is drawn from it: files, tokens, vocabulary, subsampling, noise."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tf_emb.corpus import (
    Vocabulary,
    draw_noise,
    keep_probability,
    lee_background,
    noise_distribution,
    read_sentences,
    subsample,
)
from tf_emb.corpus.tokenizers import words


class Fixed:
    """A generator that draws the numbers it was given."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = np.array(numbers)

    def random(self, shape: object) -> np.ndarray:
        return self.numbers.reshape(shape)


def test_lee_has_its_300_documents_in_words() -> None:
    documents = lee_background()
    assert len(documents) == 300
    assert documents[0][:6] == ["hundreds", "of", "people", "have", "been", "forced"]
    assert all(word.isalpha() and word == word.lower() for document in documents for word in document)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("It's 3 o'clock, NASA!\n", ["it", "s", "o", "clock", "nasa"]),
        ("snake_case x2y 1990s", ["snake", "case", "x", "y", "s"]),
        ("Straße ÉCOLE Ωmega", ["straße", "école", "ωmega"]),
        ("我爱 北京，天安门2008年", ["我爱", "北京", "天安门", "年"]),
        ("12 ٣٤ １２", []),  # digits of any script
        ("10 m² at ½ price", ["m", "at", "price"]),  # numbers that are not decimal digits either
        ("", []),
    ],
)
def test_words_are_lower_cased_runs_of_letters(line: str, expected: list[str]) -> None:
    assert words(line) == expected


def test_a_line_is_a_sentence_split_at_white_space(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("The 猫\t sat.\n\nzoë\r\nlast line".encode())
    expected = [["The", "猫", "sat."], [], ["zoë"], ["last", "line"]]
    assert list(read_sentences(path)) == expected
    assert list(read_sentences(str(path))) == expected


def test_a_tokenizer_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Ab 猫1\n", encoding="utf-8")
    assert list(read_sentences(path, lambda line: iter(line.strip()))) == [["A", "b", " ", "猫", "1"]]


@pytest.mark.parametrize("before", [b"ab\n", b"abcdefghi\n" * 5000], ids=["first block", "later block"])
def test_bytes_that_are_not_utf8_are_refused_with_their_place(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "latin1.txt"
    path.write_bytes(before + b"caf\xe9 au lait\n")
    message = rf"^`path` must be UTF-8 text; .*latin1.txt is not \(.* at byte {len(before) + 3}\)\. Convert it first"
    with pytest.raises(ValueError, match=message):
        list(read_sentences(path))


@pytest.mark.parametrize(("name", "reason"), [("missing.txt", "No such file"), ("", "Is a directory")])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"^`path` must be a readable file; got .*{name} \({reason}"):
        list(read_sentences(tmp_path / name))


SENTENCES = [["b", "a", "c"], ["a", "d", "b", "a"], ["c", "e"], []]  # a: 3; b, c: 2; d, e: 1


def test_words_are_ordered_by_count_and_ties_by_first_appearance() -> None:
    vocabulary = Vocabulary.build(SENTENCES, min_count=1)
    assert vocabulary.words == ("a", "b", "c", "d", "e")
    np.testing.assert_array_equal(vocabulary.counts, [3, 2, 2, 1, 1], strict=False)
    assert vocabulary.counts.dtype == np.int64
    assert len(vocabulary) == 5
    assert vocabulary.ids == {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}


def test_ties_keep_their_order_among_thousands_of_words() -> None:
    documents = lee_background()
    ranked = Counter(word for document in documents for word in document).most_common()
    built = Vocabulary.build(documents, min_count=2)
    assert list(zip(built.words, built.counts.tolist(), strict=True)) == [(word, n) for word, n in ranked if n >= 2]


@pytest.mark.parametrize(
    ("min_count", "max_vocab", "expected"),
    [(2, None, "abc"), (3, None, "a"), (1, 2, "ab"), (1, 4, "abcd"), (2, 4, "abc"), (1, 99, "abcde")],
)
def test_rare_words_are_left_out(min_count: int, max_vocab: int | None, expected: str) -> None:
    built = Vocabulary.build((s for s in SENTENCES), min_count=min_count, max_vocab=max_vocab)
    assert built.words == tuple(expected)
    assert len(built.counts) == len(expected)


def test_five_occurrences_are_enough_by_default() -> None:
    assert Vocabulary.build([["a"] * 5 + ["b"] * 4]).words == ("a",)


def test_encode_drops_words_that_are_not_in_the_vocabulary() -> None:
    vocabulary = Vocabulary.build(SENTENCES, min_count=2)
    ids = vocabulary.encode(["c", "d", "a", "new", "c"])
    np.testing.assert_array_equal(ids, np.array([2, 0, 2]), strict=True)
    for nothing in ([], ["new"]):
        np.testing.assert_array_equal(vocabulary.encode(nothing), np.array([], np.int64), strict=True)


def test_a_vocabulary_without_words_is_refused() -> None:
    message = r"^`min_count` must leave at least one word; got 4 for a corpus of 9 tokens and 5 types\. Lower it or"
    with pytest.raises(ValueError, match=message):
        Vocabulary.build(SENTENCES, min_count=4)


# 1000 words and sample 0.001, so that t/f is 1/count: sqrt and sum by hand.
COUNTS = np.array([875, 100, 16, 4, 1, 4])
KEEP = [875**-0.5 + 1 / 875, 0.11, 0.3125, 0.75, 1.0, 0.75]


def test_keep_probability_is_the_formula_of_word2vec_c() -> None:
    keep = keep_probability(COUNTS, 0.001)
    assert keep.dtype == np.float64
    np.testing.assert_allclose(keep, KEEP, rtol=1e-14)


def test_sample_0_keeps_every_word() -> None:
    np.testing.assert_array_equal(keep_probability(COUNTS, 0), np.ones(6))


def test_a_word_that_was_never_seen_has_a_probability_too() -> None:
    assert 0 < keep_probability(np.array([5, 0]), 1e-3)[1] <= 1


def test_negative_sample_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^`sample` must be a number of 0 or more; got -0\.5\. Use 0 to keep every word\.$"
    ):
        keep_probability(COUNTS, -0.5)


def test_each_place_survives_with_its_words_probability() -> None:
    places = 20_000
    ids = np.tile(np.arange(6), places)
    kept = np.bincount(subsample(ids, np.array(KEEP), np.random.default_rng(1)), minlength=6)
    p = np.array(KEEP)
    # Five standard deviations of a binomial; none at all where p is 1.
    assert np.all(np.abs(kept - places * p) <= 5 * np.sqrt(places * p * (1 - p)))


def test_survivors_keep_their_order() -> None:
    kept = subsample(np.arange(1000), np.full(1000, 0.5), np.random.default_rng(2))
    assert all(a < b for a, b in pairwise(kept))
    assert len(subsample(np.zeros(50, np.int64), np.zeros(1), np.random.default_rng(0))) == 0


def test_noise_is_proportional_to_count_to_the_three_quarters() -> None:
    np.testing.assert_allclose(noise_distribution(np.array([16, 81, 1])), np.array([8, 27, 1]) / 36, rtol=1e-15)
    np.testing.assert_allclose(noise_distribution(np.array([3, 1]), 1.0), [0.75, 0.25], rtol=1e-15)
    np.testing.assert_allclose(noise_distribution(np.array([3, 1, 9]), exponent=0), np.ones(3) / 3, rtol=1e-15)


DISTRIBUTION = np.array([0.4, 0.3, 0.0, 0.2, 0.07, 0.03])


@pytest.mark.parametrize("scale", [1.0, 0.9, 3.0], ids="sum {}".format)
def test_noise_is_drawn_from_its_distribution(scale: float) -> None:
    drawn = draw_noise(DISTRIBUTION * scale, 60_000, np.random.default_rng(3))
    seen = np.bincount(drawn, minlength=6)
    assert seen[2] == 0
    expected = 60_000 * DISTRIBUTION[DISTRIBUTION > 0]
    statistic = np.sum((seen[DISTRIBUTION > 0] - expected) ** 2 / expected)
    assert statistic < 33.4  # chi-square with 4 degrees of freedom exceeds it once in a million


@pytest.mark.parametrize("shape", [(7, 3), (0, 5), (4, 0), 6, (2, 3, 2)])
def test_noise_has_the_shape_asked_for(shape: int | tuple[int, ...]) -> None:
    drawn = draw_noise(DISTRIBUTION, shape, np.random.default_rng(4))
    assert drawn.shape == (shape if isinstance(shape, tuple) else (shape,))
    assert drawn.dtype == np.int64


@pytest.mark.parametrize("sum_", [1 - 1e-9, 1.0, 1 + 1e-9])
def test_the_ends_of_the_unit_interval_give_the_first_and_the_last_word(sum_: float) -> None:
    distribution = np.array([0.0, *[sum_ / 10] * 10])
    drawn = draw_noise(distribution, 2, Fixed(0.0, np.nextafter(1, 0)))
    assert drawn.tolist() == [1, 10]  # word 0 has probability 0


@pytest.mark.parametrize(("number", "word"), [(0.24, 0), (0.25, 1), (0.74, 1), (0.75, 2), (0.99, 2)])
def test_a_draw_inverts_the_cumulative_sum(number: float, word: int) -> None:
    assert draw_noise(np.array([0.25, 0.5, 0.25]), 1, Fixed(number)).tolist() == [word]
