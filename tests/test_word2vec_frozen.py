"""Frozen rows: the vectors of some words stay, to the bit; the others learn beside them."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tf_emb.corpus import Vocabulary
from tf_emb.word2vec import Word2Vec
from tf_emb.word2vec.blocks.chunks import OBJECTIVES
from tf_emb.word2vec.blocks.step import Rows
from tf_emb.word2vec.tables import as_tensors, masks

RNG = np.random.default_rng(0)
TEXT = [[f"w{i}" for i in RNG.integers(0, 12, 20)] for _ in range(60)]
WORDS = tuple(f"w{i}" for i in range(12))
VOCABULARY = Vocabulary(WORDS, np.arange(24, 0, -2))
FAST = {"dim": 4, "epochs": 1, "blocks": 2, "block": 8, "sample": 0, "rate": 0.1}


def bits(table: Any) -> np.ndarray:
    return table.numpy().view(np.uint32)


def filled(**kwargs: Any) -> Word2Vec:
    """A model whose tables hold no zero row, but one negative zero each."""
    of = Word2Vec(**{**FAST, **kwargs})
    of.build(VOCABULARY)
    for table in of.tables:
        values = np.random.default_rng(1).normal(size=table.shape).astype(np.float32) / 4
        values[3, 1] = -0.0
        table.assign(values)
    return of


@pytest.mark.parametrize(("model", "loss"), list(OBJECTIVES))
def test_frozen_rows_stay_to_the_bit_and_the_others_move(model: str, loss: str) -> None:
    of = filled(model=model, loss=loss)
    output = () if loss == "hierarchical-softmax" else ("w3", "w0")
    of.freeze(["w3", "w5"], output=output)
    before = [bits(table) for table in of.tables]
    of.fit(TEXT)
    for table, old, words in zip(of.tables, before, (("w3", "w5"), output), strict=True):
        same = (bits(table) == old).all(axis=1)
        rows = 11 if loss == "hierarchical-softmax" and not words else 12  # inner nodes
        assert np.flatnonzero(same[:rows]).tolist() == sorted(VOCABULARY.ids[word] for word in words)
    of.freeze([])
    frozen = [bits(table) for table in of.tables]
    of.fit(TEXT)
    assert not any(
        (bits(table)[[0, 3, 5]] == old[[0, 3, 5]]).all(axis=1).any()
        for table, old in zip(of.tables, frozen, strict=True)
    )


def test_a_row_that_is_frozen_takes_no_gradient_that_is_not_finite() -> None:
    table = tf.Variable(np.float32([[-0.0, 1], [2, 3], [4, 5]]))
    rows = Rows.read(table, tf.constant([2, 0]))
    gradient = tf.constant([[np.nan, np.inf], [-1e-3, -np.inf]], tf.float32)
    rows.descend(table, gradient, tf.constant(0.1), 3.0, tf.constant([True, False, True]))
    np.testing.assert_array_equal(bits(table), np.float32([[-0.0, 1], [2, 3], [4, 5]]).view(np.uint32))


def test_the_others_learn_as_if_their_neighbours_had_only_just_been_read() -> None:
    """One step: what is frozen does not change what the rest is told."""
    free, held = filled(), filled()
    held.freeze(["w3"], output=["w0"])
    text = [list(WORDS)]  # 12 words in two blocks of 8: a single step
    for of in (free, held):
        of.fit(text)
    for i, frozen in enumerate((3, 0)):
        rest = np.arange(12) != frozen
        np.testing.assert_array_equal(bits(held.tables[i])[rest], bits(free.tables[i])[rest])


def test_without_frozen_rows_nothing_is_looked_up() -> None:
    assert as_tensors(masks(VOCABULARY, ())) == (None, None)
    of_input, of_output = as_tensors(masks(VOCABULARY, ["w1"]))
    assert of_input.numpy().nonzero()[0].tolist() == [1]
    assert of_output is None


def test_words_that_start_from_vectors_can_be_frozen_there() -> None:
    vectors, of = filled().vectors(), Word2Vec(**FAST)
    wider = Vocabulary(("new", *WORDS), np.arange(13, 0, -1))
    of.build(wider, vectors, frozen=[word for word in wider.words if word in vectors])
    start = bits(of.tables[0])
    of.fit([["new", *sentence] for sentence in TEXT])
    for word in WORDS:
        np.testing.assert_array_equal(of.vectors()[word], vectors[word])
    assert (bits(of.tables[0])[0] != start[0]).any()


def test_a_training_that_goes_on_from_a_file_keeps_them_frozen(tmp_path: Any) -> None:
    whole, stopped = filled(epochs=2), filled(epochs=2)
    for of in (whole, stopped):
        of.freeze(["w2"], output=["w7"])
    start = [bits(table) for table in whole.tables]
    whole.fit(TEXT)
    stopped.fit(TEXT, [lambda progress: True])
    stopped.save(tmp_path / "state")
    again = Word2Vec.load(tmp_path / "state").resume(TEXT)
    for one, other, old, row in zip(again.tables, whole.tables, start, (2, 7), strict=True):
        np.testing.assert_array_equal(bits(one), bits(other))
        np.testing.assert_array_equal(bits(one)[row], old[row])


def test_a_new_vocabulary_keeps_them_frozen() -> None:
    of = filled()
    of.freeze(["w2", "w11"], output=["w4"])
    rows = of.tables[0].numpy()[2], of.tables[1].numpy()[4]
    of.extend(Vocabulary(("new", "w4", "w2", "w9"), np.array([9, 8, 7, 6])))  # w11 is gone
    assert [mask.nonzero()[0].tolist() for mask in of.frozen] == [[2], [1]]
    of.fit([["new", *sentence] for sentence in TEXT])
    np.testing.assert_array_equal(of.tables[0].numpy()[2], rows[0])
    np.testing.assert_array_equal(of.tables[1].numpy()[1], rows[1])


def test_words_that_cannot_be_frozen_are_refused() -> None:
    of = filled(loss="hierarchical-softmax")
    with pytest.raises(ValueError, match=r"^`output` must be empty with hierarchical softmax, .*; got 1 words\."):
        of.freeze(["w1"], output=["w2"])
    for call in (lambda: of.freeze(["zebra"]), lambda: of.build(VOCABULARY, frozen=["zebra"])):
        with pytest.raises(ValueError, match=r"^`frozen` must be known words; got 'zebra'\."):
            call()
    with pytest.raises(ValueError, match=r"`frozen` must be a list of words; got 'w1'\. Use \[word\] for one\."):
        of.freeze("w1")
