"""Measures of a representation: tables whose answers are known."""

import math
import sys

import numpy as np
import pytest
from scipy.stats import ortho_group

from tf_emb import evaluate
from tf_emb.evaluate.measures import (
    alignment,
    correlation,
    effective_rank,
    isotropy,
    probe,
    reconstruction,
    sparsity,
    uniformity,
)
from tf_emb.vectors import Vectors

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=(4000, 8))
ROTATION = ortho_group.rvs(8, random_state=0)


@pytest.mark.parametrize(
    ("table", "rank"),
    [
        (ROTATION[:5], 5),  # orthonormal rows
        (np.concatenate([ROTATION, ROTATION], axis=1), 8),  # copies of columns add nothing
        (np.outer(NORMAL[0], NORMAL[1]), 1),
        (np.zeros((3, 4)), 0),
        (np.diag([3.0, 1.0]), math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))),
    ],
)
def test_effective_rank(table: np.ndarray, rank: float) -> None:
    assert effective_rank(table) == pytest.approx(rank, rel=1e-9)


def test_correlation() -> None:
    assert correlation(np.array([[1.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])) == pytest.approx(0, abs=1e-15)
    column = NORMAL[:, :1]
    assert correlation(np.concatenate([column, -2 * column + 3], axis=1)) == pytest.approx(1)
    two_of_three = np.concatenate([column[:4] * 0 + [[1], [-1], [1], [-1]], [[1], [1], [-1], [-1]]], axis=1)
    assert correlation(two_of_three[:, [0, 0, 1]]) == pytest.approx(1 / 3)  # one pair of three is a copy
    assert correlation(NORMAL) == pytest.approx(math.sqrt(2 / math.pi / len(NORMAL)), rel=0.3)
    assert math.isnan(correlation(np.stack([column[:, 0], np.full(len(column), 0.1)], axis=1)))


def test_sparsity() -> None:
    assert sparsity(np.eye(6)) == pytest.approx(1)
    assert sparsity(-np.ones((6, 2))) == pytest.approx(0, abs=1e-12)
    assert sparsity(np.array([[1.0], [1], [0], [0]])) == pytest.approx(2 - math.sqrt(2))  # (2 - sqrt 2) / (2 - 1)
    assert sparsity(NORMAL) == pytest.approx(1 - math.sqrt(2 / math.pi), abs=0.01)
    assert sparsity(np.eye(8) @ ROTATION) < 0.8  # rotated axes speak of many rows
    assert math.isnan(sparsity(np.zeros((3, 2))))


def test_isotropy() -> None:
    assert isotropy(np.concatenate([np.eye(5), -np.eye(5)])) == pytest.approx(1)
    assert isotropy(NORMAL) > 0.9
    assert isotropy(NORMAL + 3) < 1e-3  # a common mean
    # V = (2, 0): the eigenvectors are the axes, Z is exp(2), exp(-2), 1 and 1.
    assert isotropy(np.array([[2.0, 0.0]])) == pytest.approx(math.exp(-4))
    assert isotropy(np.array([[0.0, 1000.0], [1000.0, 0.0]])) == 0  # no overflow


def test_alignment_and_uniformity() -> None:
    table = np.array([[1.0, 0], [5, 0], [-2, 0], [0, 3]])
    assert alignment(table, [[0, 1]]) == 0  # lengths do not count
    assert alignment(table, [[0, 2]]) == pytest.approx(4)
    assert alignment(table, [[0, 1], [0, 3]]) == pytest.approx(1)
    assert uniformity(table[[0, 2]]) == pytest.approx(-8)
    assert uniformity(table[[0, 1]]) == pytest.approx(0)
    assert uniformity(np.array([[1.0, 0], [0, 0]])) == pytest.approx(
        -2
    )  # a row of zeros stays, one away from any other
    assert uniformity(table[[0, 2, 3]]) == pytest.approx(math.log((math.exp(-8) + 2 * math.exp(-4)) / 3))
    assert uniformity(RNG.normal(size=(500, 400))) == pytest.approx(-4, abs=0.05)


def test_reconstruction() -> None:
    inputs = NORMAL[:200] * [3, 2, 1, 1, 1, 1, 1, 1]
    half = slice(0, 100), slice(100, 200)
    split = lambda table: (table[half[0]], inputs[half[0]], table[half[1]], inputs[half[1]])  # noqa: E731
    assert reconstruction(*split(inputs @ ROTATION + 5)) == pytest.approx(1)
    kept = inputs[100:, 0] - inputs[:100, 0].mean()
    share = (kept**2).sum() / ((inputs[100:] - inputs[:100].mean(axis=0)) ** 2).sum()
    one = reconstruction(*split(inputs[:, :1]))
    assert 0.4 < share < 0.6
    assert one == pytest.approx(share, abs=0.02)  # one of eight dimensions, more than its share of the variance
    assert reconstruction(*split(RNG.normal(size=(200, 80)))) < 0  # noise does not carry over


def test_probe_and_gap() -> None:
    labels = np.where(NORMAL[:400, 3] > 0, "yes", "no")
    found = evaluate.representation(NORMAL[:400], labels=labels)
    assert found.probe > 0.9
    assert abs(found.gap) < 0.1
    noise = evaluate.representation(RNG.normal(size=(200, 100)), labels=RNG.permutation(labels[:200]))
    assert noise.probe < 0.65
    assert noise.gap > 0.35  # learnt by heart
    wide = NORMAL[:400] * 1000 + 5  # scale and place do not count
    assert probe(wide, labels, wide, labels) == probe(NORMAL[:400], labels, NORMAL[:400], labels)


def test_one_call_gives_every_measure() -> None:
    table, labels = NORMAL[:300] @ ROTATION, np.arange(300) % 3
    vectors = Vectors([str(i) for i in range(300)], table.astype(np.float32))
    found = evaluate.representation(vectors, inputs=NORMAL[:300], labels=labels)
    wide = vectors.matrix.astype(np.float64)
    assert (found.rows, found.dim) == (300, 8)
    assert found.reconstruction == pytest.approx(1, abs=1e-6)
    assert found.effective_rank == effective_rank(wide)
    assert (found.correlation, found.sparsity, found.isotropy) == (correlation(wide), sparsity(wide), isotropy(wide))
    assert found.uniformity == uniformity(wide)
    same = [(i, j) for i in range(300) for j in range(i) if labels[i] == labels[j]]
    assert found.alignment == pytest.approx(alignment(wide, same))
    assert evaluate.representation(vectors.keyed()).isotropy == found.isotropy
    bare = evaluate.representation(table)
    assert all(math.isnan(x) for x in (bare.reconstruction, bare.probe, bare.gap, bare.alignment))
    assert evaluate.representation(table, pairs=[[0, 1]]).alignment == pytest.approx(alignment(table, [[0, 1]]))


def test_many_rows_are_sampled_by_the_seed() -> None:
    first, again, other = (evaluate.representation(NORMAL, seed=seed).uniformity for seed in (1, 1, 2))
    assert first == again != other
    assert first == pytest.approx(uniformity(NORMAL), abs=0.02)


def test_without_scikit_learn_the_probe_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    assert evaluate.representation(NORMAL[:50]).rows == 50
    with pytest.raises(ImportError, match=r"scikit-learn: pip install 'tf-emb\[projector\]'"):
        evaluate.representation(NORMAL[:50], labels=np.arange(50) % 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vectors": np.ones(3)}, r"`vectors` must be finite.*got \(3,\)"),
        ({"vectors": np.full((2, 2), np.nan)}, "`vectors` must be finite"),
        ({"inputs": np.ones((3, 2))}, r"`inputs` must have 4 entries, one per row; got \(3, 2\)"),
        ({"labels": np.ones((4, 1))}, r"`labels` must have 4 entries, one per row; got \(4, 1\)"),
        ({"labels": np.ones(4)}, "`labels` must have two classes"),
        ({"pairs": [[0, 4]]}, "`pairs` must be row numbers below 4"),
        ({"held_out": 1.0}, r"`held_out` must be between 0 and 1; got 1\.0"),
    ],
)
def test_what_does_not_fit_is_refused(options, said) -> None:
    with pytest.raises(ValueError, match=said):
        evaluate.representation(**{"vectors": np.eye(4), **options})
