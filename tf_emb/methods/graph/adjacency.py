"""A graph as arrays: the neighbours of a node, whether there is an edge, and edges drawn by weight."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tf_emb.methods.graph.shares import Shares

BITS = 1 << 30  # the largest table of edges: 128 MiB, for up to 32,768 nodes


@dataclass(frozen=True)
class Adjacency:
    """A graph as compressed sparse rows.

    Attributes:
        starts: int64, shape (nodes + 1,): the edges that leave v are starts[v]..starts[v + 1] - 1.
        neighbours: int32, shape (edges,): the target of each edge, ascending for every v.
        weights: floating point, shape (edges,), positive.
    """

    starts: np.ndarray
    neighbours: np.ndarray
    weights: np.ndarray

    @classmethod
    def from_matrix(cls, matrix: Any) -> "Adjacency":
        """Return the graph of a SciPy sparse matrix of weights, edges leading from rows to columns; zeros are no edges.

        An edge given twice has the sum of both weights.

        Raises:
            ValueError: the matrix is not square, or a weight is no real number, or negative, infinite or NaN.
        """
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"`matrix` must be square; got shape {matrix.shape}. Give one row and one column a node.")
        if matrix.dtype.kind not in "fiub":
            raise ValueError(f"`matrix` must hold real numbers; got {matrix.dtype}. Convert it to float64.")
        kept = matrix.dtype in (np.float32, np.float64)
        rows = (matrix if kept else matrix.astype(np.float64)).tocsr(copy=True)  # small integers overflow when added up
        with np.errstate(over="ignore"):
            rows.sum_duplicates()
        rows.eliminate_zeros()
        weights = rows.data
        wrong = weights[~((weights > 0) & np.isfinite(weights))]
        if len(wrong):
            raise ValueError(f"`matrix` must hold weights that are positive and finite; got {wrong[0]}. Leave it out.")
        return cls(rows.indptr.astype(np.int64), rows.indices.astype(np.int32), weights)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def degrees(self) -> np.ndarray:
        """The number of edges that leave each node, int64, shape (nodes,)."""
        return np.diff(self.starts)

    @cached_property
    def sources(self) -> np.ndarray:
        """The source of each edge, int64, shape (edges,)."""
        return np.repeat(np.arange(len(self)), self.degrees)

    @cached_property
    def even(self) -> bool:
        """Whether all weights are equal."""
        return not len(self.weights) or bool(np.all(self.weights == self.weights[0]))

    @cached_property
    def shares(self) -> Shares:
        """P(x | v) = w(v, x) / sum_y w(v, y) of each edge (v, x), a row per node."""
        return Shares.of(self.starts, *np.frexp(self.weights.astype(np.float64)))

    @cached_property
    def back(self) -> np.ndarray:
        """The edge that leads back along each edge, -1 where there is none; int64, shape (edges,)."""
        return self.edges(self.neighbours, self.sources)

    @cached_property
    def _keys(self) -> np.ndarray:
        return self.sources * len(self) + self.neighbours

    @cached_property
    def _bits(self) -> np.ndarray | None:
        """Whether there is an edge, one bit per pair of nodes; None where that would take too much memory."""
        if len(self) ** 2 > BITS:
            return None
        dense = np.zeros(-(-(len(self) ** 2) // 8), np.uint8)
        np.bitwise_or.at(dense, self._keys >> 3, np.left_shift(1, self._keys & 7).astype(np.uint8))
        return dense

    def near(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return whether an edge leads from each of `sources` to each of `targets`."""
        if self._bits is None:
            return self.edges(sources, targets) >= 0
        key = sources.astype(np.int64) * len(self) + targets
        return (self._bits[key >> 3] >> (key & 7).astype(np.uint8)) & 1 == 1

    def edges(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the edge from each of `sources` to each of `targets`, -1 where there is none; int64."""
        key = sources.astype(np.int64) * len(self) + targets
        at = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        return np.where(self._keys[at] == key, at, -1)


def draw_edges(graph: Adjacency, current: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an edge out of each of `current`, drawn by weight; each must have one."""
    if graph.even:
        return graph.starts[current] + (rng.random(len(current)) * graph.degrees[current]).astype(np.int64)
    return graph.shares.draw(current, rng)
