"""One basis for many tables, to make their pictures comparable: PCA fitted once, and the best rotation."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Basis:
    """Principal components: coordinates are (x - mean) axes.

    Attributes:
        mean: shape (dim,).
        axes: shape (dim, components), orthonormal columns, the largest variance first.
        explained: share of the variance along each, shape (components,).
    """

    mean: np.ndarray
    axes: np.ndarray
    explained: np.ndarray

    def coordinates(self, table: np.ndarray) -> np.ndarray:
        """Return float32 coordinates of rows, shape (rows, components)."""
        return ((table.astype(np.float64) - self.mean) @ self.axes).astype(np.float32)


def fit_pca(table: np.ndarray, components: int = 10) -> Basis:
    """Fit principal components of rows, in float64 and without sampling.

    The base installation has no scikit-learn; a test holds this to scikit-learn's. The sign of each axis makes its
    largest entry positive.

    Args:
        table: shape (rows, dim).
        components: how many at most; the page shows ten.
    """
    wide = table.astype(np.float64)
    mean = wide.mean(axis=0)
    wide -= mean
    values, vectors = np.linalg.eigh(wide.T @ wide)
    values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1]
    axes = vectors[:, :components]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1, 1)
    return Basis(mean, axes, values[:components] / (values.sum() or 1))


def rotated_onto(table: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return `table`, float64, rotated and moved as close to `reference` as possible.

    Minimises ||(A - mean A) R + mean B - B|| over orthogonal R (Schönemann 1966, the orthogonal Procrustes problem).
    There is no scaling: a larger space stays larger.
    """
    a, b = table.astype(np.float64), reference.astype(np.float64)
    center_a, center_b = a.mean(axis=0), b.mean(axis=0)
    U, _, Vt = np.linalg.svd((a - center_a).T @ (b - center_b))
    return (a - center_a) @ (U @ Vt) + center_b


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return ||a - b|| / ||b - mean b||, both in float64."""
    wide = b.astype(np.float64)
    spread = np.linalg.norm(wide - wide.mean(axis=0))
    return float(np.linalg.norm(a.astype(np.float64) - wide) / (spread or 1))
