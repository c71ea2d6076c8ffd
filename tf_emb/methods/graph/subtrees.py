"""Bags of Weisfeiler-Lehman subtrees: what is visible from every node of a graph, one step further each round.

    l_0(v) = 0, or a label that v has;  l_(i+1)(v) = number of (l_i(v), sorted l_i(u) of the neighbours u)

Equal numbers, over all graphs, for equal pairs. Isomorphic graphs have equal bags; so have graphs that the test of
Weisfeiler and Lehman cannot tell apart, such as regular graphs of one size and degree.

Shervashidze et al. 2011, "Weisfeiler-Lehman Graph Kernels", algorithms 1 and 2, definition 4.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def subtree_labels(graphs: Sequence[Any], rounds: int, attribute: str | None = None) -> list[np.ndarray]:
    """Return the label of every node of every graph after 0 to `rounds` rounds.

    Labels are 0, 1, 2 ... without gaps, later rounds after earlier ones, in the order of what they stand for: they do
    not depend on the order of graphs or nodes.

    Args:
        graphs: networkx graphs; directed edges are followed forwards.
        rounds: the number of rounds, that is, the depth of the subtrees.
        attribute: a node attribute, read as text, by which l_0 differs; None starts with equal labels.

    Returns:
        One int64 array per graph, shape (rounds + 1, nodes), the nodes in the graph's order.

    Raises:
        ValueError: `rounds` is negative, or a node lacks the attribute.
    """
    if rounds < 0:
        raise ValueError(f"`rounds` must be 0 or more; got {rounds}. Use 2 for small graphs.")
    now, used = numbered([_initial(graph, attribute) for graph in graphs], 0)
    every = [now]
    for _ in range(rounds):
        now, used = numbered(list(map(_seen, graphs, now)), used)
        every.append(now)
    return [np.array(labels, np.int64).reshape(rounds + 1, -1) for labels in zip(*every, strict=True)]


def subtree_bags(graphs: Sequence[Any], rounds: int, attribute: str | None = None) -> Any:
    """Return how often each label occurs in each graph; the arguments are those of `subtree_labels`.

    The products of its rows are the Weisfeiler-Lehman subtree kernel.

    Returns:
        A SciPy sparse array of int64, shape (graphs, labels).

    Raises:
        ValueError: there is no graph, or none has a node; see also `subtree_labels`.
    """
    labels = subtree_labels(graphs, rounds, attribute)
    if not sum(map(np.size, labels)):
        raise ValueError(f"`graphs` must hold a node; got {len(labels)} graphs without any. Leave empty graphs out.")
    return bags_of(labels)


def bags_of(labels: Sequence[np.ndarray]) -> Any:
    """Return how often each label occurs in each array, as `subtree_bags` does; there must be one."""
    from scipy.sparse import csr_array

    column = np.concatenate([array.ravel() for array in labels])
    row = np.repeat(np.arange(len(labels)), list(map(np.size, labels)))
    bags = csr_array((np.ones(len(row), np.int64), (row, column)), (len(labels), column.max() + 1))
    bags.sum_duplicates()
    return bags


def _initial(graph: Any, attribute: str | None) -> list[Any]:
    if attribute is None:
        return [()] * len(graph)
    lacking = [node for node in graph if attribute not in graph.nodes[node]]
    if lacking:
        raise ValueError(f"`attribute` must be one that every node has; {lacking[0]!r} has no {attribute!r}. Add it.")
    return [str(graph.nodes[node][attribute]) for node in graph]


def _seen(graph: Any, labels: Sequence[int]) -> list[Any]:
    """Return for every node its label and the sorted labels of its neighbours."""
    of = dict(zip(graph, labels, strict=True))
    return [(of[node], tuple(sorted(map(of.__getitem__, graph.adj[node])))) for node in graph]


def numbered(keys: Sequence[Sequence[Any]], first: int) -> tuple[list[list[int]], int]:
    """Return the numbers of keys, counted from `first` in the order of the keys, and the next free number."""
    numbers = {key: first + i for i, key in enumerate(sorted({key for part in keys for key in part}))}
    return [[numbers[key] for key in part] for part in keys], first + len(numbers)
