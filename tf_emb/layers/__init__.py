"""Keras layers that turn ids into vectors, and output layers that turn vectors into probabilities."""

from tf_emb.layers.embedding import Embedding
from tf_emb.layers.lookup import lookup
from tf_emb.layers.one_hot import OneHotDense, one_hot_dense
from tf_emb.layers.softmax import FullSoftmax, full_softmax_loss

__all__ = ["Embedding", "FullSoftmax", "OneHotDense", "full_softmax_loss", "lookup", "one_hot_dense"]
