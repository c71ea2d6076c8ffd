"""What makes a representation good, as numbers: information, redundancy, interpretability, generalisation, geometry.

Each measure is a function of its own; `representation` makes all of them in one call.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tf_emb.evaluate.words import unit_rows

SAMPLE = 2_000


@dataclass(frozen=True)
class Representation:
    """How good a table of vectors is; nan where what a measure needs was not given.

    Attributes:
        rows: how many vectors there are.
        dim: of each.
        reconstruction: information kept: see `reconstruction`. 1 is all of it; nan without `inputs`.
        probe: information about labels: a linear classifier's accuracy on unseen rows; nan without `labels`.
        gap: generalisation: by how much its accuracy on the rows it was fitted to is higher; 0 is best.
        effective_rank: redundancy: how many directions the vectors really use; see `effective_rank`.
        correlation: redundancy: mean |correlation| between two dimensions; see `correlation`. 0 is best.
        sparsity: interpretability: how few rows each dimension describes; see `sparsity`. 1 for one row each.
        isotropy: whether the vectors point equally in all directions; see `isotropy`. 1 is best.
        alignment: how far apart two of the same kind are; see `alignment`. 0 is best; nan without `labels` or `pairs`.
        uniformity: how evenly they fill the sphere; see `uniformity`. Lower is better.
    """

    rows: int
    dim: int
    reconstruction: float
    probe: float
    gap: float
    effective_rank: float
    correlation: float
    sparsity: float
    isotropy: float
    alignment: float
    uniformity: float


def representation(
    vectors: Any,
    *,
    inputs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    pairs: ArrayLike | None = None,
    held_out: float = 0.5,
    seed: int = 0,
) -> Representation:
    """Measure a representation in every way that the arguments allow.

    Args:
        vectors: shape (rows, dim): an array, `Vectors` or gensim's KeyedVectors.
        inputs: what the vectors represent, shape (rows, size), for `reconstruction`.
        labels: a class for each row, for `probe`, and for `alignment` where no `pairs` are given.
        pairs: rows that should be near each other, integers, shape (pairs, 2).
        held_out: the share of rows on which reconstruction and probe are judged.
        seed: of the choice of rows held out, and of the sample of 2,000 rows that `alignment` and `uniformity` use.

    Raises:
        ValueError: the vectors are not a finite table of two rows or more, or another argument does not match them.
        ImportError: `labels` are given and scikit-learn is not installed.
    """
    table = _table(vectors)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    test, train = np.split(order, [round(_share(held_out) * len(table))])
    some = np.sort(rng.choice(len(table), SAMPLE, replace=False)) if len(table) > SAMPLE else np.arange(len(table))
    kept = seen = unseen = near = float("nan")
    if inputs is not None:
        x = _matching("inputs", inputs, table).astype(np.float64)
        kept = reconstruction(table[train], x[train], table[test], x[test])
    if labels is not None:
        of = _matching("labels", labels, table)
        unseen, seen = probe(table[train], of[train], table[test], of[test])
        pairs = alike(of, some) if pairs is None else pairs
    if pairs is not None and len(np.asarray(pairs)):
        near = alignment(table, pairs)
    return Representation(
        len(table),
        table.shape[1],
        kept,
        unseen,
        seen - unseen,
        effective_rank(table),
        correlation(table),
        sparsity(table),
        isotropy(table),
        near,
        uniformity(table[some]),
    )


def reconstruction(train: np.ndarray, known: np.ndarray, test: np.ndarray, asked: np.ndarray) -> float:
    """Return the share of the variance of unseen inputs that an affine map of their vectors gives back.

    R^2 = 1 - sum |x - (W v + b)|^2 / sum |x - m|^2, with W, b by least squares, and m the mean, of the rows in `train`.
    1 is all of it, 0 no better than the mean; below 0 the map does not generalise to unseen rows.

    Args:
        train: vectors, shape (rows, dim).
        known: their inputs, shape (rows, size).
        test: other vectors.
        asked: their inputs.
    """
    mean, center = known.mean(axis=0), train.mean(axis=0)
    W = np.linalg.lstsq(train - center, known - mean, rcond=None)[0]
    total = ((asked - mean) ** 2).sum()
    return float(1 - (((test - center) @ W + mean - asked) ** 2).sum() / total) if total else float("nan")


def probe(train: np.ndarray, known: np.ndarray, test: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    """Return the accuracy of a linear classifier on unseen rows, and on the rows it was fitted to.

    Logistic regression on standardised vectors, scikit-learn's with its defaults (Alain and Bengio 2016,
    "Understanding Intermediate Layers Using Linear Classifier Probes").

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise ImportError("A probe needs the package scikit-learn: pip install 'tf-emb[projector]'") from None
    if len(np.unique(known)) < 2:
        raise ValueError(f"`labels` must have two classes in the rows to fit to; got {known[:1]}. Give more rows.")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5_000)).fit(train, known)
    return float(model.score(test, asked)), float(model.score(train, known))


