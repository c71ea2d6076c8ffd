"""Skip-gram and CBOW with hierarchical softmax, a block of centres at once.

The words are the leaves of a Huffman tree; the path of word t has inner nodes p with codes c (see
tf_emb.layers.hierarchical_softmax, whose tree is word2vec.c's). As in word2vec.c and gensim the centre is what is
predicted, in skip-gram from each word around it:

    E = sum over t, m of w_tm sum over p on the path of t of -log sigmoid((1 - 2 c_tp) v'_p . v_m)

and in CBOW from the mean h_t of the words around it (Mikolov et al. 2013, "Distributed Representations of Words and
Phrases", equation 3). No noise words are drawn.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.layers.hierarchical_softmax import huffman
from tf_emb.word2vec.block_sampling import ContextMean
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.products import logistic_products
from tf_emb.word2vec.stream import Stream


class Tree:
    """The paths of all words, as tensors: `points` and `signs`, shape (vocab, longest).

    Behind the end of a path the sign is 0, and the point the last row of the table, which is no inner node.
    """

    def __init__(self, counts: np.ndarray) -> None:
        codes, points, lengths = huffman(counts)
        on_path = np.arange(codes.shape[1]) < lengths[:, None]
        self.points = tf.constant(np.where(on_path, points, len(counts) - 1), tf.int32)
        self.signs = tf.constant(np.where(on_path, 1 - 2 * codes, 0), tf.int32)
        self.lengths = tf.constant(lengths)

    def paths(self, words: Any, dtype: Any) -> tuple[Any, Any]:
        """Return nodes and signs of the paths of `words`, shape (words, longest of them)."""
        longest = tf.reduce_max(tf.gather(self.lengths, words))
        return tf.gather(self.points, words)[:, :longest], tf.cast(tf.gather(self.signs, words)[:, :longest], dtype)


class _OnTree:
    def __init__(self, options: Options, counts: np.ndarray) -> None:
        self.options, self.tree = options, Tree(counts)

    def _paths(self, at: Stream, dtype: Any = tf.float32) -> tuple[Any, Any]:
        return self.tree.paths(tf.reshape(at.centers(self.options), [-1]), dtype)


class SkipGramTree(_OnTree):
    """Skip-gram with hierarchical softmax; `loss` is a sum over pairs."""

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the words around every centre, and the inner nodes of every centre's path."""
        return tf.reshape(tf.gather(at.words(), self._frames(), axis=1), (-1, 2 * self.options.window)), self._paths(
            at
        )[0]

    def loss(self, inputs: Any, outputs: Any, at: Stream) -> tuple[Any, Any]:
        """Return E, and how many pairs there are."""
        _, signs = self._paths(at, inputs.dtype)
        weight = tf.reshape(self._in_window(at, inputs.dtype), (-1, 2 * self.options.window, 1))
        loss = logistic_products(inputs, outputs, signs[:, None, :], weight * tf.abs(signs)[:, None, :])
        return loss, tf.reduce_sum(at.context_size())

    def _frames(self) -> Any:
        """Return for every centre of a block the places around it, shape (block, 2 window)."""
        return tf.range(self.options.block)[:, None] + self.options.window + self._ahead()[None, :]

    def _ahead(self) -> Any:
        window = self.options.window
        return tf.concat([tf.range(-window, 0), tf.range(1, window + 1)], 0)

    def _in_window(self, at: Stream, dtype: Any) -> Any:
        """Return 1 for the places that are context, shape (blocks, block, 2 window)."""
        ahead = self._ahead()
        return tf.cast((-ahead <= at.left[:, :, None]) & (ahead <= at.right[:, :, None]), dtype)


class CbowTree(_OnTree):
    """CBOW with hierarchical softmax; `loss` is a sum over centres that have a context."""

    def __init__(self, options: Options, counts: np.ndarray) -> None:
        super().__init__(options, counts)
        self._mean = ContextMean(options)

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the words around the centres, and the inner nodes of every centre's path."""
        return at.words(), self._paths(at)[0]

    def loss(self, inputs: Any, outputs: Any, at: Stream) -> tuple[Any, Any]:
        """Return E, and how many centres have a context."""
        _, signs = self._paths(at, inputs.dtype)
        some = tf.reshape(tf.cast(at.context_size() > 0, inputs.dtype), (-1, 1, 1))
        hidden = tf.reshape(self._mean(inputs, at), (-1, 1, self.options.dim))
        loss = logistic_products(hidden, outputs, signs[:, None, :], some * tf.abs(signs)[:, None, :])
        return loss, tf.reduce_sum(some)
