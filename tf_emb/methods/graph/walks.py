"""Random walks on graphs, all of them a step at a time: DeepWalk's, and node2vec's of second order.

A walk that came from t and stands at v goes on to x with a probability proportional to

    alpha(t, x) w(v, x),  alpha(t, x) = 1 / p where x = t,  1 where there is an edge from t to x,  1 / q elsewhere

(Grover and Leskovec 2016, "node2vec: Scalable Feature Learning for Networks", section 3.2.2); p = q = 1 is the walk of
Perozzi et al. 2014, "DeepWalk". How x is drawn is in tf_emb/methods/graph/second_order.py.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from tf_emb.methods.graph.adjacency import Adjacency, draw_edges
from tf_emb.methods.graph.second_order import ENTRIES, StepTable, draw_second_order, table_size

END = -1  # behind the last node of a walk that cannot go on


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
    going, draw = np.arange(len(starts)), _second_order(graph, walks.size, rng, p, q)
    edge = np.empty(0, np.int64)
    for step in range(1, length):
        on = graph.degrees[walks[step - 1, going]] > 0
        if not on.all():
            going, edge = going[on], edge[on] if step > 1 else edge
        edge = draw_edges(graph, walks[0, going], rng) if step == 1 else draw(edge)
        walks[step, going] = graph.neighbours[edge]
    return walks.T


def _second_order(
    graph: Adjacency, steps: int, rng: np.random.Generator, p: float, q: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what draws the edges after others: by a table where it pays, with no more entries than steps are drawn."""
    if p == q == 1:
        return lambda edge: draw_edges(graph, graph.neighbours[edge], rng)
    if table_size(graph) <= min(ENTRIES, steps):
        return partial(StepTable.of(graph, p, q).draw, rng=rng)
    return lambda edge: draw_second_order(graph, edge, rng, p, q)


def check_walk(length: int, p: float, q: float) -> None:
    """Refuse walks that cannot be."""
    if length < 1:
        raise ValueError(f"`length` must be 1 or more; got {length}. Use 80, as node2vec does.")
    for name, value in (("p", p), ("q", q)):
        if not 0 < value < np.inf:
            raise ValueError(f"`{name}` must be positive and finite; got {value}. Use 1 for walks without a bias.")
