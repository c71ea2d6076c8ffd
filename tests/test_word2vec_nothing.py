"""Nothing to learn: refused before the training, or said after it; and starting vectors that are no numbers."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tf_emb.corpus import EncodedCorpus, Vocabulary
from tf_emb.methods.glove import train_glove
from tf_emb.vectors import Vectors
from tf_emb.word2vec import ExactTrainer, Word2Vec, example_loss, start_tables
from tf_emb.word2vec.exact import Examples

TEXT = [["a", "b", "c"]] * 30


def model(**options: Any) -> Word2Vec:
    return Word2Vec(**{"dim": 4, "min_count": 1, "epochs": 1, "sample": 0, **options})


NOTHING = [[["a"], ["b"]] * 20, [["a", "a"]] * 20, [["x", "y"]] * 9, [[], []], []]


@pytest.mark.parametrize("text", NOTHING)
def test_a_text_with_nothing_to_learn_is_refused_before_the_training(text: list[list[str]]) -> None:
    of = model()
    of.build(Vocabulary(("a", "b", "c"), np.array([3, 2, 1])))
    known = [["a"] if sentence == ["a", "a"] else sentence for sentence in text]
    before = of.tables[0].numpy()
    calls: list[Callable[[], Any]] = [
        lambda: of.fit(known),
        lambda: of.evaluate(known),
        lambda: of.fit(TEXT, held_out=known),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"^`(corpus|held_out)` must have a sentence with two words of the vocab"):
            call()
    assert np.array_equal(of.tables[0].numpy(), before)


@pytest.mark.parametrize("text", NOTHING[:2] + NOTHING[3:])
@pytest.mark.parametrize("train", [lambda text: model().fit(text), lambda text: train_glove(text, 2, min_count=1)])
def test_a_first_text_with_nothing_to_learn_is_refused(text: list[list[str]], train: Callable[[Any], Any]) -> None:
    with pytest.raises(
        ValueError, match=r"must have (a sentence with two words|two different)|must leave at least one"
    ):
        train(text)


def test_what_subsampling_leaves_nothing_of_is_said() -> None:
    with pytest.warns(UserWarning, match=r"^Nothing was learned: `sample` = 1e-12 left no two neighbours of 90 words"):
        assert model(sample=1e-12).fit(TEXT).losses == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model().fit(TEXT)


def test_a_held_out_text_of_which_nothing_is_left_is_refused_before_the_training() -> None:
    of = model(sample=1e-9)
    with pytest.raises(ValueError, match=r"^`held_out` must hold two neighbouring words after subsampling"):
        of.fit(TEXT, held_out=[["a", "b"]])
    assert of.training.finished == 0


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e300])
def test_starting_vectors_that_are_not_finite_are_refused_with_the_word(wrong: float) -> None:
    vectors = Vectors(("a", "b"), np.array([[1.0, 2, 3, 4], [1, 2, wrong, 4]]), dtype=None)
    with pytest.raises(ValueError, match=r"^`vectors` must be finite; got that of 'b'"):
        model().build(Vocabulary(("a", "b"), np.array([2, 1])), vectors)


@pytest.mark.parametrize("wrong", [None, Vocabulary((), np.zeros(0)), Vocabulary(("a",), np.zeros(1))])
def test_a_vocabulary_without_words_is_refused(wrong: Any) -> None:
    of = model()
    with pytest.raises(ValueError, match=r"^`extend` must follow"):
        of.extend(Vocabulary(("a",), np.ones(1)))
    for call in (of.build, model().fit(TEXT).extend):
        with pytest.raises(ValueError, match=r"^`vocabulary` must "):
            call(wrong)


@pytest.mark.parametrize("wrong", ["ab", 5, [["a"]], ["zebra"]])
def test_frozen_words_are_a_list_of_known_words(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^`frozen` must be "):
        model().build(Vocabulary(("a", "b"), np.array([2, 1])), frozen=wrong)


def test_exact_training_refuses_one_word_words_without_rows_and_rates_that_are_no_numbers() -> None:
    example = Examples(np.array([[0]]), np.array([2]), np.zeros((1, 1), np.int64), np.zeros(1))
    for vocab, rate, said in ((1, 0.1, "`tables` must have two"), (2, 0.1, "words below 2"), (3, np.nan, "be finite")):
        trainer = ExactTrainer(start_tables(vocab, 2), example_loss("negative-sampling"))
        with pytest.raises(ValueError, match=said):
            trainer.train(example, np.array([rate]))


def test_the_end_of_a_piece_parts_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    from tf_emb.corpus import pairs

    monkeypatch.setattr(pairs, "PIECE", 2)
    vocabulary = Vocabulary(("a", "b"), np.array([1, 1]))
    for at in range(4):
        ids = np.full(6, -1, np.int32)
        ids[at : at + 2] = 0, 1
        pairs.check_pairs(EncodedCorpus(ids, vocabulary, 2, 2, 1))
    with pytest.raises(ValueError, match="two words of the vocabulary"):
        pairs.check_pairs(EncodedCorpus(np.array([0, -1, 1, -1, 0, -1], np.int32), vocabulary, 3, 3, 3))