def effective_rank(table: np.ndarray) -> float:
    """Return exp(-sum p log p), p = s / sum s, s the singular values: from 1 to min(rows, dim), 0 for zeros.

    Roy and Vetterli 2007, "The Effective Rank", definition 1. n equal singular values give n; a copy of a column adds
    nothing.
    """
    s = np.linalg.svd(table, compute_uv=False)
    p = s[s > s.max(initial=0) * max(table.shape) * np.finfo(np.float64).eps]
    p = p / p.sum()
    return float(np.exp(-(p * np.log(p)).sum())) if len(p) else 0.0


def correlation(table: np.ndarray) -> float:
    """Return the mean of |r_ij| over dimensions i < j, r Pearson's; nan for fewer than two that vary.

    The off-diagonal part of what Barlow Twins brings to the identity (Zbontar et al. 2021).
    """
    # A constant column would leave rounding errors behind when its mean is subtracted.
    live = table[:, np.ptp(table, axis=0) > 0]
    if live.shape[1] < 2:
        return float("nan")
    r = np.corrcoef(live, rowvar=False)
    return float(np.abs(r[np.triu_indices(len(r), 1)]).mean())


def sparsity(table: np.ndarray) -> float:
    """Return the mean over dimensions of (sqrt(n) - |x|_1 / |x|_2) / (sqrt(n) - 1), x the dimension's n entries.

    Hoyer 2004, "Non-negative Matrix Factorization with Sparseness Constraints", section 3.1: 1 where a single row uses
    the dimension, 0 where all rows use it equally, 1 - sqrt(2 / pi) = 0.20 for a normal distribution. It stands for
    interpretability because people name a dimension after the rows that are large on it, and more reliably the fewer
    those are (Murphy, Talukdar and Mitchell 2012, by word intrusion). It depends on the axes, as such names do.
    """
    live = table[:, (table != 0).any(axis=0)]
    if not live.size:
        return float("nan")
    root = np.sqrt(len(table))
    ratios = np.abs(live).sum(axis=0) / np.linalg.norm(live, axis=0)
    return float(((root - ratios) / (root - 1)).mean())


def isotropy(table: np.ndarray) -> float:
    """Return min_c Z(c) / max_c Z(c), Z(c) = sum_v exp(c v), c the eigenvectors of V^T V and their negatives.

    Arora et al. 2016, "A Latent Variable Model Approach to PMI-based Word Embeddings"; Mu and Viswanath 2018,
    "All-but-the-Top", equation 4. Between 0 and 1; it depends on the length of the vectors.
    """
    directions = np.linalg.eigh(table.T @ table)[1]
    scores = np.concatenate([table @ directions, -table @ directions], axis=1)
    highest = scores.max(axis=0)
    log_z = highest + np.log(np.exp(scores - highest).sum(axis=0))
    return float(np.exp(log_z.min() - log_z.max()))


def alignment(table: np.ndarray, pairs: ArrayLike) -> float:
    """Return the mean of |f(x) - f(y)|^2 over pairs of rows, f(x) = x / |x|: from 0 to 4.

    Wang and Isola 2020, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the
    Hypersphere", section 4.1, alpha = 2.

    Raises:
        ValueError: the pairs are not of rows.
    """
    ids = np.asarray(pairs)
    if ids.ndim != 2 or ids.shape[1] != 2 or ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= len(table):
        raise ValueError(
            f"`pairs` must be row numbers below {len(table)}, shape (pairs, 2); got {ids.tolist()[:2]} ..."
        )
    x, y = unit_rows(table)[ids.T]
    return float(((x - y) ** 2).sum(axis=1).mean())


def uniformity(table: np.ndarray) -> float:
    """Return log mean exp(-2 |f(x) - f(y)|^2) over pairs of different rows, f(x) = x / |x|: from -8 to 0.

    Wang and Isola 2020, section 4.1, t = 2. 0 where all rows point the same way; near -4 for random directions in
    many dimensions.
    """
    f = unit_rows(table)
    own = (f * f).sum(axis=1)  # 1, or 0 for a row of zeros
    squared = (own[:, None] + own - 2 * (f @ f.T))[np.triu_indices(len(f), 1)]
    return float(np.log(np.exp(-2 * squared).mean()))


def alike(labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return all pairs among `rows` with the same label, shape (pairs, 2)."""
    same = labels[rows][:, None] == labels[rows]
    return rows[np.argwhere(np.triu(same, 1))]


def _table(vectors: Any) -> np.ndarray:
    table = np.asarray(getattr(vectors, "vectors", vectors), np.float64)
    if table.ndim != 2 or len(table) < 2 or not table.shape[1] or not np.isfinite(table).all():
        raise ValueError(f"`vectors` must be finite, of shape (2 or more rows, dim); got {table.shape}. Correct them.")
    return table


def _matching(name: str, given: ArrayLike, table: np.ndarray) -> np.ndarray:
    array = np.asarray(given)
    if array.ndim != (2 if name == "inputs" else 1) or len(array) != len(table):
        raise ValueError(
            f"`{name}` must have {len(table)} entries, one per row; got {array.shape}. Give every row one."
        )
    return array


def _share(held_out: float) -> float:
    if not 0 < held_out < 1:
        raise ValueError(f"`held_out` must be between 0 and 1; got {held_out}. Use 0.5 for half of the rows.")
    return held_out
