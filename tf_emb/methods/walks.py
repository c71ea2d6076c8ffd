"""Random walks on graphs, all of them a step at a time: DeepWalk's, and node2vec's of second order.

A walk that came from t and stands at v goes on to x with a probability proportional to

    alpha(t, x) w(v, x),  alpha(t, x) = 1 / p where x = t,  1 where there is an edge from t to x,  1 / q elsewhere

(Grover and Leskovec 2016, "node2vec: Scalable Feature Learning for Networks", section 3.2.2); p = q = 1 is the walk of
Perozzi et al. 2014, "DeepWalk". Tables of alpha w for every edge (t, v) grow with the sum of squared degrees; none are
kept. x is drawn by w alone and kept with probability alpha / max(1, 1 / q), else drawn again. What 1 / p has above that
maximum belongs to one x, the way back, and is drawn apart (Yang et al. 2019, "KnightKing", sections 4.1 and 4.2).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

BITS = 1 << 30  # of a graph's table of edges: 128 MiB, for up to 32,768 nodes
END = -1  # behind the last node of a walk that cannot go on


@dataclass(frozen=True)
class Adjacency:
    """A graph as compressed sparse rows.

    Attributes:
        starts: int64, shape (nodes + 1,): the edges that leave v are starts[v]..starts[v + 1] - 1.
        neighbours: int32, shape (edges,): where each leads to, ascending for every v.
        weights: floating point, shape (edges,), positive.
    """

    starts: np.ndarray
    neighbours: np.ndarray
    weights: np.ndarray

    @classmethod
    def from_matrix(cls, matrix: Any) -> "Adjacency":
        """Return the graph of a SciPy sparse matrix of weights, rows leading to columns; zeros are no edges.

        Raises:
            ValueError: the matrix is not square, or holds a weight that is negative, infinite or NaN.
        """
        rows = matrix.tocsr(copy=True)
        if rows.ndim != 2 or rows.shape[0] != rows.shape[1]:
            raise ValueError(f"`matrix` must be square; got shape {rows.shape}. Give a row and a column a node.")
        rows.sum_duplicates()
        rows.eliminate_zeros()
        weights = rows.data if rows.data.dtype.kind == "f" else rows.data.astype(np.float64)
        wrong = weights[~((weights > 0) & np.isfinite(weights))]
        if len(wrong):
            raise ValueError(f"`matrix` must hold weights that are positive and finite; got {wrong[0]}. Leave it out.")
        return cls(rows.indptr.astype(np.int64), rows.indices.astype(np.int32), weights)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def degrees(self) -> np.ndarray:
        """How many edges leave each node, int64, shape (nodes,)."""
        return np.diff(self.starts)

    @cached_property
    def sources(self) -> np.ndarray:
        """Where each edge leaves, int64, shape (edges,)."""
        return np.repeat(np.arange(len(self)), self.degrees)

    @cached_property
    def even(self) -> bool:
        """Whether all weights are equal."""
        return not len(self.weights) or bool(np.all(self.weights == self.weights[0]))

    @cached_property
    def cumulative(self) -> np.ndarray:
        """Sums of the weights of the first edges, float64, shape (edges + 1,)."""
        return np.concatenate([[0.0], np.cumsum(self.weights, dtype=np.float64)])

    @cached_property
    def _keys(self) -> np.ndarray:
        return self.sources * len(self) + self.neighbours

    @cached_property
    def _bits(self) -> np.ndarray | None:
        """Whether there is an edge, a bit for every two nodes; None where they would take too much."""
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


def random_walks(
    graph: Adjacency, starts: np.ndarray, length: int, rng: np.random.Generator, *, p: float = 1.0, q: float = 1.0
) -> np.ndarray:
    """Return a walk from each of `starts`.

    Args:
        graph: a node without edges, or without a way on, ends a walk.
        starts: integers, shape (walks,).
        length: nodes of a walk, its start included.
        rng: of all draws.
        p: "return": 1 / p is how much likelier a step back is than one to a common neighbour.
        q: "in-out": 1 / q is how much likelier a step away is.

    Returns:
        int32, shape (walks, length): nodes, then -1 where the walk could not go on.

    Raises:
        ValueError: `length` is below 1, or `p` or `q` is not positive and finite.
    """
    check_walk(length, p, q)
    walks = np.full((length, len(starts)), END, np.int32)
    walks[0] = starts
    going = np.arange(len(starts))
    for step in range(1, length):
        going = going[graph.degrees[walks[step - 1, going]] > 0]
        current = walks[step - 1, going]
        if step == 1 or p == q == 1:
            edge = draw_edges(graph, current, rng)
        else:
            edge = draw_second_order(graph, walks[step - 2, going], current, rng, p, q)
        walks[step, going] = graph.neighbours[edge]
    return walks.T


def check_walk(length: int, p: float, q: float) -> None:
    """Refuse walks that cannot be."""
    if length < 1:
        raise ValueError(f"`length` must be 1 or more; got {length}. Use 80, as node2vec does.")
    for name, value in (("p", p), ("q", q)):
        if not 0 < value < np.inf:
            raise ValueError(f"`{name}` must be positive and finite; got {value}. Use 1 for walks without a bias.")


def draw_edges(graph: Adjacency, current: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an edge out of each of `current`, drawn by weight; each needs one."""
    first, draw = graph.starts[current], rng.random(len(current))
    if graph.even:
        return first + (draw * graph.degrees[current]).astype(np.int64)
    last = graph.starts[current + 1] - 1
    low = graph.cumulative[first]
    at = np.searchsorted(graph.cumulative, low + draw * (graph.cumulative[last + 1] - low), side="right") - 1
    return np.clip(at, first, last)  # the sum may round up to the next node's first


def draw_second_order(
    graph: Adjacency, previous: np.ndarray, current: np.ndarray, rng: np.random.Generator, p: float, q: float
) -> np.ndarray:
    """Return an edge out of each of `current`, drawn by alpha w; see the head of this file."""
    highest = max(1.0, 1 / q)
    chosen, share = _ways_back(graph, previous, current, max(1 / p - highest, 0.0), highest)
    left = np.arange(len(current))
    while len(left):
        came, at = previous[left], current[left]
        taken = rng.random(len(left)) < share[left]  # the part of the way back that is drawn apart
        edge = draw_edges(graph, at, rng)
        keep = taken | _accepted(graph, came, graph.neighbours[edge], rng.random(len(left)) * highest, p, q)
        drawn = keep & ~taken
        chosen[left[drawn]] = edge[drawn]
        left = left[~keep]
    return chosen


def _ways_back(
    graph: Adjacency, previous: np.ndarray, current: np.ndarray, above: float, highest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges back, and the share in all proposals of what their alpha has `above` the highest of others."""
    if above == 0:
        return np.empty(len(current), np.int64), np.zeros(len(current))
    back = graph.edges(current, previous)
    extra = np.where(back >= 0, graph.weights[back], 0) * above
    total = graph.cumulative[graph.starts[current + 1]] - graph.cumulative[graph.starts[current]]
    return back, extra / (total * highest + extra)


def _accepted(
    graph: Adjacency, previous: np.ndarray, proposed: np.ndarray, height: np.ndarray, p: float, q: float
) -> np.ndarray:
    """Return whether height < alpha; edges are only looked up where that depends on them."""
    returns = proposed == previous
    accepted = height < np.where(returns, 1 / p, min(1.0, 1 / q))
    unsure = np.flatnonzero(~accepted & ~returns)
    accepted[unsure] = graph.near(previous[unsure], proposed[unsure]) == (
        q > 1
    )  # alpha is the larger of 1 and 1 / q there
    return accepted
