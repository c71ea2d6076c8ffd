"""The measures by their definitions: loops over columns, pairs and directions, Gram matrices, and Newton's method."""

from itertools import combinations

import numpy as np

from tf_emb.parity.case import Arrays

ROWS, DIM, SIZE, CLASSES, PAIRS = 64, 5, 5, 3, 40
SEED, SHARE, TEST = 7, 0.375, 24  # the rows held out are the first 24 of the permutation that seed 7 draws
TABLES = ("vectors", "flat", "holes")
# Rows by cluster and by name: of the seen and of the unseen.
SEEN = np.diag([10, 20, 10])
UNSEEN = np.array([[5, 1, 0], [1, 8, 1], [0, 5, 3]])
WIDTH = np.array([0.22, 0.5, 0.4, 0.3, 0.16])  # of the columns
NEWTON = 25  # steps: it doubles the digits at every one


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Three clusters on a line, with some names wrong; the same with dull columns, and with dull rows.

    The clusters lie apart, so that no row is near the border of two classes. Most names are of the middle one: the
    intercepts choose it, and so does a penalty that columns of small variance make too heavy. The unseen rows are
    reconstructed worse than the seen, and names have moved among them: of the last cluster most have the middle name.
    """
    order = np.random.default_rng(SEED).permutation(ROWS)
    classes, labels = np.empty((2, ROWS), int)
    for rows, named in ((order[:TEST], UNSEEN), (order[TEST:], SEEN)):
        classes[rows], labels[rows] = rng.permutation(np.repeat(np.argwhere(named + 1), named.ravel(), axis=0)).T
    # Orthogonal columns of several widths, so that the axes of the table are well apart; all but the first turned.
    others = rng.uniform(-1, 1, (ROWS, DIM - 1))
    for k in range(CLASSES):  # every row with its opposite under one name, so that the first alone tells them apart
        for rows in (order[:TEST], order[TEST:]):
            first, second = np.split(rows[labels[rows] == k], 2)
            others[second] = -others[first]
    line = np.insert(others, 0, classes - 1 + rng.uniform(-0.1, 0.1, ROWS), axis=1)
    straight = np.linalg.qr(line)[0] * np.sqrt(ROWS) * WIDTH
    turned = straight[:, 1:] @ turn(DIM - 1) * [1, 1, 1, -1]  # the last column's correlations are negative
    vectors = np.insert(turned, 0, straight[:, 0], axis=1) + 0.1
    flat = np.concatenate([straight[:, :4], np.zeros((ROWS, 1)), np.full((ROWS, 1), 2.5)], axis=1)
    holes = vectors.copy()
    holes[5], holes[7] = 0, holes[6]
    noise = rng.normal(size=(ROWS, SIZE)) * 0.2
    noise[order[:TEST]] *= 2
    return {
        "vectors": vectors,
        "flat": flat,
        "holes": holes,
        "inputs": vectors @ rng.normal(size=(DIM, SIZE)) + 1 + noise,
        "labels": labels,
        "pairs": np.concatenate([rng.integers(0, ROWS, (PAIRS, 2)), [[5, 9], [6, 7]]]),
        "order": order,
    }


def turn(size: int) -> np.ndarray:
    """The orthogonal matrix of the discrete cosine transform, which is far from its transpose."""
    k, i = np.indices((size, size))
    return np.sqrt((2 - (k == 0)) / size) * np.cos(np.pi * k * (2 * i + 1) / (2 * size))


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Every measure of every table."""
    A, labels = x["vectors"], x["labels"]
    test, train = np.split(x["order"], [TEST])
    rows = standard(A, train)
    weights = logistic(rows[train], labels[train])
    seen = right(rows[train], labels[train], weights)
    unseen = right(rows[test], labels[test], weights)
    kept = reconstruction(A[train], x["inputs"][train], A[test], x["inputs"][test])
    alike = np.array([(i, j) for i, j in combinations(range(ROWS), 2) if labels[i] == labels[j]])
    measured = {
        "reconstruction": [kept],
        "probe": [unseen, seen - unseen],
        "alignment": [alignment(A, x["pairs"]), alignment(A, alike), alignment(x["holes"], x["pairs"])],
    }
    of_table = {"effective rank": effective_rank, "correlation": correlation, "sparsity": sparsity,
                "isotropy": isotropy, "uniformity": uniformity}  # fmt: skip
    measured |= {name: [measure(x[table]) for table in TABLES] for name, measure in of_table.items()}
    return {name: np.array(values, A.dtype) for name, values in measured.items()}


