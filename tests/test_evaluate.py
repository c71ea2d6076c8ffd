"""Word pairs and analogies: the numbers of gensim, on real vectors and on words in every case."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec
from gensim.test.utils import datapath
from scipy import stats

from tf_emb import evaluate
from tf_emb.corpus import lee_background
from tf_emb.evaluate import analogies, word_pairs
from tf_emb.evaluate.pairs import _correlations
from tf_emb.vectors import Vectors

SETS = ["wordsim353.tsv", "simlex999.txt"]


@pytest.fixture(scope="module")
def lee() -> KeyedVectors:
    return Word2Vec(lee_background(), vector_size=50, min_count=2, sg=1, epochs=20, seed=1, workers=1).wv


def cased(rows: int = 400) -> KeyedVectors:
    """Return random vectors of words, many of them in several cases, close to each other as variants are."""
    rng = np.random.default_rng(5)
    words = [f"w{i}" for i in rng.permutation(rows)]
    labels, table = [], []
    for word in words:
        vector = rng.normal(size=6)
        for variant in {word, word.upper()} if rng.random() < 0.6 else {word}:
            labels.append(variant)
            table.append(vector + 0.01 * rng.normal(size=6))
    order = rng.permutation(len(labels))
    return Vectors([labels[i] for i in order], np.array(table)[order]).keyed()


def questions(tmp_path: Path, vectors: KeyedVectors, count: int = 300) -> Path:
    """Return a file of questions of which many have the answer that 3CosAdd gives, and some an unknown word."""
    rng = np.random.default_rng(6)
    lines = [": first"]
    for i in range(count):
        a, b, c = rng.choice(vectors.index_to_key, 3, replace=False).tolist()
        best = [
            word
            for word, _ in vectors.most_similar([b, c], [a], topn=8)
            if word.lower() not in (a.lower(), b.lower(), c.lower())
        ]
        answer = rng.choice([best[0].lower(), best[0].upper(), best[1], "unknown"])
        lines += [": second part"] * (i == count // 3) + [f"{a} {b} {c} {answer}"]
    path = tmp_path / "questions.txt"
    path.write_text("\n".join([*lines, ": empty"]) + "\n")
    return path


def same_as_gensim(vectors: KeyedVectors, path: str | Path, **options: object) -> evaluate.Analogies:
    found = analogies(vectors, path, **options)
    total, sections = vectors.evaluate_word_analogies(str(path), **options)
    assert [(s.name, s.correct, s.covered) for s in found.sections] == [
        (s["section"], len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in sections[:-1]
    ]
    assert found.total.accuracy == total
    return found


@pytest.mark.parametrize("restrict_vocab", [600, 30_000])
def test_analogies_are_gensims_on_real_vectors(lee: KeyedVectors, restrict_vocab: int) -> None:
    found = same_as_gensim(lee, datapath("questions-words.txt"), restrict_vocab=restrict_vocab)
    assert len(found.sections) == 14
    assert found.total.questions == 19544
    assert 0 < found.total.covered < found.total.questions


@pytest.mark.parametrize("scores", [1, 5000, 1 << 24])
@pytest.mark.parametrize("case_insensitive", [True, False])
@pytest.mark.parametrize("restrict_vocab", [450, 10_000])
def test_analogies_are_gensims_on_words_in_every_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restrict_vocab: int, case_insensitive: bool, scores: int
) -> None:
    vectors = cased()
    assert len({word.upper() for word in vectors.index_to_key}) < len(vectors) - 100
    monkeypatch.setitem(analogies.__globals__, "_SCORES", scores)
    path = questions(tmp_path, vectors)
    found = same_as_gensim(vectors, path, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive)
    assert found.sections[2] == evaluate.Section("empty", 0, 0, 0)
    assert 10 < found.total.correct < found.total.covered < found.total.questions == 300


def test_an_analogy_by_hand(tmp_path: Path) -> None:
    vectors = Vectors(
        ["man", "king", "woman", "queen", "King", "zero"],
        [[1, 0, 0.1], [1, 1, 0.1], [-1, 0, 0.1], [-0.6, 0.8, 0.1], [0.9, 1, 0.1], [0, 0, 0]],
    )
    path = tmp_path / "q.txt"
    path.write_text(": royal\nman king woman queen\nMan King Woman man\n\nman king woman emperor\n")
    assert analogies(vectors, path).sections == (evaluate.Section("royal", 1, 2, 3),)
    assert analogies(vectors, path, restrict_vocab=3).total == evaluate.Section("total", 0, 1, 3)
    path.write_text(": royal\nman king woman woman\nman king woman man\n")  # none is left to answer with
    assert analogies(vectors, path, restrict_vocab=3).total == evaluate.Section("total", 0, 2, 2)


def test_no_question_asked_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "q.txt"
    path.write_text("")
    assert analogies(cased(), path).total == evaluate.Section("total", 0, 0, 0)
    assert math.isnan(analogies(cased(), path).total.accuracy)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a b c d\n", r"four words per line, below a line ': section'; got 'a b c d' in line 1 of .*q\.txt"),
        (": x\n\na b c\n", r"four words per line, .* got 'a b c' in line 3"),
        (": x\na b c d e\n", "in line 2"),
    ],
)
def test_what_is_no_question_is_refused_by_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "q.txt").write_text(text)
    with pytest.raises(ValueError, match=said):
        analogies(cased(), tmp_path / "q.txt")


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("options", [{}, {"restrict_vocab": 800}, {"case_insensitive": False}], ids=str)
def test_word_pairs_are_gensims_on_real_vectors(lee: KeyedVectors, name: str, options: dict[str, int]) -> None:
    found = word_pairs(lee, datapath(name), **options)
    pearson, spearman, unknown = lee.evaluate_word_pairs(datapath(name), **options)
    assert found.pairs == int(name.removesuffix(".tsv").removesuffix(".txt")[-3:])
    assert 100 * (1 - found.covered / found.pairs) == pytest.approx(unknown, abs=1e-9)
    # gensim's cosines are float32: each within 2^-22 or so, which moves a correlation by less than 1e-6 here
    assert found.pearson == pytest.approx(pearson.statistic, abs=1e-6)
    assert found.spearman == pytest.approx(spearman.statistic, abs=1e-6)
    assert 2 < found.covered < found.pairs


@pytest.mark.parametrize("rows", [2, 3, 10, 353])
@pytest.mark.parametrize("values", [3, 1000], ids=["ties", "few ties"])
def test_correlations_are_scipys_to_the_bit(rows: int, values: int) -> None:
    rng = np.random.default_rng(rows)
    cosines, scores = rng.normal(size=rows), rng.integers(0, values, rows) / 7
    scores[:2] = 0, 1
    pairs = _correlations(cosines, scores)
    assert pairs == (stats.spearmanr(scores, cosines).statistic, stats.pearsonr(scores, cosines).statistic)


@pytest.mark.parametrize("measure", [word_pairs, analogies])
def test_vectors_and_keyed_vectors_give_the_same(tmp_path: Path, measure: object) -> None:
    assert callable(measure)
    keyed = cased()
    path = questions(tmp_path, keyed) if measure is analogies else tmp_path / "p.txt"
    (tmp_path / "p.txt").write_text(
        "".join(f"{a} {b} {i % 7}\n" for i, (a, b) in enumerate(pairwise(keyed.index_to_key)))
    )
    found = measure(keyed, path)
    assert measure(Vectors.from_keyed(keyed), path) == found
    with pytest.raises(ValueError, match="`vectors` must be `Vectors` or gensim's KeyedVectors; got ndarray"):
        measure(np.eye(3), path)


@pytest.mark.parametrize("mark", ["\t", ", ", " ", "  "])
def test_pairs_by_hand(tmp_path: Path, mark: str) -> None:
    vectors = Vectors(["a", "b", "c", "A"], [[1, 0], [0, 1], [1, 1], [0, 1]])
    lines = ["# remark", "word1|word2|score", "a|b|0", "", "B|c|7|and more", "A|a|9", "a|unknown|3"]
    (tmp_path / "p.txt").write_text("\n".join(lines).replace("|", mark))
    found = word_pairs(vectors, tmp_path / "p.txt")  # cosines 0, .7, 1
    assert (found.covered, found.pairs) == (3, 4)
    assert found.spearman == pytest.approx(1)
    assert found.pearson == pytest.approx(np.corrcoef([0, 0.5**0.5, 1], [0, 7, 9])[0, 1])
    apart = word_pairs(vectors, tmp_path / "p.txt", case_insensitive=False)  # cosines 0 and, of A and a, 0
    assert apart.covered == 2
    assert math.isnan(apart.spearman)
    assert math.isnan(apart.pearson)


@pytest.mark.parametrize("covered", [0, 1])
def test_fewer_than_two_pairs_have_no_correlation(tmp_path: Path, covered: int) -> None:
    (tmp_path / "p.txt").write_text("a\tb\t1\n" * covered + "x\ty\t2\n")
    found = word_pairs(Vectors(["a", "b"], np.eye(2)), tmp_path / "p.txt")
    assert (found.covered, found.pairs) == (covered, covered + 1)
    assert math.isnan(found.spearman)


@pytest.mark.parametrize("text", ["h\nh\n", "a b 1\na b\n", "a b 1\na b x\n"])
def test_what_is_no_pair_is_refused_by_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(ValueError, match=r"two words and a number per line; got .* in line 2 of .*p\.txt"):
        word_pairs(cased(), tmp_path / "p.txt")


@pytest.mark.parametrize("measure", [word_pairs, analogies])
def test_files_that_cannot_be_read_and_limits_are_refused(tmp_path: Path, measure: object) -> None:
    assert callable(measure)
    with pytest.raises(ValueError, match=r"`path` must be a readable file; got .*none \(No such file"):
        measure(cased(), tmp_path / "none")
    (tmp_path / "latin1").write_bytes(b": caf\xe9\n")
    with pytest.raises(ValueError, match="`path` must be UTF-8 text"):
        measure(cased(), tmp_path / "latin1")
    with pytest.raises(ValueError, match=r"`restrict_vocab` must be 1 or more; got 0\."):
        measure(cased(), tmp_path / "none", restrict_vocab=0)
