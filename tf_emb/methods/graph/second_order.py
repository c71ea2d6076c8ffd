"""node2vec's step of second order, drawn in one of two ways.

P(x | t, v) is the formula at the head of walks.py. A table holds it for every edge (t, v) and every edge
out of v, as node2vec's own program does: one search draws a step. Its size grows with the sum of squared degrees, so
where that is much, x is drawn by w alone and kept with probability alpha / max(1, 1 / q), else drawn again. What 1 / p
has above that maximum belongs to one x, the way back, and is drawn apart (Yang et al. 2019, "KnightKing", sections 4.1
and 4.2).
"""

from dataclasses import dataclass

import numpy as np

from tf_emb.methods.graph.adjacency import Adjacency, draw_edges

ENTRIES = 1 << 22  # of a table: 64 MiB


@dataclass(frozen=True)
class StepTable:
    """P(x | t, v) for every edge e = (t, v), summed up in one ascending array.

    Attributes:
        first: int64, shape (edges + 1,): the entries of edge e are first[e]..first[e + 1] - 1.
        upto: float64, shape (entries,): e + the sum of P over the entries of e up to this one; e + 1 at their end.
        onward: int64, shape (entries,): the edge (v, x).
    """

    first: np.ndarray
    upto: np.ndarray
    onward: np.ndarray

    @classmethod
    def of(cls, graph: Adjacency, p: float, q: float) -> "StepTable":
        """Return the table of a graph; an entry is off by some 1e-16 times the number of edges."""
        sizes = graph.degrees[graph.neighbours]
        first = np.concatenate([[0], np.cumsum(sizes)])
        edge = np.repeat(np.arange(len(sizes)), sizes)
        onward = np.arange(first[-1]) - (first[:-1] - graph.starts[graph.neighbours])[edge]
        came, to = graph.sources[edge], graph.neighbours[onward]
        alpha = np.where(to == came, 1 / p, np.where(graph.near(came, to), 1.0, 1 / q))
        scores = graph.weights[onward] * alpha
        # Each edge's scores are made to sum to 1 before all are summed up: light edges are not lost beside heavy ones.
        shares = scores / np.bincount(edge, scores, len(sizes))[edge]
        sums = np.concatenate([[0.0], np.cumsum(shares)])
        low, high = sums[first[:-1]], sums[first[1:]]
        return cls(first, edge + (sums[1:] - low[edge]) / (high - low)[edge], onward)

    def draw(self, edge: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return an edge after each of `edge`."""
        at = np.searchsorted(self.upto, edge + rng.random(len(edge)), side="right")
        return self.onward[np.minimum(at, self.first[edge + 1] - 1)]  # the sum may round up to the next edge's first


def table_size(graph: Adjacency) -> int:
    """Return how many entries a table would have: over all edges, the edges that may come next."""
    return int(graph.degrees[graph.neighbours].sum())


def draw_second_order(graph: Adjacency, edge: np.ndarray, rng: np.random.Generator, p: float, q: float) -> np.ndarray:
    """Return an edge after each of `edge`, without a table."""
    previous, current = graph.sources[edge], graph.neighbours[edge]
    highest = max(1.0, 1 / q)
    chosen, share = _ways_back(graph, edge, max(1 / p - highest, 0.0), highest)
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


def _ways_back(graph: Adjacency, edge: np.ndarray, above: float, highest: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges back, and the share in all proposals of what their alpha has `above` the highest of others."""
    if above == 0:
        return np.empty(len(edge), np.int64), np.zeros(len(edge))
    back, current = graph.back[edge], graph.neighbours[edge]
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
