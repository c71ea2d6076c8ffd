"""Images with classes: scikit-learn's digits, and MNIST's test set by path."""

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tf_emb.vectors import Vectors


@dataclass(frozen=True)
class Images:
    """Images and their classes, which can be split into halves.

    Attributes:
        name: of the data.
        pixels: float32 in 0..1, shape (images, height, width).
        classes: shape (images,).
    """

    name: str
    pixels: np.ndarray
    classes: np.ndarray

    def halves(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows to learn from and those held out."""
        order = np.random.default_rng(seed).permutation(len(self.classes))
        return order[: len(order) // 2], order[len(order) // 2 :]

    @property
    def ink(self) -> np.ndarray:
        """The images to look at: dark on light."""
        return 1 - self.pixels

    def labelled(self, matrix: np.ndarray, seed: int) -> "Vectors":
        """Return one vector per image, labelled by its class; a column tells its half of `halves(seed)`."""
        from tf_emb.vectors import Vectors

        names, half = [str(of) for of in self.classes], np.full(len(matrix), "learnt from")
        half[self.halves(seed)[1]] = "held out"
        return Vectors(names, matrix, {"class": names, "half": half.tolist()})


def images(paths: Mapping[str, Path]) -> Iterator[Images]:
    """Yield scikit-learn's 1,797 digits of 8 x 8, and MNIST's test set if `paths` has its folder as "mnist"."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    yield Images("scikit-learn digits", (digits.images / 16).astype(np.float32), digits.target)
    if "mnist" in paths:
        folder = Path(paths["mnist"])
        pixels = _idx(folder / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
        classes = _idx(folder / "t10k-labels-idx1-ubyte.gz", 8)
        yield Images("MNIST t10k", pixels.astype(np.float32) / 255, classes)


def _idx(path: Path, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)
