"""How far rounding may take each measure: running error analysis, and perturbation theory for what factors a matrix.

A computed factorisation is exact for a matrix that is off by E. Each of 2 d Householder reflectors of at most n rows
brings gamma(5 n) |A|_F (Higham 2002, lemma 19.3, whose small constant is taken as 5): |E| <= 10 d n u |A|_F.
"""

import numpy as np

from compare.cases.methods.representation.oracle import CLASSES, TABLES, TEST, derivatives, logistic, standard
from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, contract, gamma

TOLERANCE = 1e-4  # scikit-learn stops where no entry of the mean gradient is larger; PyTorch is asked for less


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The largest error of every output."""
    A, labels = x["vectors"], x["labels"]
    alike = np.argwhere(np.triu(labels[:, None] == labels, 1))
    aligned = [(A, x["pairs"]), (A, alike), (x["holes"], x["pairs"])]
    unseen, seen = undecided(A, labels, x["order"])
    of_table = {"effective rank": effective_rank, "correlation": correlation, "sparsity": sparsity,
                "isotropy": isotropy, "uniformity": uniformity}  # fmt: skip
    return {name: np.array([error(x[table], u) for table in TABLES]) for name, error in of_table.items()} | {
        "alignment": np.array([alignment(table, pairs, u) for table, pairs in aligned]),
        "reconstruction": np.array([reconstruction(x, u)]),
        # A share is one division; a difference of two is one rounding more.
        "probe": np.array([unseen + 2 * u, seen + unseen + 5 * u]),
    }


def backward(A: np.ndarray, u: float) -> float:
    """|E|, as above."""
    return float(gamma(10 * A.size, u) * np.linalg.norm(A))


def gram(A: np.ndarray, u: float) -> float:
    """How far A^T A and a factorisation of it are off: gamma(n) |A|_F^2, and reflectors of d rows."""
    rows, dim = A.shape
    return float(gamma(rows + 10 * dim**2, u) * np.linalg.norm(A) ** 2)


def reconstruction(x: Arrays, u: float) -> float:
    """W by normal equations or by a factorisation of B = [1 A], of which centred rows are a better conditioned part.

    (B^T B + G) (W + w) = B^T Y + g; or |w| <= |E| (|W| / s + |R| / s^2), R the residual, s the least singular value
    (Higham 2002, theorem 20.1; 2 stands for the terms of higher order).
    """
    test, train = np.split(x["order"], [TEST])
    B, C = (np.insert(x["vectors"][rows], 0, 1, axis=1) for rows in (train, test))
    Y, asked = x["inputs"][train], x["inputs"][test]
    W = np.linalg.lstsq(B, Y, rcond=None)[0]
    size, s = np.linalg.norm(W), np.linalg.svd(B, compute_uv=False)[-1]
    normal = (gram(B, u) * size + gamma(len(B), u) * np.linalg.norm(B) * np.linalg.norm(Y)) / (s**2 - gram(B, u))
    factored = 2 * backward(B, u) * (size / s + np.linalg.norm(Y - B @ W) / s**2)
    off = np.linalg.norm(C) * (max(normal, factored) + gamma(len(W), u) * size) + 3 * u * np.linalg.norm(asked)
    left, total = (float(np.linalg.norm(rest)) for rest in (asked - C @ W, asked - Y.mean(axis=0)))
    # The mean of n rows is off by gamma(n) of their mean size.
    moved = float(np.sqrt(len(asked)) * gamma(len(Y), u) * np.linalg.norm(np.abs(Y).mean(axis=0)))
    ends = [rise(left, off, asked.size, u), rise(total, moved, asked.size, u)]
    ratio = left**2 / total**2
    return float(ratio * ((1 + ends[0]) / (1 - ends[1]) - 1) + 4 * u * (1 + ratio))


def rise(length: float, error: float, terms: int, u: float) -> float:
    """By which share |v|^2 may be off where v is off by `error`."""
    return float((1 + error / length) ** 2 * (1 + gamma(terms + 2, u)) - 1)


def undecided(A: np.ndarray, labels: np.ndarray, order: np.ndarray) -> tuple[float, float]:
    """The shares of unseen and seen rows whose two best scores a solver's tolerance may exchange.

    Where a gradient g is left, the weights are off by H^-1 g, and a difference b W of scores by at most |H^-1 b|_1
    times the largest |g|; 2 stands for what is of higher order. It is far more than rounding moves them.
    """
    test, train = np.split(order, [TEST])
    rows = standard(A, train)
    W = logistic(rows[train], labels[train])
    B = np.insert(rows, 0, 1, axis=1)
    curve = derivatives(B[train], np.eye(CLASSES)[labels[train]], W)[1] / len(train)
    scores = B @ W.T
    second, first = np.argsort(scores, axis=1)[:, -2:].T
    difference = np.eye(CLASSES)[first] - np.eye(CLASSES)[second]
    asked = (difference[:, :, None] * B[:, None]).reshape(len(B), -1)
    off = 2 * TOLERANCE * np.abs(np.linalg.solve(curve, asked.T)).sum(axis=0)
    open_ = (difference * scores).sum(axis=1) <= off
    return float(open_[test].mean()), float(open_[train].mean())


def effective_rank(A: np.ndarray, u: float) -> float:
    """Weyl: a singular value is off by |E|; as the root of an eigenvalue of A^T A, by what that is off over s."""
    s = np.linalg.svd(A, compute_uv=False)
    s = s[s > 1e-9 * s[0]]
    e = np.maximum(backward(A, u), gram(A, u) / s)
    p, total = s / s.sum(), s.sum()
    off = (e + p * e.sum()) / (total - e.sum())
    # The slope of p log p is at most |log p| + 1 at the smaller end.
    entropy = off * (np.abs(np.log(p - off)) + 1) - gamma(2 * FUNCTION + len(p) + 3, u) * p * np.log(p)
    rank = np.exp(-(p * np.log(p)).sum())
    return float(rank * (np.expm1(entropy.sum()) + gamma(FUNCTION + len(p), u)))


def correlation(A: np.ndarray, u: float) -> float:
    """Means, products and roots as they come; factors 1 / (n - 1), in which programs differ, are 8 roundings."""
    live = Rounded.exact(A[:, np.ptp(A, axis=0) > 0], u)
    centred = live - live.sum(0) / float(len(A))
    products = contract("ni,nj->ij", centred, centred)
    width = products[np.diag_indices(len(products.value))].sqrt()
    r = (products / (width[:, None] * width))[np.triu_indices(len(products.value), 1)]
    each = Rounded(np.abs(r.value), r.error + gamma(8, u) * np.abs(r.value), u)
    return float((each.sum(0) / float(len(each.value))).error)


def sparsity(A: np.ndarray, u: float) -> float:
    """Both norms by sums; the root of n is rounded."""
    live = Rounded.exact(np.abs(A[:, A.any(axis=0)]), u)
    value = np.sqrt(len(A))
    root = Rounded(np.asarray(value), np.asarray(u * value), u)
    each = (root - live.sum(0) / (live * live).sum(0).sqrt()) / (root - 1.0)
    return float((each.sum(0) / float(A.shape[1])).error)


def isotropy(A: np.ndarray, u: float) -> float:
    """Davis and Kahan: an eigenvector turns by sin t <= |E| / gap, and so moves by at most sqrt(2) sin t.

    Then log Z moves by at most the greatest |v| times that, and by the rounding of scores, exp, n additions and log.
    """
    values, axes = np.linalg.eigh(A.T @ A)
    gaps = np.diff(values, prepend=-np.inf, append=np.inf)
    E = gram(A, u)
    gap = np.minimum(gaps[:-1], gaps[1:]) - E
    turned = np.where(gap > 0, np.sqrt(2) * E / np.maximum(gap, 1e-300), np.inf)
    longest = np.linalg.norm(A, axis=1).max()
    scores = A @ np.concatenate([axes, -axes], axis=1)
    log_z = np.log(np.exp(scores).sum(axis=0))
    off = longest * (np.tile(turned, 2) + gamma(len(values) + 1, u)) + gamma(2 * FUNCTION + len(A), u) * (
        1 + np.abs(log_z) + np.abs(scores).max(axis=0)
    )
    # The least of numbers that move by `off` moves by the greatest `off` among those that can be least.
    low = log_z - off <= np.min(log_z + off)
    high = log_z + off >= np.max(log_z - off)
    both = off[low].max() + off[high].max()
    return float(np.exp(log_z.min() - log_z.max()) * (np.expm1(both) + gamma(FUNCTION + 1, u)))


def unit(A: np.ndarray, u: float) -> Rounded:
    """Rows over their lengths; a row of zeros stays."""
    live = np.any(A, axis=1, keepdims=True)
    rows = Rounded.exact(np.where(live, A, 1.0), u)
    return (rows / (rows * rows).sum(1).sqrt()[:, None]).where(live)


def squared(f: Rounded, i: np.ndarray, j: np.ndarray, u: float) -> Rounded:
    """|f_i - f_j|^2 by differences, or by inner products; a root squared again is 3 roundings."""
    apart = f[i] - f[j]
    direct = (apart * apart).sum(1)
    own = (f * f).sum(1)
    product = own[i] + own[j] + (f[i] * f[j]).sum(1) * -2.0
    error = np.maximum(direct.error + gamma(3, u) * (direct.value + direct.error), product.error)
    return Rounded(direct.value, error, u)


def alignment(A: np.ndarray, pairs: np.ndarray, u: float) -> float:
    """A mean of squared distances."""
    return float((squared(unit(A, u), pairs[:, 0], pairs[:, 1], u).sum(0) / float(len(pairs))).error)


def uniformity(A: np.ndarray, u: float) -> float:
    """The relative error of exp(-2 d) is expm1 of twice the error of d; log turns a relative error into an absolute."""
    i, j = np.triu_indices(len(A), 1)
    d = squared(unit(A, u), i, j, u)
    near = np.exp(-2 * d.value)
    own = np.expm1(2 * d.error) * (1 + gamma(FUNCTION, u)) + gamma(FUNCTION, u)
    mean = Rounded(near, near * own, u).sum(0) / float(len(near))
    return float(-np.log1p(-mean.error / mean.value) + gamma(FUNCTION, u) * abs(np.log(mean.value)))
