"""The old name of `tf_emb.methods.graph.walks`."""

from tf_emb.methods.graph.walks import END, ENTRIES, Adjacency, check_walk, random_walks

__all__ = ["END", "ENTRIES", "Adjacency", "check_walk", "random_walks"]
