"""Search in `Vectors`: gensim's own answers, ties, zeros, duplicates, other labels, many queries at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tf_emb import Vectors
from tf_emb.vectors import cosines

ROWS, DIM = 3000, 20
RNG = np.random.default_rng(3)
TABLE = RNG.normal(size=(ROWS, DIM)).astype(np.float32)
WORDS = [f"w{i}" for i in range(ROWS)]
VECTORS = Vectors(WORDS, TABLE, {"count": np.arange(ROWS)})


@pytest.fixture(scope="module")
def keyed() -> KeyedVectors:
    return VECTORS.keyed()


def same(found: Any, wanted: Any) -> None:
    """The same labels and cosines up to rounding, in the same order where rounding cannot change it."""
    mine, theirs = (np.array([c for _, c in of]) for of in (found, wanted))
    np.testing.assert_allclose(mine, theirs, atol=1e-6)
    assert all(type(c) is float for _, c in found)
    apart = np.abs(np.diff(theirs)) > 1e-6
    clear = np.append(True, apart) & np.append(apart, True)  # unlike the cosines before and after
    assert clear.mean() > 0.9
    assert all(a[0] == b[0] for a, b, sure in zip(found, wanted, clear, strict=True) if sure)


QUERIES = [
    ("w5", None),
    (["w5"], None),
    (["w5", "w7"], ["w9"]),
    ("w5", "w7"),
    ([("w5", 0.5), ("w7", 2)], [("w9", -0.3), "w1"]),
    (TABLE[3] + 1, None),
    ([TABLE[3] + 1, "w4"], [TABLE[8]]),
    ([(TABLE[3] * 7, 0.5)], "w4"),
    (TABLE[:3], None),
    (5, None),
    ([np.int64(5), "w6"], [7]),
    (None, ["w5"]),
    (["w5", "w5"], None),
    (np.array(["w5", "w6"]), None),
]


@pytest.mark.parametrize("options", [{}, {"topn": 1}, {"topn": 2999}, {"topn": 9000}, {"restrict_vocab": 50}], ids=str)
@pytest.mark.parametrize(("positive", "negative"), QUERIES)
def test_most_similar_is_gensims(keyed: KeyedVectors, positive: Any, negative: Any, options: dict[str, int]) -> None:
    given = positive.tolist() if isinstance(positive, np.ndarray) and positive.dtype.kind == "U" else positive
    same(VECTORS.most_similar(positive, negative, **options), keyed.most_similar(given, negative, **options))


@pytest.mark.parametrize("restrict_vocab", [None, 50])
def test_without_topn_every_cosine_is_returned(keyed: KeyedVectors, restrict_vocab: int | None) -> None:
    found = VECTORS.most_similar(["w5"], ["w6"], topn=None, restrict_vocab=restrict_vocab)
    wanted = keyed.most_similar(["w5"], ["w6"], topn=None, restrict_vocab=restrict_vocab)
    assert isinstance(found, np.ndarray)
    assert found.shape == wanted.shape == (restrict_vocab or ROWS,)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert VECTORS.most_similar("w5", topn=0) == keyed.most_similar("w5", topn=0) == []


def test_the_other_questions_have_gensims_answers(keyed: KeyedVectors) -> None:
    same(VECTORS.similar_by_word("w5", 3), keyed.similar_by_word("w5", 3))
    same(VECTORS.similar_by_vector(TABLE[5], 3, 90), keyed.similar_by_vector(TABLE[5], 3, 90))
    assert VECTORS.similarity("w5", "w6") == pytest.approx(keyed.similarity("w5", "w6"), abs=1e-6)
    assert VECTORS.distance("w5", 6) == pytest.approx(keyed.distance("w5", 6), abs=1e-6)
    sets = ["w1", "w2"], ["w3"]
    assert VECTORS.n_similarity(*sets) == pytest.approx(keyed.n_similarity(*sets), abs=1e-6)
    for a, b in RNG.integers(0, ROWS, (20, 2)).tolist():
        assert VECTORS.closer_than(f"w{a}", f"w{b}") == keyed.closer_than(f"w{a}", f"w{b}")
        assert VECTORS.rank(f"w{a}", f"w{b}") == keyed.rank(f"w{a}", f"w{b}")
    for _ in range(20):
        words = [f"w{i}" for i in RNG.integers(0, ROWS, 4)]
        assert VECTORS.doesnt_match([*words, "unknown"]) == keyed.doesnt_match(words)
    np.testing.assert_allclose(VECTORS.get_normed_vectors(), keyed.get_normed_vectors(), atol=1e-6)
    np.testing.assert_allclose(VECTORS.get_vector("w5", norm=True), keyed.get_vector("w5", norm=True), atol=1e-6)


def test_it_is_read_as_keyed_vectors_are(keyed: KeyedVectors) -> None:
    for of in (VECTORS, keyed):
        assert (len(of), of.vector_size, of.index_to_key[:2]) == (ROWS, DIM, ["w0", "w1"])
        assert ("w5" in of, "x" in of, 5 in of, ROWS in of, -1 in of) == (True, False, True, False, False)
        assert (of.key_to_index["w7"], of.get_index("w7"), of.get_index("x", -1), of.get_index(7)) == (7, 7, -1, 7)
        assert of.get_vecattr("w7", "count") == 7
        for key, rows in [("w5", 5), (5, 5), (["w5", "w3"], [5, 3]), (["w5"], [5]), ([5, "w3"], [5, 3])]:
            np.testing.assert_array_equal(of[key], TABLE[rows])
        with pytest.raises(ValueError, match="read-only"):
            of["w5"][0] = 1
    assert list(VECTORS) == WORDS
    assert np.asarray(VECTORS) is VECTORS.matrix
    assert np.array(VECTORS, np.float64).dtype == np.float64
    assert repr(VECTORS) == "Vectors(3,000 x 20, columns ['count'])"


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda v: v["queen"], KeyError, "'queen' is none of the 3,000 labels"),
        (lambda v: v[["w1", "queen"]], KeyError, "'queen' is none of"),
        (lambda v: v[ROWS], KeyError, "3000 is none of"),
        (lambda v: v.most_similar("queen"), KeyError, "'queen' is none of"),
        (lambda v: v.most_similar("w1", ["queen"]), KeyError, "'queen' is none of"),
        (lambda v: v.neighbours(["w1", "queen"]), KeyError, "'queen' is none of"),
        (lambda v: v.similarity("w1", "queen"), KeyError, "'queen' is none of"),
        (lambda v: v.n_similarity(["w1"], ["queen"]), KeyError, "'queen' is none of"),
        (lambda v: v.rank("w1", "queen"), KeyError, "'queen' is none of"),
        (lambda v: v.most_similar(), ValueError, "`positive` must hold at least one"),
        (lambda v: v.most_similar([]), ValueError, "`positive` must hold at least one"),
        (lambda v: v.most_similar(np.ones(3)), ValueError, r"must have shape \(20,\).* got \(3,\)"),
        (lambda v: v.neighbours(np.ones((2, 3))), ValueError, r"must have shape \(20,\).* got \(3,\)"),
        (lambda v: v.most_similar([0.1, 0.2]), ValueError, "a label, a row's number or an array .* got 0.1"),
        (lambda v: v.most_similar("w1", restrict_vocab=0), ValueError, "`restrict_vocab` must be 1 or more; got 0"),
        (lambda v: v.neighbours(["w1"], restrict_vocab=-1), ValueError, "`restrict_vocab` must be 1 or more; got -1"),
        (lambda v: v.doesnt_match(["queen"]), ValueError, r"`keys` must hold a label; got \['queen'\]"),
        (lambda v: v.n_similarity([], ["w1"]), ValueError, "must hold at least one key each"),
    ],
)
def test_what_cannot_be_answered_is_refused(ask: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        ask(VECTORS)


@pytest.mark.parametrize("topn", [1, 3, 6, 7, 40])
def test_equal_rows_come_in_order_whatever_topn(topn: int) -> None:
    table = np.tile([[1.0, 2], [3, 1], [-1, 0]], (20_000, 1))  # more rows than one thread takes
    found = Vectors([str(i) for i in range(60_000)], table).most_similar("0", topn=topn)
    assert [label for label, _ in found] == [str(3 * i) for i in range(1, topn + 1)]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # gensim's
def test_zeros_have_no_cosine_and_come_last_as_in_gensim() -> None:
    table = TABLE[:6].copy()
    table[[1, 4]] = 0
    vectors = Vectors(list("abcdef"), table)
    keyed = vectors.keyed()
    found, wanted = vectors.most_similar("a", topn=9), keyed.most_similar("a", topn=9)
    same(found[:3], wanted[:3])
    assert [label for label, _ in found[3:]] == ["b", "e"]
    assert np.isnan([cosine for _, cosine in found[3:] + wanted[3:]]).all()
    for of in (vectors, keyed):
        assert np.isnan(of.most_similar("b", topn=None)).all()
        assert np.isnan(of.get_vector("b", norm=True)).all()
        assert of.similarity("a", "b") == 0
        assert (of.rank("a", "b"), of.closer_than("b", "a")) == (1, [])
        np.testing.assert_array_equal(np.isnan(of.most_similar(np.zeros(DIM), topn=None)), [0, 1, 0, 0, 1, 0])
    assert np.array_equal(vectors.get_normed_vectors()[1], np.zeros(DIM))


def test_a_label_of_several_rows_is_the_first_and_the_others_have_numbers() -> None:
    vectors = Vectors(["3", "5", "3", "3"], [[1, 0], [0, 1], [1, 0.1], [0.5, 1]])
    np.testing.assert_array_equal(vectors["3"], [1, 0])
    assert vectors.key_to_index == {"3": 0, "5": 1}
    assert [label for label, _ in vectors.most_similar("3")] == ["3", "3", "5"]  # rows 2, 3 and 1
    assert [label for label, _ in vectors.most_similar(3)] == ["5", "3", "3"]
    with pytest.raises(ValueError, match="`labels` must be different; got '3' in rows 0 and 2, and 1 such"):
        vectors.keyed()


def test_labels_that_are_no_strings_come_before_row_numbers_as_in_gensim() -> None:
    table = np.eye(3)
    keyed = KeyedVectors(3)
    keyed.add_vectors([2, 7, ("a", 1)], table)
    for of in (keyed, Vectors.from_keyed(keyed), Vectors(np.array([2, 7, 9]), table)):
        np.testing.assert_array_equal(of[2], table[0])
        np.testing.assert_array_equal(of[7], table[1])
        np.testing.assert_array_equal(of[0], table[0])
        assert (7 in of, 8 in of) == (True, False)
    assert Vectors.from_keyed(keyed).key_to_index["a", 1] == 2
    with pytest.raises(ValueError, match="`labels` must be strings; got an unhashable type: 'list'"):
        Vectors([[1], [2]], np.eye(2)).most_similar("a")


@pytest.mark.parametrize("scores", [1, 7000, 1 << 24])
def test_many_queries_at_once_have_the_answers_of_one(monkeypatch: pytest.MonkeyPatch, scores: int) -> None:
    monkeypatch.setattr(cosines, "_SCORES", scores)
    for queries in (["w5", 7, TABLE[9] + 1, "w5"], [*range(30)], TABLE[:25] * 2):
        for options in ({"topn": 4}, {"topn": 4, "restrict_vocab": 10}):
            found = VECTORS.neighbours(queries, **options)
            assert len(found) == len(queries)
            for mine, query in zip(found, queries, strict=True):
                same(mine, VECTORS.most_similar([query], **options))
    assert VECTORS.neighbours([]) == []
    assert VECTORS.neighbours(["w1"], topn=0) == [[]]


def test_many_queries_hold_blocks_of_cosines_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    monkeypatch.setattr(cosines, "_SCORES", 10 * ROWS)
    VECTORS.neighbours(["w1"])  # norms are cached
    tracemalloc.start()
    VECTORS.neighbours(WORDS, topn=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * 4 * ROWS**2  # of all cosines at once


def test_the_largest_are_those_of_a_full_sort() -> None:
    for size in (1, 2, 10, 999, 5000, 30_000):
        scores = RNG.integers(0, size, size).astype(np.float32)
        scores[RNG.random(size) < 0.1] = np.nan
        order = np.argsort(-scores, kind="stable")
        for count in (1, 3, size - 1, size, size + 5):
            np.testing.assert_array_equal(cosines.largest(scores, count), order[: max(count, 0)])


def test_a_memory_map_stays_one_and_nothing_is_copied(tmp_path: Path) -> None:
    TABLE.tofile(tmp_path / "table")
    mapped = np.memmap(tmp_path / "table", np.float32, "r", shape=TABLE.shape)
    vectors = Vectors(WORDS, mapped)
    assert isinstance(vectors.matrix, np.memmap)
    assert vectors.most_similar("w5") == VECTORS.most_similar("w5")
    for of in (VECTORS, VECTORS.take(np.arange(ROWS)), VECTORS.with_columns({"new": WORDS})):
        assert np.shares_memory(of.matrix, TABLE)
    keyed = KeyedVectors(DIM)
    keyed.vectors, keyed.index_to_key = TABLE, WORDS
    assert np.shares_memory(Vectors.from_keyed(keyed).matrix, TABLE)
    assert not np.shares_memory(VECTORS.keyed().vectors, TABLE)


def test_some_rows_keep_their_labels_and_columns() -> None:
    some = VECTORS.with_columns({"kind": WORDS}).take(np.array([7, 2]))
    assert (some.labels, some.columns["kind"], some.columns["count"].tolist()) == (["w7", "w2"], ["w7", "w2"], [7, 2])
    np.testing.assert_array_equal(some.matrix, TABLE[[7, 2]])


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64])
def test_the_table_is_float32_unless_its_dtype_is_kept(dtype: type) -> None:
    table = np.arange(6).reshape(3, 2).astype(dtype)
    assert Vectors("abc", table).matrix.dtype == np.float32
    kept = np.float32 if dtype is np.int64 else dtype
    vectors = Vectors("abc", table, dtype=None)
    assert vectors.matrix.dtype == kept
    assert [label for label, _ in vectors.most_similar("b")] == ["c", "a"]


def test_vectors_become_a_keras_layer() -> None:
    layer = VECTORS.to_embedding(freeze=False, padding_idx=0)
    assert (layer.trainable, layer.padding_idx) == (True, 0)
    np.testing.assert_array_equal(layer(np.array([4, 2])).numpy(), TABLE[[4, 2]])


def test_without_vecdot_the_cosines_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = VECTORS.most_similar("w5")
    monkeypatch.setattr(cosines, "_dot", lambda a, b, out: np.einsum("...j,...j->...", a, b, out=out))
    same(Vectors(WORDS, TABLE).most_similar("w5"), wanted)
