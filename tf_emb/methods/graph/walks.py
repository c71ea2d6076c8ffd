"""Random walks on graphs, all advancing one step at a time: DeepWalk's, and node2vec's of second order.

A walk that came from t and stands at v goes on to x with a probability proportional to

    alpha(t, x) w(v, x),  alpha(t, x) = 1 / p where x = t,  1 where there is an edge from t to x,  1 / q elsewhere

(Grover and Leskovec 2016, "node2vec: Scalable Feature Learning for Networks", section 3.2.2); p = q = 1 is the walk of
Perozzi et al. 2014, "DeepWalk".

x is drawn in one of two ways. A table holds P(x | t, v) for every edge (t, v) and every edge out of v, as in node2vec's
own program: one search draws a step. Its size grows with the sum of squared degrees, so where the table would be too
large, x is drawn by w alone and accepted with probability alpha / max(1, 1 / q), else drawn again. What 1 / p exceeds
that maximum by belongs to a single x, the way back, and is drawn separately (Yang et al. 2019, "KnightKing", sections
4.1 and 4.2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tf_emb.methods.graph.adjacency import Adjacency, draw_edges

END = -1  # follows the last node of a walk that cannot go on
ENTRIES = 1 << 22  # of a table: 64 MiB


def random_walks(
    graph: Adjacency,
    starts: np.ndarray,
    length: int,
    rng: np.random.Generator,
    *,
    p: float = 1.0,
    q: float = 1.0,
    entries: int = ENTRIES,
) -> np.ndarray:
    """Return a walk from each of `starts`.

    Args:
        graph: a node without outgoing edges ends a walk.
        starts: integers, shape (walks,).
        length: the number of nodes in a walk, its start included.
        rng: the source of every random draw.
        p: "return": 1 / p is the weight of a step back, relative to a step to a common neighbour.
        q: "in-out": 1 / q is the weight of a step away, relative to the same.
        entries: the largest table to draw second-order steps from; 0 always draws them by rejection.

    Returns:
        int32, shape (walks, length): nodes, then -1 where the walk could not go on.

    Raises:
        ValueError: `length` is below 1, or `p` or `q` is not positive and finite.
    """
    check_walk(length, p, q)
    walks = np.full((length, len(starts)), END, np.int32)
    walks[0] = starts
    going, draw = np.arange(len(starts)), _second_order(graph, min(entries, walks.size), rng, p, q)
    edge = np.empty(0, np.int64)
    for step in range(1, length):
        on = graph.degrees[walks[step - 1, going]] > 0
        if not on.all():
            going, edge = going[on], edge[on] if step > 1 else edge
        edge = draw_edges(graph, walks[0, going], rng) if step == 1 else draw(edge)
        walks[step, going] = graph.neighbours[edge]
    return walks.T


def _second_order(
    graph: Adjacency, entries: int, rng: np.random.Generator, p: float, q: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that draws the next edges: by a table if that has no more entries than steps are drawn."""
    if p == q == 1:
        return lambda edge: draw_edges(graph, graph.neighbours[edge], rng)
    if table_size(graph) <= entries:
        return partial(StepTable.of(graph, p, q).draw, rng=rng)
    return lambda edge: draw_by_rejection(graph, edge, rng, p, q)


def check_walk(length: int, p: float, q: float) -> None:
    """Refuse impossible walks."""
    if length < 1:
        raise ValueError(f"`length` must be 1 or more; got {length}. Use 80, as node2vec does.")
    for name, value in (("p", p), ("q", q)):
        if not 0 < value < np.inf:
            raise ValueError(f"`{name}` must be positive and finite; got {value}. Use 1 for walks without a bias.")


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
        """Return the table of a graph; an entry's error is about 1e-16 times the number of edges."""
        sizes = graph.degrees[graph.neighbours]
        first = np.concatenate([[0], np.cumsum(sizes)])
        edge = np.repeat(np.arange(len(sizes)), sizes)
        onward = np.arange(first[-1]) - (first[:-1] - graph.starts[graph.neighbours])[edge]
        came, to = graph.sources[edge], graph.neighbours[onward]
        alpha = np.where(to == came, 1 / p, np.where(graph.near(came, to), 1.0, 1 / q))
        scores = graph.weights[onward] * alpha
        # Normalised for each edge before all are summed up, so that light edges do not vanish beside heavy ones.
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


def draw_by_rejection(graph: Adjacency, edge: np.ndarray, rng: np.random.Generator, p: float, q: float) -> np.ndarray:
    """Return an edge after each of `edge`, without a table."""
    previous, current = graph.sources[edge], graph.neighbours[edge]
    highest = max(1.0, 1 / q)
    chosen, share = _ways_back(graph, edge, max(1 / p - highest, 0.0), highest)
    left = np.arange(len(current))
    while len(left):
        came, at = previous[left], current[left]
        taken = rng.random(len(left)) < share[left]  # the part of the way back that is drawn separately
        edge = draw_edges(graph, at, rng)
        keep = taken | _accepted(graph, came, graph.neighbours[edge], rng.random(len(left)) * highest, p, q)
        drawn = keep & ~taken
        chosen[left[drawn]] = edge[drawn]
        left = left[~keep]
    return chosen


def _ways_back(graph: Adjacency, edge: np.ndarray, above: float, highest: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges back, and the share of proposals for what their alpha has `above` the highest of the others."""
    if above == 0:
        return np.empty(len(edge), np.int64), np.zeros(len(edge))
    back, current = graph.back[edge], graph.neighbours[edge]
    extra = np.where(back >= 0, graph.weights[back], 0) * above
    total = graph.cumulative[graph.starts[current + 1]] - graph.cumulative[graph.starts[current]]
    return back, extra / (total * highest + extra)


def _accepted(
    graph: Adjacency, previous: np.ndarray, proposed: np.ndarray, height: np.ndarray, p: float, q: float
) -> np.ndarray:
    """Return whether height < alpha; edges are looked up only where the answer depends on them."""
    returns = proposed == previous
    accepted = height < np.where(returns, 1 / p, min(1.0, 1 / q))
    unsure = np.flatnonzero(~accepted & ~returns)
    # Accepted where alpha is the larger of 1 and 1 / q.
    accepted[unsure] = graph.near(previous[unsure], proposed[unsure]) == (q > 1)
    return accepted
