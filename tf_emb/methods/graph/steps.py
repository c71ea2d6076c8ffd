"""Steps of second order, drawn exactly: P(x | t, v) of whole edges (t, v) in a table, or of a few at a time.

    P(x | t, v) ~ alpha(t, x) w(v, x),  alpha(t, x) = 1 / p where x = t,  1 for an edge from t to x,  1 / q elsewhere

A pair (t, v) is scored edge by edge out of v. Where t has far fewer neighbours than v, only those x are looked up whose
alpha is not 1 / q; between them lie runs of edges out of v, which are drawn as a whole, and within a run by weight.
"""

from dataclasses import dataclass

import numpy as np

from tf_emb.methods.graph.adjacency import Adjacency
from tf_emb.methods.graph.shares import Shares

AT_ONCE = 1 << 20  # entries scored together: 100 MB
SMALLEST = 2.0**-1000  # a share below has lost digits
MOST = 0.9  # of the share of what is looked up; from there on too little is left to be got by subtraction
BACK, NEAR, AWAY = range(3)


@dataclass(frozen=True)
class StepTable:
    """P(x | t, v) for edges e = (t, v), a row for each.

    Attributes:
        shares: the rows.
        onward: int64, shape (entries,): the edge (v, x) of each entry.
    """

    shares: Shares
    onward: np.ndarray

    @classmethod
    def of(cls, graph: Adjacency, p: float, q: float, edge: np.ndarray | None = None) -> "StepTable":
        """Return the table of some edges, or of all of a graph."""
        edge = np.arange(len(graph.neighbours)) if edge is None else edge
        sizes = graph.degrees[graph.neighbours[edge]]
        first = _first(sizes)
        row = np.repeat(np.arange(len(sizes)), sizes)
        onward = np.arange(first[-1]) - (first[:-1] - graph.starts[graph.neighbours[edge]])[row]
        came, to = graph.sources[edge[row]], graph.neighbours[onward]
        kind = np.where(to == came, BACK, np.where(graph.near(came, to), NEAR, AWAY))
        return cls(Shares.of(first, *_scores(graph.weights[onward], kind, p, q)), onward)

    def draw(self, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the next edge for each of the rows, which are numbers of edges in a table of all."""
        return self.onward[self.shares.draw(row, rng)]


def table_size(graph: Adjacency) -> int:
    """Return how many entries a table would have: over all edges, the edges that may come next."""
    return int(graph.degrees[graph.neighbours].sum())


def draw_exactly(graph: Adjacency, edge: np.ndarray, rng: np.random.Generator, p: float, q: float) -> np.ndarray:
    """Return an edge after each of `edge`, each of which must have one; time grows with the degrees of its nodes."""
    came, at = (graph.degrees[of[edge]] for of in (graph.sources, graph.neighbours))
    hub = np.flatnonzero(4 * (came + 1) < at)
    chosen = np.full(len(edge), -1)
    for part in _parts(came[hub] + 1):
        chosen[hub[part]] = _by_runs(graph, edge[hub[part]], rng, p, q)
    rest = np.flatnonzero(chosen < 0)
    for part in _parts(at[rest]):
        of, which = np.unique(edge[rest[part]], return_inverse=True)
        chosen[rest[part]] = StepTable.of(graph, p, q, of).draw(which, rng)
    return chosen


def _by_runs(graph: Adjacency, edge: np.ndarray, rng: np.random.Generator, p: float, q: float) -> np.ndarray:
    """Return an edge after each of `edge`, or -1 where these shares are not exact enough; see MOST and SMALLEST."""
    item, special, kind = _specials(graph, edge)
    current = graph.neighbours[edge]
    count = np.bincount(item, minlength=len(edge))
    first = _first(2 * count + 1)
    # Of each pair: a run, a special edge, a run, ..., a special edge, a run.
    low, high = np.empty(first[-1], np.int64), np.empty(first[-1], np.int64)
    low[first[:-1]], high[first[1:] - 1] = graph.starts[current], graph.starts[current + 1]
    single = 2 * np.arange(len(item)) + item + 1
    low[single], high[single] = special, special + 1
    high[single - 1], low[single + 1] = special, special + 1
    row = np.repeat(current, 2 * count + 1)
    begin, end = _below(graph, low, row), _below(graph, high, row)
    share, kinds, known = end - begin, np.full(len(low), AWAY), graph.shares.share[special]
    share[single], kinds[single] = known, kind
    at = Shares.of(first, *_scores(share, kinds, p, q)).draw(np.arange(len(edge)), rng)
    low, high, begin, end, row = (of[at] for of in (low, high, begin, end, row))
    inside = begin + rng.random(len(at)) * (end - begin)
    found = np.clip(np.searchsorted(graph.shares.upto, row + inside, side="right"), low, high - 1)
    sure = np.bincount(item, np.where(known < SMALLEST, 1, known), len(edge)) < MOST
    return np.where(sure, found, -1)


def _specials(graph: Adjacency, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the edges (v, x) after each edge (t, v) with x = t or an edge from t to x, ascending, and their kinds."""
    previous, current = graph.sources[edge], graph.neighbours[edge]
    sizes = graph.degrees[previous]
    item = np.repeat(np.arange(len(edge)), sizes)
    to = graph.neighbours[np.arange(len(item)) - (_first(sizes)[:-1] - graph.starts[previous])[item]]
    other = to != previous[item]
    item, to = (np.concatenate([of[other], more]) for of, more in ((item, np.arange(len(edge))), (to, previous)))
    special = graph.edges(current[item], to)
    order = np.lexsort((special, item))
    order = order[special[order] >= 0]
    item, special = item[order], special[order]
    return item, special, np.where(graph.neighbours[special] == previous[item], BACK, NEAR)


def _below(graph: Adjacency, edge: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Return the sum of the shares in a row of all edges before `edge`."""
    return np.where(edge == graph.starts[row], 0.0, graph.shares.upto[edge - 1] - row)


def _scores(weights: np.ndarray, kind: np.ndarray, p: float, q: float) -> tuple[np.ndarray, np.ndarray]:
    """Return alpha w as mantissas and exponents: 1 / p alone may be beyond float64."""
    mantissa, exponent = np.frexp(weights.astype(np.float64))
    bias, power = np.frexp([float(p), 1.0, float(q)])
    return mantissa / bias[kind], exponent - power[kind]


def _first(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)])


def _parts(costs: np.ndarray) -> list[np.ndarray]:
    """Return the numbers of the items in parts, each of which costs no more than AT_ONCE and a single item."""
    at = np.cumsum(costs) // AT_ONCE
    return np.split(np.arange(len(costs)), np.flatnonzero(np.diff(at)) + 1) if len(costs) else []