def reconstruction(A: np.ndarray, known: np.ndarray, other: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """R^2 on unseen rows, by the normal equations of [A 1]."""
    B, C = (np.insert(rows, 0, 1, axis=1) for rows in (A, other))
    W = np.linalg.solve(B.T @ B, B.T @ known)
    left = ((asked - C @ W) ** 2).sum()
    return 1 - left / ((asked - known.mean(axis=0)) ** 2).sum()


def standard(A: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and variance 1 in the rows of `train`."""
    return (A - A[train].mean(axis=0)) / A[train].std(axis=0)


def logistic(A: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Newton's method on sum log(1 / p) + |W|^2 / 2, the intercept free: shape (classes, 1 + dim)."""
    B, hot = np.insert(A, 0, 1, axis=1), np.eye(CLASSES, dtype=A.dtype)[labels]
    W = np.zeros((CLASSES, B.shape[1]), A.dtype)
    for _ in range(NEWTON):
        slope, curve = derivatives(B, hot, W)
        W = W - np.linalg.solve(curve, slope.ravel()).reshape(W.shape)
    return W


def derivatives(B: np.ndarray, hot: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient, and the Hessian by pairs of classes, with 1 for what is free: a change of all intercepts alike."""
    p = np.exp(B @ W.T)
    p = p / p.sum(axis=1, keepdims=True)
    free = np.ones_like(W)
    free[:, 0] = 0
    curve = np.diag(free.ravel()).reshape(*W.shape, *W.shape)
    curve[:, 0, :, 0] = 1
    for k in range(CLASSES):
        for m in range(CLASSES):
            curve[k, :, m] += B.T @ ((p[:, k] * ((k == m) - p[:, m]))[:, None] * B)
    return (p - hot).T @ B + free * W, curve.reshape(W.size, W.size)


def right(A: np.ndarray, labels: np.ndarray, W: np.ndarray) -> float:
    """The share of rows whose likeliest class is theirs."""
    return sum(int(np.argmax(W[:, 0] + W[:, 1:] @ a)) == y for a, y in zip(A, labels, strict=True)) / len(A)


def effective_rank(A: np.ndarray) -> np.ndarray:
    """The product of p^-p; singular values are roots of the eigenvalues of A^T A."""
    squares = np.linalg.eigvalsh(A.T @ A)
    s = np.sqrt(squares[squares > squares.max() * len(A) * np.finfo(A.dtype).eps])
    p = s / s.sum()
    return np.prod(p**-p)


def correlation(A: np.ndarray) -> float:
    """The mean of |Pearson's r|, pair of columns by pair of columns."""
    live = [column - column.mean() for column in A.T if column.min() < column.max()]
    found = [abs((a * b).sum()) / np.sqrt((a * a).sum() * (b * b).sum()) for a, b in combinations(live, 2)]
    return sum(found) / len(found)


def sparsity(A: np.ndarray) -> float:
    """The mean of Hoyer's measure over columns that are not zero."""
    root = np.sqrt(np.asarray(len(A), A.dtype))
    found = [(root - abs(c).sum() / np.sqrt((c * c).sum())) / (root - 1) for c in A.T if c.any()]
    return sum(found) / len(found)


def isotropy(A: np.ndarray) -> np.ndarray:
    """The least of the sums of exp(c v) over the greatest, c the right singular vectors either way."""
    axes = np.linalg.svd(A, full_matrices=False)[2]
    z = [np.exp(sign * (A @ c)).sum() for c in axes for sign in (1, -1)]
    return min(z) / max(z)


def unit(A: np.ndarray) -> list[np.ndarray]:
    """Rows over their lengths; a row of zeros stays."""
    return [row / np.sqrt((row * row).sum()) if row.any() else row for row in A]


def alignment(A: np.ndarray, pairs: np.ndarray) -> float:
    """The mean squared distance of unit rows, pair by pair."""
    f = unit(A)
    return sum(((f[i] - f[j]) ** 2).sum() for i, j in pairs) / len(pairs)


def uniformity(A: np.ndarray) -> np.ndarray:
    """log of the mean of exp(-2 d), d the squared distance of unit rows, pair by pair."""
    near = [np.exp(-2 * ((a - b) ** 2).sum()) for a, b in combinations(unit(A), 2)]
    return np.log(sum(near) / len(near))
