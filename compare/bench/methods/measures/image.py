"""The image network beside PCA and raw pixels: is the nearest known image of the same class?"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from compare.bench.methods.figure import Figure
from compare.bench.methods.images import Images, images

DIM = 32
OBJECTIVES: tuple[Literal["softmax", "cosine", "contrastive"], ...] = ("softmax", "cosine", "contrastive")


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield 1-NN accuracies of all objectives on all images."""
    for data in images(paths):
        yield from beside(data, seeds, quick)


def beside(data: Images, seeds: Sequence[int], quick: bool) -> Iterator[Figure]:
    """Yield the accuracies on a set of images; all learn from one half of it."""
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier

    from tf_emb.methods.image import image_vectors, train_images

    flat, classes = data.pixels.reshape(len(data.pixels), -1), data.classes
    epochs = 1 if quick else None  # the default of `train_images`
    found: dict[str, list[float]] = {}
    shown: dict[str, np.ndarray] = {}

    def note(name: str, vectors: np.ndarray, seed: int) -> None:
        known, held = data.halves(seed)
        shown.setdefault(name, vectors)
        model = KNeighborsClassifier(1).fit(vectors[known], classes[known])
        found.setdefault(name, []).append(float(model.score(vectors[held], classes[held])))

    for seed in seeds:
        known, _ = data.halves(seed)
        pixels, named = data.pixels[known], classes[known].astype(np.int64)
        for objective in OBJECTIVES:
            network = train_images(pixels, named, DIM, objective=objective, epochs=epochs, seed=seed)
            note(objective, image_vectors(network, data.pixels).matrix, seed)
        note(f"PCA, {DIM} dims", PCA(DIM, svd_solver="full").fit(flat[known]).transform(flat), seed)
        note("pixels", flat, seed)
    for objective in OBJECTIVES:
        for peer in (f"PCA, {DIM} dims", "pixels"):
            system, on = f"image network, {objective}", f"{data.name}, half held out"
            yield Figure(
                system,
                on,
                f"1-NN accuracy, {DIM} dims",
                found[objective],
                peer,
                found[peer],
                vectors=data.labelled(shown[objective], seeds[0]),
                pictures=data.ink,
            )
