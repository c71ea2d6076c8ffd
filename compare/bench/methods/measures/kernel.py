"""Random Fourier features beside scikit-learn's RBFSampler, the exact kernel, and an RBF-SVM, on its digits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from compare.bench.methods.figure import Figure
from tf_emb.vectors import Vectors

# From one group of orthogonal frequencies on: 64 of them, each used twice. Below, D is less than the theory requires.
SIZES, QUICK_SIZES = (128, 256, 512, 1024, 2048, 4096), (128, 512, 2048)
FEATURES = 2048
Map = Callable[[np.ndarray, int, float, int], np.ndarray]


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield the error of the kernel by number of features, its slope, and the accuracy of a linear classifier."""
    import sklearn
    from sklearn.datasets import load_digits

    rows, labels = load_digits(return_X_y=True)
    rows = rows.astype(np.float32) / 16
    gamma = 1 / (rows.shape[1] * float(rows.var()))
    version = f"scikit-learn {sklearn.__version__}"
    part = rows[np.random.default_rng(0).choice(len(rows), 200 if quick else 400, replace=False)]
    sizes = QUICK_SIZES if quick else SIZES
    mine, theirs = (
        np.array([[mean_error(of, part, D, gamma, seed) for D in sizes] for seed in seeds]) for of in (ours, rbf)
    )
    data = f"digits, {len(part)} rows"
    for D, a, b in zip(sizes, mine.T, theirs.T, strict=True):
        what = f"RMS error of the kernel, D = {D}"
        yield Figure("kernel", data, what, a.tolist(), f"{version} RBFSampler", b.tolist(), higher=False)
    slopes = np.polyfit(np.log(sizes), np.log(mine.T), 1)[0]
    what = "distance of the slope of log error by log D from -1/2"
    yield Figure("kernel", data, what, np.abs(slopes + 0.5).tolist(), "theory", [0.0], higher=False, margin=0.05)
    yield from probes(rows, labels, gamma, seeds, version)


def probes(rows: np.ndarray, labels: np.ndarray, gamma: float, seeds: Sequence[int], version: str) -> Iterator[Figure]:
    """Yield the accuracy of a linear SVM on the features, beside RBFSampler's and the SVM with the exact kernel."""
    from sklearn.model_selection import train_test_split
    from sklearn.svm import SVC

    accuracy: dict[str, list[float]] = {"ours": [], "sampler": [], "exact": []}
    for seed in seeds:
        train, test, known, asked = train_test_split(rows, labels, test_size=0.5, random_state=seed, stratify=labels)
        accuracy["exact"].append(SVC(gamma=gamma).fit(train, known).score(test, asked))
        for name, of in (("ours", ours), ("sampler", rbf)):
            features = [of(part, FEATURES, gamma, seed) for part in (train, test)]
            accuracy[name].append(SVC(kernel="linear").fit(features[0], known).score(features[1], asked))
    names = [str(label) for label in labels]
    shown = Vectors(names, ours(rows, FEATURES, gamma, seeds[0]), {"digit": names})
    data, what = "digits, half of them labelled", f"accuracy of a linear SVM, D = {FEATURES}"
    for peer, name, margin in (("RBFSampler, the same SVM", "sampler", 0.005), ("SVC, exact kernel", "exact", 0.005)):
        yield Figure(
            "kernel",
            data,
            what,
            accuracy["ours"],
            f"{version} {peer}",
            accuracy[name],
            margin=margin,
            vectors=shown,
            pictures=1 - rows.reshape(-1, 8, 8),
        )


def mean_error(of: Map, rows: np.ndarray, features: int, gamma: float, seed: int) -> float:
    """Return the mean error of five draws: single draws differ by a tenth."""
    return float(np.mean([error(of, rows, features, gamma, 5 * seed + draw) for draw in range(5)]))


def error(of: Map, rows: np.ndarray, features: int, gamma: float, seed: int) -> float:
    """Return the root mean square of z(x) z(y) - k(x, y) over all pairs of different rows."""
    from sklearn.metrics.pairwise import rbf_kernel

    z = of(rows, features, gamma, seed).astype(np.float64)
    apart = ~np.eye(len(rows), dtype=bool)
    return float(np.sqrt(np.mean((z @ z.T - rbf_kernel(rows, gamma=gamma))[apart] ** 2)))


def ours(rows: np.ndarray, features: int, gamma: float, seed: int) -> np.ndarray:
    """tf_emb's features."""
    from tf_emb.methods.kernel import kernel_features

    labels = [str(row) for row in range(len(rows))]
    return kernel_features(labels, rows, features=features, gamma=gamma, seed=seed).matrix


def rbf(rows: np.ndarray, features: int, gamma: float, seed: int) -> np.ndarray:
    """scikit-learn's."""
    from sklearn.kernel_approximation import RBFSampler

    return RBFSampler(gamma=gamma, n_components=features, random_state=seed).fit_transform(rows)
