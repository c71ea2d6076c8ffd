"""`evaluate.representation` beside the same measures by other libraries, on digits, and beside known answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.methods.figure import Figure
from compare.bench.methods.images import Images, images
from tf_emb.vectors import Vectors

SYSTEM, DIM, QUICK = "representation", 16, 300
Table = Callable[[np.ndarray, int], np.ndarray]
ROUNDING = 1e-9  # of numbers of about 1 at float64, sums of a million terms among them


@dataclass(frozen=True)
class Given:
    """What a peer measures: a float64 table, the pixels that it represents, classes, and a split of the rows."""

    table: np.ndarray
    pixels: np.ndarray
    classes: np.ndarray
    seed: int

    @cached_property
    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        """The test rows and the training rows, as `representation` draws them."""
        test, train = np.split(np.random.default_rng(self.seed).permutation(len(self.table)), [len(self.table) // 2])
        return test, train

    @cached_property
    def scores(self) -> dict[str, Any]:
        """Accuracies by cross-validation with one fold."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import cross_validate
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        test, train = self.halves
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5_000))
        return cross_validate(model, self.table, self.classes, cv=[(train, test)], return_train_score=True)


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield every measure of pixels, of their PCA and of a random projection, then of tables with known answers."""
    data = next(images({}))
    # An even number of rows has halves.
    data = Images(data.name, data.pixels[: QUICK if quick else 1796], data.classes[: QUICK if quick else 1796])
    for name, table in tables().items():
        yield from beside(f"digits, {name}", data, table, seeds)
    yield explained(data)
    yield from known(seeds, 200 if quick else 1000)


def beside(on: str, data: Images, table: Table, seeds: Sequence[int]) -> Iterator[Figure]:
    """Yield all measures of one table, and the largest difference among them."""
    from tf_emb.evaluate import representation

    x = data.pixels.reshape(len(data.pixels), -1).astype(np.float64)
    given = [Given(table(x, seed), x, data.classes, seed) for seed in seeds]
    ours = [representation(of.table, inputs=x, labels=data.classes, seed=of.seed) for of in given]
    names = [str(of) for of in data.classes]
    shown = Vectors(names, given[0].table.astype(np.float32), {"digit": names})
    off = []
    for name, (peer, higher, of) in PEERS.items():
        mine, theirs = [getattr(found, name) for found in ours], [of(one) for one in given]
        off.append(np.abs(np.subtract(mine, theirs)).max())
        yield Figure(SYSTEM, on, name.replace("_", " "), mine, peer, theirs, higher, ROUNDING, shown, data.ink)
    yield Figure(SYSTEM, on, "largest difference of all", [max(off)], "none", [0.0], False, ROUNDING)


def explained(data: Images) -> Figure:
    """The reconstruction by PCA of the rows that it was fitted to is its explained variance."""
    from sklearn.decomposition import PCA

    from tf_emb.evaluate.measures import reconstruction

    x = data.pixels.reshape(len(data.pixels), -1).astype(np.float64)
    model = PCA(DIM, svd_solver="full").fit(x)
    kept = reconstruction(model.transform(x), x, model.transform(x), x)
    off = abs(kept - float(model.explained_variance_ratio_.sum()))
    return Figure(
        SYSTEM,
        f"digits, PCA {DIM}",
        "reconstruction of seen rows, distance",
        [off],
        "PCA.explained_variance_ratio_",
        [0.0],
        False,
        ROUNDING,
    )


def known(seeds: Sequence[int], rows: int) -> Iterator[Figure]:
    """Yield how far measures of random tables are from their theoretical values.

    k = exp(-2 |x - y|^2) of directions drawn at random in d dimensions has the mean exp(-4) 0F1(d / 2; 4), and k^2
    exp(-8) 0F1(d / 2; 16); the mean of k over all pairs has the variance of k over their number, since the mean over y
    is the same for every x.
    """
    from scipy.special import hyp0f1

    from tf_emb.evaluate.measures import effective_rank, uniformity

    tables = [np.random.default_rng(seed).normal(size=(rows, DIM)) for seed in seeds]
    ranks = [abs(effective_rank(np.linalg.qr(table)[0]) - DIM) for table in tables]
    yield Figure(
        SYSTEM,
        f"{DIM} orthonormal columns",
        f"effective rank, distance from {DIM}",
        ranks,
        "theory",
        [0.0],
        False,
        ROUNDING,
    )
    wanted = float(np.log(hyp0f1(DIM / 2, 4)) - 4)
    spread = float(hyp0f1(DIM / 2, 16) / hyp0f1(DIM / 2, 4) ** 2 - 1)
    margin = 4 * np.sqrt(spread / (rows * (rows - 1) / 2))
    off = [abs(uniformity(table) - wanted) for table in tables]
    yield Figure(
        SYSTEM,
        f"{rows} random directions",
        f"uniformity, distance from {wanted:.4f}",
        off,
        "theory",
        [0.0],
        False,
        float(margin),
    )


def tables() -> dict[str, Table]:
    """Return what is measured: the pixels as they are, their first components, and a random projection."""
    from sklearn.decomposition import PCA
    from sklearn.random_projection import GaussianRandomProjection

    return {
        "pixels": lambda x, seed: x,
        f"PCA {DIM}": lambda x, seed: PCA(DIM, svd_solver="full").fit_transform(x),
        f"random projection {DIM}": lambda x, seed: GaussianRandomProjection(DIM, random_state=seed).fit_transform(x),
    }


def reconstructed(of: Given) -> float:
    """Squared errors of LinearRegression over those of DummyRegressor, which says the mean."""
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import mean_squared_error

    test, train = of.halves
    models = [kind().fit(of.table[train], of.pixels[train]) for kind in (LinearRegression, DummyRegressor)]
    left, total = (mean_squared_error(of.pixels[test], model.predict(of.table[test])) for model in models)
    return float(1 - left / total)


def rank(of: Given) -> float:
    """exp of SciPy's entropy of SciPy's singular values."""
    from scipy.linalg import svdvals
    from scipy.stats import entropy

    return float(np.exp(entropy(svdvals(of.table))))


def correlated(of: Given) -> float:
    """Distances of columns, without constant ones."""
    from scipy.spatial.distance import pdist

    return float(np.abs(1 - pdist(of.table[:, of.table.std(axis=0) > ROUNDING].T, "correlation")).mean())


def hoyer(of: Given) -> float:
    """From columns of unit length."""
    from sklearn.preprocessing import normalize

    columns = np.abs(normalize(of.table, axis=0)).sum(axis=0)
    root = np.sqrt(len(of.table))
    return float(np.mean((root - columns[columns > 0]) / (root - 1)))


def isotropic(of: Given) -> float:
    """By right singular vectors and scipy.special.logsumexp."""
    from scipy.linalg import svd
    from scipy.special import logsumexp

    axes = svd(of.table, full_matrices=False)[2]
    z = logsumexp(of.table @ np.concatenate([axes, -axes]).T, axis=0)
    return float(np.exp(z.min() - z.max()))


def aligned(of: Given) -> float:
    """The authors' formula."""
    import torch

    f = torch.nn.functional.normalize(torch.from_numpy(of.table), dim=1)
    i, j = torch.triu_indices(len(f), len(f), 1)
    same = torch.from_numpy(of.classes)[i] == torch.from_numpy(of.classes)[j]
    return float((f[i[same]] - f[j[same]]).norm(dim=1).pow(2).mean())


def uniform(of: Given) -> float:
    """The authors' formula."""
    import torch

    f = torch.nn.functional.normalize(torch.from_numpy(of.table), dim=1)
    return float(torch.pdist(f).pow(2).mul(-2).exp().mean().log())


AUTHORS = "Wang and Isola's formula in PyTorch"
PEERS: dict[str, tuple[str, bool, Callable[[Given], float]]] = {
    "reconstruction": ("scikit-learn LinearRegression", True, reconstructed),
    "probe": ("scikit-learn cross_validate", True, lambda of: float(of.scores["test_score"][0])),
    "gap": ("scikit-learn cross_validate", False,
            lambda of: float(of.scores["train_score"][0] - of.scores["test_score"][0])),
    "effective_rank": ("scipy.stats.entropy of scipy.linalg.svdvals", True, rank),
    "correlation": ("scipy.spatial.distance.pdist", False, correlated),
    "sparsity": ("scikit-learn normalize", True, hoyer),
    "isotropy": ("scipy.linalg.svd and logsumexp", True, isotropic),
    "alignment": (AUTHORS, False, aligned),
    "uniformity": (AUTHORS, False, uniform),
}  # fmt: skip
