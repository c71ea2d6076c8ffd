"""Labels of nodes, by subtrees and by closed walks: draws, oracles, engines.

l_(i+1)(v) = number of (l_i(v), sorted l_i(u) of the neighbours u)           (Shervashidze et al. 2011, algorithm 1)
l_k(v) = number of ((A^1)_vv ... (A^k)_vv)                              (Estrada and Rodriguez-Velazquez 2005)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays

ROUNDS = 3
LENGTH = 4


def draw_isomorphic(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Graphs of networkx's atlas with 6 nodes, each beside a copy whose nodes are shuffled.

    The first two are a hexagon and two triangles, which no round tells apart; then a star and a path, which one does.
    """
    import networkx as nx

    first = [nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)), nx.star_graph(5),
             nx.path_graph(6)]  # fmt: skip
    atlas = [graph for graph in nx.graph_atlas_g() if len(graph) == 6]
    graphs = first + [atlas[i] for i in rng.choice(len(atlas), 40, replace=False)]
    edges = np.stack([nx.to_numpy_array(graph, dtype=np.int64) for graph in graphs])
    order = np.stack([rng.permutation(6) for _ in graphs])
    copies = edges[np.arange(len(graphs))[:, None, None], order[:, :, None], order[:, None, :]]
    return {"edges": np.concatenate([edges, copies]), "order": order}


def subtrees_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Labels of all rounds, the kernel of their bags, and which graphs agree with the hexagon."""
    labels = relabel(x["edges"])
    size = labels.max() + 1
    bags = np.stack([np.bincount(graph.ravel(), minlength=size) for graph in labels])
    half = len(x["order"])
    return {
        "labels": labels,
        "kernel": bags @ bags.T,
        "copy differs": np.abs(bags[:half] - bags[half:]).sum(axis=1),
        "differs from the hexagon": np.abs(bags - bags[0]).sum(axis=1),
    }


def relabel(edges: np.ndarray) -> np.ndarray:
    """Labels, shape (graphs, rounds + 1, nodes): by sorting rows of a node's label and its neighbours'."""
    count, nodes, _ = edges.shape
    now = np.zeros((count, nodes), np.int64)
    every = [now]
    for _ in range(ROUNDS):
        around = np.where(edges > 0, now[:, None, :], -1)
        around = -np.sort(-around, axis=2)
        # A shorter tuple comes first, so what is absent must be smaller than any label: ascending, then -1.
        filled = (around >= 0).sum(axis=2, keepdims=True)
        place = np.arange(nodes)
        ascending = np.take_along_axis(around, np.where(place < filled, filled - 1 - place, place), axis=2)
        rows = np.concatenate([now[:, :, None], ascending], axis=2).reshape(count * nodes, -1)
        rank = np.unique(rows, axis=0, return_inverse=True)[1].reshape(count, nodes)
        now = rank + every[-1].max() + 1
        every.append(now)
    return np.stack(every, axis=1)


def subtrees_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with torch.unique of rows."""
    import torch

    edges = x["edges"]
    count, nodes, _ = edges.shape
    now = torch.zeros((count, nodes), dtype=torch.int64)
    every, high = [now], 10**6
    for _ in range(ROUNDS):
        around = torch.sort(torch.where(edges > 0, now[:, None, :], high), dim=2).values
        around = torch.where(around == high, -1, around)
        rows = torch.cat([now[:, :, None], around], 2).reshape(count * nodes, -1)
        now = torch.unique(rows, dim=0, return_inverse=True)[1].reshape(count, nodes) + int(every[-1].max()) + 1
        every.append(now)
    labels = torch.stack(every, 1)
    bags = torch.nn.functional.one_hot(labels.reshape(count, -1)).sum(1)
    return summary(labels, bags, len(x["order"]))


def subtrees_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.graph.counts, on networkx graphs."""
    import networkx as nx

    from tf_emb.methods.graph.counts import subtree_bags, subtree_labels

    graphs = [nx.from_numpy_array(edges) for edges in np.asarray(x["edges"])]
    bags = subtree_bags(graphs, ROUNDS).toarray()
    return summary(np.stack(subtree_labels(graphs, ROUNDS)), bags, len(x["order"]))


def summary(labels: Any, bags: Any, half: int) -> dict[str, Any]:
    """Return the outputs of the case."""
    return {
        "labels": labels,
        "kernel": bags @ bags.T,
        "copy differs": abs(bags[:half] - bags[half:]).sum(1),
        "differs from the hexagon": abs(bags - bags[0]).sum(1),
    }


def draw_directed(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A hexagon, two triangles, and graphs of 6 nodes with directed edges and loops."""
    import networkx as nx

    pair = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    first = [nx.to_numpy_array(graph, dtype=np.int64) for graph in (nx.cycle_graph(6), pair)]
    return {"edges": np.concatenate([first, (rng.random((30, 6, 6)) < 0.3).astype(np.int64)])}


def walks_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Labels of all lengths, and how often each occurs in a graph."""
    count, nodes, _ = x["edges"].shape
    moments = returns(x["edges"]).reshape(count * nodes, LENGTH)
    used, every = 0, []
    for k in range(LENGTH):
        rank = np.unique(moments[:, : k + 1], axis=0, return_inverse=True)[1].reshape(count, nodes)
        every.append(rank + used)
        used = every[-1].max() + 1
    labels = np.stack(every, axis=1)
    return {"labels": labels, "bags": np.stack([np.bincount(graph.ravel(), minlength=used) for graph in labels])}


def returns(graphs: np.ndarray) -> np.ndarray:
    """How many walks of 1 to LENGTH steps lead from a node back to it, from where all its walks end, step by step."""
    found = np.zeros((*graphs.shape[:2], LENGTH), np.int64)
    for edges, rows in zip(graphs, found, strict=True):
        for v in range(len(edges)):
            ends = np.eye(len(edges), dtype=np.int64)[v]
            for step in range(LENGTH):
                ends = ends @ edges
                rows[v, step] = ends[v]
    return found


def walks_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Powers of all matrices at once, and torch.unique of rows."""
    import torch

    edges = x["edges"]
    powers = [edges]
    for _ in range(LENGTH - 1):
        powers.append(torch.einsum("gij,gjk->gik", powers[-1], edges))
    moments = torch.stack([power.diagonal(dim1=1, dim2=2) for power in powers], 2)
    every, used = [], 0
    for k in range(1, LENGTH + 1):
        rows = moments[:, :, :k].reshape(-1, k)
        every.append(torch.unique(rows, dim=0, return_inverse=True)[1].reshape(moments.shape[:2]) + used)
        used = int(every[-1].max()) + 1
    labels = torch.stack(every, 1)
    return {"labels": labels, "bags": torch.nn.functional.one_hot(labels.reshape(len(labels), -1)).sum(1)}


def walks_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.graph.counts, on networkx graphs."""
    import networkx as nx

    from tf_emb.methods.graph.counts import bags_of, closed_walk_labels

    graphs = [nx.from_numpy_array(edges, create_using=nx.DiGraph) for edges in np.asarray(x["edges"])]
    labels = closed_walk_labels(graphs, LENGTH)
    return {"labels": np.stack(labels), "bags": bags_of(labels).toarray()}
