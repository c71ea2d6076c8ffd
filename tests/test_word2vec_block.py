"""word2vec by blocks: each objective against plain loops over pairs, the layout of text, and whole trainings."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tf_emb.corpus import Vocabulary, lee_background
from tf_emb.layers.hierarchical_softmax import huffman
from tf_emb.word2vec import Options, Progress, Word2Vec
from tf_emb.word2vec.blocks.chunks import OBJECTIVES, split
from tf_emb.word2vec.blocks.step import Rows, take_step
from tf_emb.word2vec.blocks.stream import (
    Alias,
    Bands,
    Stream,
    band_weights,
    draw_stream,
    reach,
    sentences,
    sizes,
    subsample,
)

VOCAB, DIM = 13, 4
RNG = np.random.default_rng(0)
COUNTS = RNG.integers(1, 50, VOCAB)
TABLES = RNG.normal(size=(VOCAB, DIM)), RNG.normal(size=(VOCAB, DIM))
SMALL = {"dim": DIM, "window": 2, "negatives": 3, "block": 3, "blocks": 2, "shared_noise": 5, "limit": 1e9}
KINDS = list(OBJECTIVES)


KEYS = np.array([[1, 2, 1, -1, 4, 5, 1], [3, 3, 2, 12, 0, -1, -1]], np.int32)
RADIUS = np.array([[1, 2, 2], [2, 1, 2]], np.int32)


def one_step(o: Options) -> Stream:
    """Two blocks; words repeat, a place in the first and two in the second hold no word, and windows end there."""
    left, right = np.zeros((2, 2, 3), np.int32)
    for b, t, _, m in pairs(o):
        (left if m < t + o.window else right)[b, t] += 1
    noise = RNG.integers(0, VOCAB, (2, 5)).astype(np.int32)
    return Stream(*map(tf.constant, (KEYS, left, right, noise)))


def pairs(o: Options) -> list[tuple[int, int, int, int]]:
    """Every (block, centre's place in it, centre's word, context's column), from the definition of a window."""
    found = []
    for b in range(o.blocks):
        for t in range(o.block):
            p = t + o.window
            for m in range(p - o.window, p + o.window + 1):
                same = not (KEYS[b, min(p, m) : max(p, m) + 1] < 0).any()
                ahead = m > p if o.forward_only else m != p
                if same and ahead and abs(m - p) <= RADIUS[b, t]:
                    found.append((b, t, int(KEYS[b, p]), m))
    return found


def nll(x: Any) -> Any:
    return tf.math.softplus(-x)


def expected(o: Options, at: Stream, tables: list[Any]) -> Any:
    """The loss as a sum over pairs or centres, differentiable by a tape."""
    v, out = tables
    codes, points, lengths = huffman(COUNTS)

    def output_loss(h: Any, target: int, b: int) -> Any:
        if o.loss == "full-softmax":
            return tf.reduce_logsumexp(tf.linalg.matvec(out, h)) - tf.tensordot(out[target], h, 1)
        if o.loss == "hierarchical-softmax":
            return sum(
                nll((1 - 2 * codes[target, i]) * tf.tensordot(out[points[target, i]], h, 1))
                for i in range(lengths[target])
            )
        noise = sum(nll(-tf.tensordot(out[n], h, 1)) for n in at.noise.numpy()[b])
        return nll(tf.tensordot(out[target], h, 1)) + noise * o.negatives / o.shared_noise

    found = [(b, t, c, int(KEYS[b, m])) for b, t, c, m in pairs(o)]
    if o.model == "skipgram":
        swap = o.loss == "hierarchical-softmax"  # where the centre is predicted, as in word2vec.c
        return sum(output_loss(v[m if swap else c], c if swap else m, b) for b, _, c, m in found)
    centers: dict[tuple[int, int, int], list[int]] = {}
    for b, t, c, m in found:
        centers.setdefault((b, t, c), []).append(m)
    return sum(output_loss(tf.reduce_mean(tf.gather(v, ms), 0), c, b) for (b, _, c), ms in centers.items())


@pytest.mark.parametrize("forward_only", [False, True])
@pytest.mark.parametrize(("model", "loss"), KINDS)
def test_a_step_is_gradient_descent_on_the_sum_over_pairs(model: str, loss: str, forward_only: bool) -> None:
    o = Options(model=model, loss=loss, forward_only=forward_only, **SMALL)  # type: ignore[arg-type]
    at = one_step(o)
    want = [tf.Variable(table) for table in TABLES]
    with tf.GradientTape() as tape:
        expected_loss = expected(o, at, want)
    gradients = [tf.convert_to_tensor(g) for g in tape.gradient(expected_loss, want)]
    tables = tuple(tf.Variable(table) for table in TABLES)
    got, count = take_step(OBJECTIVES[model, loss](o, COUNTS), tables, at, tf.constant(0.1, tf.float64), o.limit)
    # A few hundred operations at float64 on numbers below 10.
    np.testing.assert_allclose(got, expected_loss, rtol=1e-12)
    found = pairs(o)
    assert count == (len(found) if model == "skipgram" else len({(b, t) for b, t, _, _ in found}))
    for table, start, gradient in zip(tables, TABLES, gradients, strict=True):
        np.testing.assert_allclose(table.numpy(), start - 0.1 * gradient.numpy(), rtol=0, atol=1e-13)
        assert np.any(gradient != 0)


def test_the_gradient_of_word2vec_c_gives_each_context_word_all_of_the_error() -> None:
    """Every centre has both neighbours in its window and no others: its error comes back twice, not as two halves."""
    moved, words = {}, tf.constant([[1, 2, 3, 4, 5]])
    at = Stream(words, *[tf.ones((1, 3), tf.int32)] * 2, tf.constant([[6, 7, 8, 6, 1]]))
    for way in ("exact", "word2vec.c"):
        o = Options(model="cbow", cbow_gradient=way, window_kind="fixed", **{**SMALL, "window": 1, "blocks": 1})
        tables = tuple(tf.Variable(table) for table in TABLES)
        take_step(OBJECTIVES["cbow", "negative-sampling"](o, COUNTS), tables, at, tf.constant(0.1, tf.float64), o.limit)
        moved[way] = [table.numpy() - start for table, start in zip(tables, TABLES, strict=True)]
    np.testing.assert_allclose(moved["word2vec.c"][0], 2 * moved["exact"][0], rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(moved["word2vec.c"][1], moved["exact"][1])


def test_a_row_moves_by_at_most_the_limit_times_its_mean_gradient() -> None:
    table = tf.Variable(np.ones((4, 2), np.float32))
    rows = Rows.read(table, tf.constant([[2, 2, 0], [2, 2, 2]]))
    rows.descend(table, tf.ones((2, 3, 2)), tf.constant(0.25), 3.0)
    np.testing.assert_array_equal(table.numpy()[:, 0], [0.75, 1, 0.25, 1])  # 5 places count as 3


def test_bands_are_the_places_within_reach() -> None:
    o = Options(**SMALL)  # type: ignore[arg-type]
    at = one_step(o)
    weight = Bands(band_weights(o)).of(at, tf.float64).numpy()
    want = np.zeros_like(weight)
    for b, t, _, m in pairs(o):
        want[b, t, m] = 1
    np.testing.assert_array_equal(weight, want)
    np.testing.assert_array_equal(Bands(sizes(o)).of(at, tf.float64)[..., 0], want.sum(2))


def test_windows_end_with_their_sentence_and_at_their_radius() -> None:
    ids = tf.constant([5, 6, 7, -1, -1, 8, -1, 9, 10])
    words, before, behind = (of.numpy().tolist() for of in sentences(ids))
    assert words == [5, 6, 7, 8, 9, 10]
    assert before == [0, 1, 2, 0, 0, 1]
    assert behind == [2, 1, 0, 0, 1, 0]
    radius = tf.constant([1, 2, 2, 2, 1, 2])
    for forward, left in ((False, [0, 1, 2, 0, 0, 1]), (True, [0] * 6)):
        sides = reach(radius, tf.constant(before), tf.constant(behind), Options(forward_only=forward))
        assert [side.numpy().tolist() for side in sides] == [left, [1, 1, 0, 0, 1, 0]]


def test_every_kept_word_is_a_centre_once_with_its_true_neighbours() -> None:
    o = Options(**SMALL)  # type: ignore[arg-type]
    ids = RNG.integers(0, VOCAB, 200).astype(np.int32)
    ids[[17, 60, 61, 140]] = -1
    words = ids[ids >= 0]
    of = draw_stream(tf.constant(ids), tf.ones(VOCAB), Alias(np.ones(VOCAB) / VOCAB), o, tf.constant([0, 0]))
    padded = np.pad(words, o.window, constant_values=-1)
    around = of.keys.numpy().transpose(1, 0, 2).reshape(-1, o.block + 2 * o.window)
    for k, got in enumerate(around):
        want = padded[k * o.block :][: len(got)]
        np.testing.assert_array_equal(got[: len(want)], want)
        assert np.all(got[len(want) :] == -1)
    left, right = (side.numpy().transpose(1, 0, 2).reshape(-1) for side in (of.left, of.right))
    assert not left[len(words) :].any()
    assert not right[len(words) :].any()
    sentence = np.cumsum(ids < 0)[ids >= 0]
    for p in range(len(words)):
        reached = sentence[p - left[p] : p + right[p] + 1]
        assert np.all(reached == sentence[p])
        assert max(left[p], right[p]) >= 1 or (sentence == sentence[p]).sum() == 1
    assert {*left, *right} == {0, 1, 2}
    assert of.kept == len(words)


def test_subsampling_keeps_by_chance_and_never_drops_the_end_of_a_sentence() -> None:
    keep = tf.constant([1.0, 0.0, 0.5])
    ids = tf.constant(np.tile(np.array([0, 1, 2, -1], np.int32), 4000))
    kept = Counter(subsample(ids, keep, tf.constant([3, 4])).numpy().tolist())
    assert (kept[0], kept[1], kept[-1]) == (4000, 0, 4000)
    assert abs(kept[2] - 2000) < 5 * np.sqrt(1000)  # five standard deviations


def test_the_alias_table_holds_the_distribution() -> None:
    share = RNG.random(1000) ** 8
    share /= share.sum()
    alias = Alias(share)
    held = alias.keep.astype(np.float64) + np.bincount(alias.other, 1 - alias.keep.astype(np.float64), 1000)
    np.testing.assert_allclose(held / 1000, share, rtol=0, atol=1000 * 2**-24 / 1000)
    drawn = np.bincount(alias.draw((200_000,), tf.constant([1, 2])), minlength=1000)
    often = share * 200_000 > 5
    chi_square = (((drawn - share * 200_000) ** 2) / (share * 200_000))[often].sum()
    assert abs(chi_square - often.sum()) < 5 * np.sqrt(2 * often.sum())


def test_chunks_end_behind_sentences_and_lose_nothing() -> None:
    ids = np.zeros(1000, np.int32)
    ids[9::10] = -1
    parts = list(split(ids, 98))
    assert [part.number for part in parts] == list(range(len(parts)))
    assert all(a.stop == b.start for a, b in pairwise(parts))
    assert (parts[0].start, parts[-1].stop) == (0, 1000)
    assert all(ids[part.stop - 1] == -1 for part in parts)
    endless = list(split(np.zeros(1000, np.int32), 98))
    assert [part.stop for part in endless][:2] == [98, 196]


@pytest.fixture(scope="module")
def lee() -> list[list[str]]:
    return lee_background()


FAST = {"dim": 20, "epochs": 3, "blocks": 2}


@pytest.mark.parametrize(("model", "loss"), KINDS)
def test_training_lowers_the_loss_and_is_the_same_bit_for_bit(lee: Any, model: str, loss: str) -> None:
    runs = [Word2Vec(model=model, loss=loss, max_vocab=500, **FAST).fit(lee[:100]) for _ in range(2)]
    assert runs[0].losses[-1] < runs[0].losses[0]
    assert runs[0].losses == runs[1].losses
    for one, other in zip(runs[0].tables, runs[1].tables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    other_seed = Word2Vec(model=model, loss=loss, max_vocab=500, seed=1, **FAST).fit(lee[:100])
    assert np.any(other_seed.tables[0].numpy() != runs[0].tables[0].numpy())


def test_two_threads_train_too(lee: Any) -> None:
    """Without locks one thread's rows may be overwritten by the other's, which costs a small corpus the most."""
    one, two = (Word2Vec(threads=threads, **FAST).fit(lee).losses for threads in (1, 2))
    assert one[1] < one[0]
    assert two[1] < two[0]
    assert abs(one[1] - two[1]) < 0.3


def test_callbacks_see_the_progress_and_may_stop_it(lee: Any) -> None:
    seen: list[Progress] = []
    Word2Vec(**FAST).fit(lee, [seen.append])
    assert seen[-1].share == 1
    assert seen[-1].epoch == 3
    assert seen[-1].rate < seen[0].rate
    assert 0 < seen[-1].loss < 10
    stopped = Word2Vec(**FAST).fit(lee, [lambda progress: True])
    assert len(stopped.losses) == 1


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(lee: Any, tmp_path: Any) -> None:
    whole = Word2Vec(**FAST).fit(lee)
    stopped = Word2Vec(**FAST).fit(lee, [lambda progress: True])
    stopped.save(tmp_path / "state")
    again = Word2Vec.load(tmp_path / "state")
    assert again.options == stopped.options
    again.resume(lee)
    for one, other in zip(whole.tables, again.tables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert again.losses == whole.losses


def test_a_file_that_is_no_training_is_refused(tmp_path: Any) -> None:
    (tmp_path / "state").write_text("x")
    with pytest.raises(ValueError, match=r"^`path` must be a saved training; got "):
        Word2Vec.load(tmp_path / "state")


def test_new_vocabulary_keeps_the_rows_of_known_words(lee: Any) -> None:
    trained = Word2Vec(**FAST).fit(lee[:100])
    before, old = [table.numpy() for table in trained.tables], trained.vocabulary
    trained.extend(Vocabulary.build(lee, min_count=5))
    for word in ("the", "said"):
        for table, rows in zip(trained.tables, before, strict=True):
            np.testing.assert_array_equal(table.numpy()[trained.vocabulary.ids[word]], rows[old.ids[word]])
    assert len(trained.vocabulary) > len(old)
    trained.fit(lee)


def test_vectors_may_be_the_start(lee: Any) -> None:
    first = Word2Vec(**FAST).fit(lee[:100])
    second = Word2Vec(dim=20)
    second.build(Vocabulary.build(lee, min_count=5), first.vectors())
    np.testing.assert_array_equal(second.vectors()["said"], first.vectors()["said"])
    with pytest.raises(ValueError, match=r"`vectors` must have size 7, that of `dim`; got 20\."):
        Word2Vec(dim=7).build(second.vocabulary, first.vectors())


def test_vectors_are_one_call_from_gensim_and_from_keras(lee: Any) -> None:
    trained = Word2Vec(**FAST).fit(lee)
    vectors = trained.vectors()
    assert vectors.get_vecattr(trained.vocabulary.words[0], "count") == trained.vocabulary.counts[0]
    np.testing.assert_array_equal(trained.embedding()(np.array([3])), [vectors[trained.vocabulary.words[3]]])
