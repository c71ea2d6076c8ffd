"""The autoencoder beside PCA: how well a linear classifier recognises the classes of held-out images at 16 dims."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from compare.bench.methods.figure import Figure
from compare.bench.methods.images import Images, images

DIM = 16


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield the accuracies on all images."""
    for data in images(paths):
        yield beside(data, seeds, quick)


def beside(data: Images, seeds: Sequence[int], quick: bool) -> Figure:
    """Return the accuracies on a set of images; encoder, PCA and classifier all learn from one half of it."""
    import sklearn
    from sklearn.decomposition import PCA

    from tf_emb.methods.autoencoder import train_autoencoder

    x, classes = data.pixels.reshape(len(data.pixels), -1), data.classes
    ours, theirs, shown = [], [], []
    for seed in seeds:
        known, held = data.halves(seed)
        model = train_autoencoder(x[known], DIM, epochs=3 if quick else 100, seed=seed)
        shown.append(model.vectors(x).matrix)
        ours.append(probe(shown[-1], classes, known, held))
        theirs.append(probe(PCA(DIM, svd_solver="full").fit(x[known]).transform(x), classes, known, held))
    peer = f"PCA, scikit-learn {sklearn.__version__}"
    return Figure(
        "autoencoder",
        f"{data.name}, half held out",
        f"linear probe, {DIM} dims",
        ours,
        peer,
        theirs,
        vectors=data.labelled(shown[0], seeds[0]),
        pictures=data.ink,
    )


def probe(vectors: np.ndarray, classes: np.ndarray, known: np.ndarray, held: np.ndarray) -> float:
    """Return the accuracy on held-out rows of a logistic regression on standardised vectors."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000))
    return float(model.fit(vectors[known], classes[known]).score(vectors[held], classes[held]))
