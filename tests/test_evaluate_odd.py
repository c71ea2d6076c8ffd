"""Evaluations of rows without a direction, of ties, and of test sets as they come."""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tf_emb.evaluate import analogies, word_pairs
from tf_emb.vectors import Vectors


def words(rows: int = 40, dim: int = 6) -> Vectors:
    table = np.random.default_rng(0).normal(size=(rows, dim))
    return Vectors([f"w{i}" for i in range(rows)], table)


def questions(path: Path, vectors: Vectors) -> Path:
    """Write questions that 3CosAdd answers right, and one that it does not."""
    lines = [": one"]
    for i in range(1, 30):
        asked = [f"w{i}", f"w{i - 1}", f"w{i + 1}"]
        lines.append(" ".join([*asked, vectors.most_similar(asked[1:], asked[:1], topn=1)[0][0]]))
    path.write_text("\n".join([*lines, "w1 w2 w3 w4"]))
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf, 0])
def test_rows_without_a_direction_are_no_answers(tmp_path: Path, value: float) -> None:
    vectors = words()
    table, path = vectors.matrix, questions(tmp_path / "q.txt", vectors)
    right = analogies(vectors, path).total
    assert (right.correct, right.covered) == (29, 30)
    more = np.vstack([table, np.full((2, 6), value, np.float32)])
    assert analogies(Vectors([*vectors.labels, "junk", "more"], more), path).total == right
    path.write_text(": one\njunk w1 w2 w3\nw1 w2 w3 junk\n")
    asked = analogies(Vectors([*vectors.labels, "junk", "more"], more), path).total
    assert (asked.correct, asked.covered) == (0, 2)


def test_a_row_of_zeros_is_no_answer_where_all_others_point_away(tmp_path: Path) -> None:
    vectors = Vectors(["zero", "a", "b", "c", "d"], [[0, 0], [-1, 0.1], [1, 0.1], [1, 0], [-1, 0]])
    (tmp_path / "q.txt").write_text(": one\na b c d\n")
    assert analogies(vectors, tmp_path / "q.txt").total.correct == 1


def test_a_pair_with_a_vector_that_is_not_finite_does_not_count(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(6, 4))
    (tmp_path / "p.txt").write_text("a b 1\nb c 2\nc d 3\ne f 4\n")
    table[5] = np.nan
    found = word_pairs(Vectors(list("abcdef"), table), tmp_path / "p.txt")
    assert (found.covered, found.pairs) == (3, 4)
    assert math.isfinite(found.spearman)


def test_pairs_of_equal_cosines_share_a_rank(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(40)]
    table = np.random.default_rng(0).normal(size=(40, 100))
    table[30:] = 3 * table[20:30]
    lines = [(a, a, 10) for a in words] + [(a, b, i) for i, (a, b) in enumerate(pairwise(words[:20]))]
    lines += [(words[20 + i], words[30 + i], 10) for i in range(10)]
    (tmp_path / "p.txt").write_text("\n".join(f"{a} {b} {score}" for a, b, score in lines))
    cosines = [1.0 if score == 10 and a == b else None for a, b, score in lines]
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    exact = [
        1.0 if known or i >= 59 else unit[words.index(lines[i][0])] @ unit[words.index(lines[i][1])]
        for i, known in enumerate(cosines)
    ]
    expected = stats.spearmanr(exact, [score for *_, score in lines]).statistic
    found = word_pairs(Vectors(words, table, dtype=None), tmp_path / "p.txt")
    assert found.spearman == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("mark", ["\t", " ", ",", " , ", "   "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_pairs_are_separated_in_any_way(tmp_path: Path, mark: str, end: str) -> None:
    vectors = words()
    rows = [
        ("\ufeffword", "word", "score"),
        ("w1", "w2", "3.5"),
        ("w3", "w4", "1"),
        ("w5", "w6", "2e0"),
        ("#", "x", ""),
    ]
    (tmp_path / "p.txt").write_bytes(end.join(map(mark.join, rows)).encode())
    (tmp_path / "t.txt").write_text("w1\tw2\t3.5\nw3\tw4\t1\nw5\tw6\t2\n")
    found = word_pairs(vectors, tmp_path / "p.txt")
    assert found == word_pairs(vectors, tmp_path / "t.txt")
    assert found.pairs == 3


@pytest.mark.parametrize("score", ["nan", "inf", "-inf", "1e999", "", "x"])
def test_scores_are_finite(tmp_path: Path, score: str) -> None:
    (tmp_path / "p.txt").write_text(f"a b 1\na b {score}\n")
    with pytest.raises(ValueError, match=r"a number per line; got .* in line 2"):
        word_pairs(words(), tmp_path / "p.txt")


@pytest.mark.parametrize("line", ["a b nan", "a\tb\t-inf", "a,b,1e999", "a\tb\t3,5", "a b .5.", "a b -1x"])
def test_a_first_line_with_a_score_that_is_no_number_is_no_heading(tmp_path: Path, line: str) -> None:
    (tmp_path / "p.txt").write_text(f"{line}\na b 1\n")
    with pytest.raises(ValueError, match=r"a number per line; got .* in line 1"):
        word_pairs(words(), tmp_path / "p.txt")


@pytest.mark.parametrize("judge", [analogies, word_pairs])
def test_test_sets_without_line_breaks_or_in_another_encoding_are_refused(tmp_path: Path, judge: Callable) -> None:
    for content, said in ((b"a" * 2_000_000, "lines"), (b": a\n\xff", "UTF-8 text"), (b"\xff\xfea\0", "UTF-8 text")):
        (tmp_path / "t.txt").write_bytes(content)
        with pytest.raises(ValueError, match=rf"^`path` must .*{said}"):
            judge(words(), tmp_path / "t.txt")
    with pytest.raises(ValueError, match="`labels` must be strings; got 3 in row 0"):
        judge(Vectors([3], [[1]]), tmp_path / "t.txt")
