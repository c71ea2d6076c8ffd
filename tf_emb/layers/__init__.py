"""Keras layers that turn ids into vectors, and output layers that turn vectors into probabilities."""

from tf_emb.layers.embedding import Embedding
from tf_emb.layers.embedding_bag import EmbeddingBag
from tf_emb.layers.hierarchical_softmax import HierarchicalSoftmax, hierarchical_softmax_loss, huffman
from tf_emb.layers.negative_sampling import NegativeSampling, negative_sampling_loss
from tf_emb.layers.one_hot import OneHotDense, one_hot_dense
from tf_emb.layers.softmax import FullSoftmax, full_softmax_loss
from tf_emb.layers.unknown_ids import StopAtUnknownIds
from tf_emb.ops.gather import lookup

__all__ = [
    "Embedding",
    "EmbeddingBag",
    "FullSoftmax",
    "HierarchicalSoftmax",
    "NegativeSampling",
    "OneHotDense",
    "StopAtUnknownIds",
    "full_softmax_loss",
    "hierarchical_softmax_loss",
    "huffman",
    "lookup",
    "negative_sampling_loss",
    "one_hot_dense",
]
