"""Vectors of nodes, by random walks (DeepWalk, node2vec), and of whole graphs (graph2vec, counts of subtrees).

Names are imported when they are first used: to read a graph, or to walk on it, needs no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tf_emb.methods.graph.adjacency import Adjacency
    from tf_emb.methods.graph.bag_model import graph2vec
    from tf_emb.methods.graph.counts import closed_walk_labels, graph_vectors, subtree_bags, subtree_labels
    from tf_emb.methods.graph.node_vectors import deepwalk, node2vec
    from tf_emb.methods.graph.sources import as_adjacency, read_graph
    from tf_emb.methods.graph.walks import random_walks

_HOMES = {
    "Adjacency": "adjacency",
    "as_adjacency": "sources",
    "closed_walk_labels": "counts",
    "deepwalk": "node_vectors",
    "graph2vec": "bag_model",
    "graph_vectors": "counts",
    "node2vec": "node_vectors",
    "random_walks": "walks",
    "read_graph": "sources",
    "subtree_bags": "counts",
    "subtree_labels": "counts",
}

__all__ = [
    "Adjacency",
    "as_adjacency",
    "closed_walk_labels",
    "deepwalk",
    "graph2vec",
    "graph_vectors",
    "node2vec",
    "random_walks",
    "read_graph",
    "subtree_bags",
    "subtree_labels",
]


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}.")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
