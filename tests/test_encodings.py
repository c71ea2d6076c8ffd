"""The source notes' examples, step by step, and what the functions refuse."""

import doctest
from pathlib import Path

import numpy as np
import pytest

from tf_emb.methods import encodings
from tf_emb.methods.encodings import characters, dense, from_features, integer_encode, one_hot, scales
from tf_emb.projector import log_projection
from tf_emb.vectors import Vectors

ALPHABET = "亮漂很主公一二三妃王"  # the columns of the notes' ten; three of them they leave unnamed
PRINCESS = {"皇帝": 1.0, "宫里": 0.25, "女": 1.0}
CONSORT = {"皇帝": 0.6, "宫里": 0.75, "女": 1.0}


@pytest.fixture
def words() -> Vectors:
    return from_features({"公主": PRINCESS, "王妃": CONSORT})


def test_docstrings_tell_the_truth() -> None:
    assert doctest.testmod(encodings).attempted >= 4
    assert doctest.testmod(encodings).failed == 0


def test_step_1_a_sentence_as_integers() -> None:
    codes, labels = integer_encode(["deep", "learning", "is", "very", "deep"])
    assert codes.tolist() == [1, 2, 3, 4, 1]
    assert labels == ["deep", "learning", "is", "very"]  # five words, four of them different


def test_step_2_a_sentence_as_one_hot_vectors() -> None:
    codes = [ALPHABET.index(character) for character in "王妃很漂亮"]
    assert one_hot(codes, 10).astype(int).tolist() == [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        [0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]


def test_step_3_one_hot_vectors_say_nothing_of_relations() -> None:
    rows = one_hot([ALPHABET.index(character) for character in "公主王妃"], 10)
    assert np.array_equal(rows @ rows.T, np.eye(4))


def test_step_4_two_words_of_six_numbers_become_two_of_three() -> None:
    sparse = one_hot([4, 0], 6)
    table = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    short = dense(sparse, table)
    assert (sparse.shape, short.shape) == ((2, 6), (2, 3))
    assert (np.count_nonzero(sparse), np.count_nonzero(short)) == (2, 6)
    assert np.array_equal(short, table[[4, 0]])  # the product is a lookup: the 1 says which row


def test_step_5_words_as_sums_of_features(words: Vectors) -> None:
    assert np.array_equal(words.matrix, np.float32([[1.0, 0.25, 1.0], [0.6, 0.75, 1.0]]))
    emperor, palace, woman = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    sums = dense(words.matrix.astype(np.float64), np.stack([emperor, palace, woman]))
    assert np.allclose(sums[0], 1.0 * emperor + 0.25 * palace + 1.0 * woman, rtol=1e-6)
    assert words.columns["宫里"].tolist() == [0.25, 0.75]


def test_step_6_characters_are_halves_of_words(words: Vectors) -> None:
    halves = characters(words)
    assert "".join(halves.labels) == "公主王妃"
    expected = [[0.5, 0.125, 0.5]] * 2 + [[0.3, 0.375, 0.5]] * 2
    assert np.array_equal(halves.matrix, np.float32(expected))
    assert halves.columns["word"] == ["公主", "公主", "王妃", "王妃"]


def test_step_7_one_word_is_another_scaled(words: Vectors) -> None:
    found = scales(words, "公主", "王妃")
    assert np.array_equal(found, np.float32([0.6, 3, 1]))
    assert np.array_equal(words.matrix[0] * found, words.matrix[1])


def test_related_words_are_near_each_other_at_last(words: Vectors) -> None:
    assert words.similarity("公主", "王妃") > 0.8


def test_the_words_go_to_the_projector(words: Vectors, tmp_path: Path) -> None:
    run = log_projection(tmp_path, words, views=[])
    (metadata,) = run.rglob("*.tsv")
    assert metadata.read_text().splitlines()[0].split("\t") == ["label", "皇帝", "宫里", "女", "row"]


def test_shapes_types_and_nothing_at_all() -> None:
    codes, labels = integer_encode([], first=0)
    assert (codes.shape, codes.dtype, labels) == ((0,), np.int64, [])
    assert integer_encode([3, "3", 3, None], first=0)[0].tolist() == [0, 1, 0, 2]
    assert one_hot(np.zeros((2, 3), int), 4).shape == (2, 3, 4)
    assert one_hot(codes, 4).shape == (0, 4)
    assert one_hot([1, 2], 2, first=1).tolist() == [[1, 0], [0, 1]]
    assert characters(Vectors(["abc"], np.ones((1, 2), np.float32))).matrix.sum(0).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda words: one_hot([0.0], 2), TypeError, "`codes` must be integers; got float64"),
        (lambda words: one_hot([2], 2), ValueError, r"`codes` must be in 0\.\.1; got 2"),
        (lambda words: one_hot([0], 2, first=1), ValueError, r"`codes` must be in 1\.\.2; got 0"),
        (lambda words: dense(np.ones((2, 6)), np.ones((5, 3))), ValueError, r"`table` must have a row.*\(5, 3\)"),
        (lambda words: from_features({"公主": {}}), ValueError, "`weights` must name a feature"),
        (lambda words: scales(words, "公主", "皇后"), ValueError, "`target` must be one of the labels; got '皇后'"),
        (
            lambda words: scales(from_features({"a": {"x": 1}, "b": {"y": 1}}), "a", "b"),
            ValueError,
            r"no feature of 0; got \[1.0, 0.0\]",
        ),
    ],
)
def test_what_cannot_be_encoded_is_refused(words: Vectors, call, error, said) -> None:
    with pytest.raises(error, match=said):
        call(words)
