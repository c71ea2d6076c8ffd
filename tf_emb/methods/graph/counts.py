"""One vector per graph, from which the counts of its substructures can be read.

A graph g is a document, and its words are Weisfeiler-Lehman subtrees (subtrees.py) and closed walks.
With c_gw the count of word w, the vectors of graphs and words are those for which

    E = sum over g and w of (v_w . d_g - c_gw)^2

is minimal, from the leading singular vectors: C = U S V^T, v_w a row of V, d_g a row of C V = U S. The products
d_g . d_h are then the best approximation of rank `dim` to the kernel C C^T.

graph2vec (bag_model.py) models which words a graph has, given their number; here the number counts too. Closed walks of
length 3 see triangles, which subtrees do not.

Eckart and Young 1936, "The Approximation of One Matrix by Another of Lower Rank"; Deerwester et al. 1990, "Indexing by
Latent Semantic Analysis"; Shervashidze et al. 2011, "Weisfeiler-Lehman Graph Kernels", definition 4.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_emb.methods.graph.subtrees import bags_of, numbered, subtree_bags
from tf_emb.vectors import Vectors


def graph_vectors(
    graphs: Sequence[Any], *, rounds: int = 3, length: int = 3, dim: int = 64, attribute: str | None = None,
    labels: Sequence[str] | None = None, seed: int = 0,
) -> Vectors:  # fmt: skip
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
    matrix = count_factors(graph_bags(graphs, rounds, length, attribute), dim, seed)[0]
    names = [str(i) for i in range(len(graphs))] if labels is None else list(labels)
    columns = {"nodes": [len(g) for g in graphs], "edges": [g.number_of_edges() for g in graphs]}
    return Vectors(names, matrix.astype(np.float32), columns)


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
        ValueError: `length` is negative.

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
    for _ in range(length - 1):
        power = power @ edges
        found.append(power.diagonal())
    return np.stack(found, axis=1)
