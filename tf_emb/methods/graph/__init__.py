"""Vectors of nodes, by random walks (node2vec, DeepWalk), and of whole graphs (graph2vec, subtree counts)."""
