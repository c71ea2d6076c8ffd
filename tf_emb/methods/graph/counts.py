"""Counts of what a graph consists of, and one vector per graph from which they can be read.

Weisfeiler-Lehman subtrees are what is visible from every node, one step further each round:

    l_0(v) = 0, or a label that v has;  l_(i+1)(v) = number of (l_i(v), sorted l_i(u) of the neighbours u)

Equal numbers, over all graphs, for equal pairs. Isomorphic graphs have equal bags; so have graphs that the test of
Weisfeiler and Lehman cannot tell apart, such as regular graphs of one size and degree.

A graph g is a document, and its words are these subtrees and closed walks. With c_gw the count of word w, the vectors
of graphs and words are those for which

    E = sum over g and w of (v_w . d_g - c_gw)^2

is minimal, from the leading singular vectors: C = U S V^T, v_w a row of V, d_g a row of C V = U S. The products
d_g . d_h are then the best approximation of rank `dim` to the kernel C C^T.

graph2vec (bag_model.py) models which words a graph has, given their number; here the number counts too. Closed walks of
length 3 see triangles, which subtrees do not.

Eckart and Young 1936, "The Approximation of One Matrix by Another of Lower Rank"; Deerwester et al. 1990, "Indexing by
Latent Semantic Analysis"; Shervashidze et al. 2011, "Weisfeiler-Lehman Graph Kernels", algorithms 1 and 2,
definition 4.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_emb.vectors import Vectors


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


def graph_vectors(
    graphs: Sequence[Any],
    *,
    rounds: int = 3,
    length: int = 3,
    dim: int = 64,
    attribute: str | None = None,
    labels: Sequence[str] | None = None,
    seed: int = 0,
) -> Vectors:
    """Return one vector per graph; isomorphic graphs have equal ones.

    Args:
        graphs: networkx graphs.
        rounds: rounds of relabelling, see `subtree_labels`.
        length: the length of the longest closed walks; 0 for none.
        dim: the size of a vector; less than the number of graphs, and of words.
        attribute: a node attribute that tells nodes apart from the start.
        labels: one name per graph; the default is 0, 1, 2 ...
        seed: the seed of the starting vector of the singular value solver; it changes the result by rounding only.

    Returns:
        float32, with the columns `nodes` and `edges`.

    Raises:
        ValueError: an argument is out of its range, or no graph has a node.
    """
    check_graphs(graphs, labels)
    matrix = count_factors(graph_bags(graphs, rounds, length, attribute), dim, seed)[0]
    return labelled(graphs, matrix.astype(np.float32), labels)


def check_graphs(graphs: Sequence[Any], labels: Sequence[str] | None) -> None:
    """Refuse what are no graphs, and labels that are more or fewer, before anything is counted or trained.

    Raises:
        ValueError: they are.
    """
    for i, graph in enumerate(graphs):
        if not hasattr(graph, "number_of_edges") or not hasattr(graph, "adj"):
            raise ValueError(
                f"`graphs` must be networkx graphs; got {type(graph).__name__} in place {i}. Read files first."
            )
    if labels is not None and len(labels) != len(graphs):
        raise ValueError(
            f"`labels` must be one per graph; got {len(labels)} for {len(graphs)} graphs. Leave them out for numbers."
        )


def labelled(graphs: Sequence[Any], matrix: np.ndarray, labels: Sequence[str] | None) -> Vectors:
    """Return one row per graph by its label, or else its number, with the columns `nodes` and `edges`."""
    names = [str(i) for i in range(len(graphs))] if labels is None else list(labels)
    columns = {"nodes": [len(g) for g in graphs], "edges": [g.number_of_edges() for g in graphs]}
    return Vectors(names, matrix, columns)


def graph_bags(graphs: Sequence[Any], rounds: int, length: int, attribute: str | None = None) -> Any:
    """Return how often each subtree, then each label of closed walks, occurs in each graph.

    Args:
        graphs: networkx graphs.
        rounds: see `subtree_labels`.
        length: see `closed_walk_labels`.
        attribute: see `subtree_labels`.

    Returns:
        A SciPy sparse array of int64, shape (graphs, words).
    """
    from scipy.sparse import hstack

    bags = subtree_bags(graphs, rounds, attribute)
    labels = closed_walk_labels(graphs, length)
    return hstack([bags, bags_of(labels)], format="csr") if length else bags


def closed_walk_labels(graphs: Sequence[Any], length: int) -> list[np.ndarray]:
    """Return labels that are equal for nodes to which equally many closed walks of each length up to k lead back.

        l_k(v) = number of ((A^1)_vv ... (A^k)_vv)

    (A^2)_vv is the degree and (A^3)_vv twice the triangles where there are no loops. Labels are counted like those of
    `subtree_labels`, whatever the order of graphs and nodes.

    Args:
        graphs: networkx graphs; directed edges are followed forwards, parallel edges counted, weights ignored.
        length: the length of the longest walk.

    Returns:
        One int64 array per graph, shape (length, nodes), the nodes in the graph's order.

    Raises:
        ValueError: `length` is negative, or so large that there may be 2^63 walks.

    Estrada and Rodriguez-Velazquez 2005, "Subgraph Centrality in Complex Networks", equation 1.
    """
    if length < 0:
        raise ValueError(f"`length` must be 0 or more; got {length}. Use 3 to see triangles.")
    moments, used = [_moments(graph, length) for graph in graphs], 0
    every = []
    for k in range(1, length + 1):
        now, used = numbered([[tuple(of) for of in graph[:, :k].tolist()] for graph in moments], used)
        every.append(now)
    return [np.array([of[i] for of in every], np.int64).reshape(length, len(moments[i])) for i in range(len(moments))]


def count_factors(bags: Any, dim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of graphs and words whose products approximate the counts best, in least squares.

    Args:
        bags: the count of each word, a SciPy sparse array of shape (graphs, words).
        dim: the size of a vector.
        seed: the seed of the solver's starting vector.

    Returns:
        Vectors of graphs, shape (graphs, dim), and of words, shape (words, dim), whose columns are orthonormal; the
        largest singular value first; in each column of the words the entry of largest magnitude is positive.

    Raises:
        ValueError: `dim` is not from 1 to less than the number of graphs and of words.
    """
    from scipy.sparse.linalg import svds

    least = min(bags.shape)
    if not 1 <= dim < least:
        raise ValueError(f"`dim` must be from 1 to {least - 1} for counts of shape {bags.shape}; got {dim}.")
    counts = bags if np.issubdtype(bags.dtype, np.floating) else bags.astype(np.float64)
    start = np.random.default_rng(seed).normal(size=least).astype(counts.dtype)
    words = svds(counts, dim, v0=start)[2][::-1].T
    words = words * np.sign(words[np.abs(words).argmax(axis=0), np.arange(dim)])
    return counts @ words, words


def _moments(graph: Any, length: int) -> np.ndarray:
    """Return (A^k)_vv for k from 1 to length, shape (nodes, length)."""
    import networkx as nx

    if not len(graph) or not length:
        return np.zeros((len(graph), length), np.int64)
    edges = nx.to_scipy_sparse_array(graph, dtype=np.int64, weight=None, format="csr")
    power, found = edges, [edges.diagonal()]
    most = int(edges.sum(axis=1).max())
    for _ in range(length - 1):
        if int(power.max()) * most >= 1 << 63:
            raise ValueError(f"`length` must be so small that fewer than 2^63 walks are counted; got {length}. Use 3.")
        power = power @ edges
        found.append(power.diagonal())
    return np.stack(found, axis=1)
