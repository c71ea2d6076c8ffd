"""Random walks on graphs, all advancing one step at a time: DeepWalk's, and node2vec's of second order.

A walk that came from t and stands at v goes on to x with a probability proportional to

    alpha(t, x) w(v, x),  alpha(t, x) = 1 / p where x = t,  1 where there is an edge from t to x,  1 / q elsewhere

(Grover and Leskovec 2016, "node2vec: Scalable Feature Learning for Networks", section 3.2.2); p = q = 1 is the walk of
Perozzi et al. 2014, "DeepWalk".

x is drawn in one of two ways. A table holds P(x | t, v) for every edge (t, v) and every edge out of v, as in node2vec's
own program: one search draws a step. Its size grows with the sum of squared degrees, so where the table would be too
large, x is drawn by w alone and accepted with probability alpha / max(1, 1 / q), else drawn again. What 1 / p exceeds
that maximum by belongs to a single x, the way back, and is drawn separately (Yang et al. 2019, "KnightKing", sections
4.1 and 4.2). After a few tries, x is drawn exactly (steps.py): no p and q take longer than scoring the edges out of v.
"""

import sys
from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from tf_emb.corpus.checks import integer
from tf_emb.memory import check_memory
from tf_emb.methods.graph.adjacency import Adjacency, draw_edges
from tf_emb.methods.graph.steps import SMALLEST, StepTable, draw_exactly, table_size

END = -1  # follows the last node of a walk that cannot go on
ENTRIES = 1 << 22  # of a table: 96 MiB
TRIES = 64  # proposals for a step
MOST = sys.float_info.max


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
        ValueError: `length` is below 1, `p` or `q` is not positive and finite, a start is no node, or the walks do not
            fit in memory.
    """
    check_walk(length, p, q)
    starts, p, q = checked_starts(graph, starts), float(p), float(q)
    check_memory(4 * int(length) * len(starts), f"{len(starts):,} walks of {length:,} nodes", "Ask for fewer at once.")
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
    integer("length", length, remedy="Use 80, as node2vec does.")
    for name, value in (("p", p), ("q", q)):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError(f"`{name}` must be a number; got {value!r}. Use 1 for walks without a bias.")
        if not 0 < value <= MOST:
            raise ValueError(f"`{name}` must be positive and finite; got {value}. Use 1 for walks without a bias.")


def checked_starts(graph: Adjacency, starts: Any) -> np.ndarray:
    """Return the starts of walks as an array.

    Raises:
        ValueError: they are no integers in one row, or no node has such a number.
    """
    found = np.asarray(starts)
    if found.ndim != 1 or (found.dtype.kind not in "iu" and len(found)):
        raise ValueError(
            f"`starts` must be integers in one row; got {found.dtype} of shape {found.shape}. Pass numbers of nodes."
        )
    if len(found) and not 0 <= found.min() <= found.max() < len(graph):
        wrong = found.min() if found.min() < 0 else found.max()
        raise ValueError(f"`starts` must be numbers of nodes, from 0 to {len(graph) - 1}; got {wrong}. Leave it out.")
    return found.astype(np.int64)


def draw_by_rejection(graph: Adjacency, edge: np.ndarray, rng: np.random.Generator, p: float, q: float) -> np.ndarray:
    """Return an edge after each of `edge`, without a table: by up to TRIES proposals, and then exactly."""
    previous, current = graph.sources[edge], graph.neighbours[edge]
    chosen, share = _ways_back(graph, edge, _way_back(p, q) - 1)
    left = np.flatnonzero(share <= 1)
    # No more proposals than there are edges to be scored without them.
    limit = np.clip(np.minimum(graph.degrees[previous] + 1, graph.degrees[current]), 4, TRIES)
    exactly = [np.flatnonzero(~(share <= 1))]
    for tried in range(1, TRIES + 1):
        if not len(left):
            break
        taken = rng.random(len(left)) < share[left]  # the part of the way back that is drawn separately
        proposed = draw_edges(graph, current[left], rng)
        keep = taken | _accepted(graph, previous[left], graph.neighbours[proposed], rng.random(len(left)), p, q)
        drawn = keep & ~taken
        chosen[left[drawn]] = proposed[drawn]
        left = left[~keep]
        exactly.append(left[limit[left] == tried])
        left = left[limit[left] > tried]
    last = np.concatenate(exactly)
    chosen[last] = draw_exactly(graph, edge[last], rng, p, q)
    return chosen


def _way_back(p: float, q: float) -> float:
    """Return alpha of the way back over the highest of the others, max(1, 1 / q)."""
    return min(1.0, q) / p


def _ways_back(graph: Adjacency, edge: np.ndarray, above: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges back, and the share of proposals for what their alpha is `above` the highest of the others.

    NaN stands for a share that is beyond float64.
    """
    if above <= 0:
        return np.empty(len(edge), np.int64), np.zeros(len(edge))
    back = graph.back[edge]
    weight = np.where(back >= 0, graph.shares.share[back], 0)
    lost = (back >= 0) & (weight < SMALLEST)
    with np.errstate(over="ignore", invalid="ignore"):
        extra = np.where(back >= 0, weight * above, 0)
        return back, np.where(lost, np.nan, extra / (1 + extra))


def _accepted(
    graph: Adjacency, previous: np.ndarray, proposed: np.ndarray, height: np.ndarray, p: float, q: float
) -> np.ndarray:
    """Return whether height < alpha / max(1, 1 / q); edges are looked up only where the answer depends on them."""
    returns = proposed == previous
    accepted = height < np.where(returns, _way_back(p, q), min(q, 1 / q))
    unsure = np.flatnonzero(~accepted & ~returns)
    # Accepted where alpha is the larger of 1 and 1 / q.
    accepted[unsure] = graph.near(previous[unsure], proposed[unsure]) == (q > 1)
    return accepted
