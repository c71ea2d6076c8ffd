"""Skip-gram and CBOW with hierarchical softmax, a block of centres at once.

The words are the leaves of a Huffman tree; the path of word t has inner nodes p with codes c (see
tf_emb.layers.hierarchical_softmax, whose tree is word2vec.c's). As in word2vec.c and gensim the centre is
predicted, in skip-gram from each word around it:

    E = sum over t, m of w_tm sum over p on the path of t of -log sigmoid((1 - 2 c_tp) v'_p . v_m)

and in CBOW from the mean h_t of the words around it (Mikolov et al. 2013, "Distributed Representations of Words and
Phrases", equation 3). No noise words are drawn.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.layers.hierarchical_softmax import huffman
from tf_emb.word2vec.blocks.sampling import ContextMean, logistic_products
from tf_emb.word2vec.blocks.stream import Bands, Stream, band_weights
from tf_emb.word2vec.options import Options

GROUP = 4  # centres that share a product


class Tree:
    """The paths of all words, as tensors: `points` and `signs`, shape (vocab, longest).

    After the end of a path the sign is 0, and the point is the last row of the table, which is not an inner node.
    """

    def __init__(self, counts: np.ndarray) -> None:
        codes, points, lengths = huffman(counts)
        on_path = np.arange(codes.shape[1]) < lengths[:, None]
        self.points = tf.constant(np.where(on_path, points, len(counts) - 1), tf.int32)
        self.signs = tf.constant(np.where(on_path, 1 - 2 * codes, 0), tf.int32)
        self.lengths = tf.constant(lengths)
        self.nowhere = len(counts) - 1

    def paths(self, words: Any, dtype: Any) -> tuple[Any, Any]:
        """Return nodes and signs of the paths of `words`, shape (words, longest of them)."""
        longest = tf.reduce_max(tf.gather(self.lengths, words))
        return tf.gather(self.points, words)[:, :longest], tf.cast(tf.gather(self.signs, words)[:, :longest], dtype)

    def joined(self, words: Any) -> tuple[Any, Any, Any]:
        """Return the paths of each row of words, one after the other.

        Args:
            words: int32, shape (groups, size).

        Returns:
            Three int32 tensors, shape (groups, most nodes of a group): nodes, signs, and the word, 0..size-1, on whose
            path each node is. After the end the sign is 0.
        """
        groups, size = words.shape
        flat = tf.reshape(words, [-1])
        points, signs = tf.gather(self.points, flat), tf.gather(self.signs, flat)
        on_path = tf.not_equal(signs, 0)
        # All three packed into one number per node, so that they are padded at once.
        word = tf.range(groups * size)[:, None] % size
        packed = tf.boolean_mask((points * 2 + tf.cast(signs > 0, tf.int32)) * size + word, on_path)
        lengths = tf.reduce_sum(tf.reshape(tf.gather(self.lengths, flat), (groups, size)), 1)
        dense = tf.RaggedTensor.from_row_lengths(packed, lengths, validate=False).to_tensor(-1)
        there = dense >= 0
        node, word = tf.maximum(dense, 0) // size, tf.maximum(dense, 0) % size
        sign = tf.where(there, 2 * (node % 2) - 1, 0)
        return tf.where(there, node // 2, self.nowhere), sign, word


class _OnTree:
    def __init__(self, options: Options, counts: np.ndarray) -> None:
        self.options, self.tree = options, Tree(counts)

    def _paths(self, at: Stream, dtype: Any = tf.float32) -> tuple[Any, Any]:
        return self.tree.paths(tf.reshape(at.centers(self.options), [-1]), dtype)


class SkipGramTree(_OnTree):
    """Skip-gram with hierarchical softmax; `loss` is a sum over pairs.

    A few consecutive centres form a group: the words around all of them, times the nodes of all their paths, are one
    product. It includes pairs outside the window, and is still faster than one product per centre.
    """

    def __init__(self, options: Options, counts: np.ndarray) -> None:
        super().__init__(options, counts)
        self.group = next(size for size in range(GROUP, 0, -1) if options.block % size == 0)
        ones = band_weights(replace(options, block=self.group))
        self._weights = Bands(np.concatenate([ones, np.zeros((1, *ones.shape[1:]))]))  # the last stands for no node

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the words around every group of centres, and the inner nodes of their paths."""
        return tf.reshape(tf.gather(at.words(), self._frames(), axis=1), (self._groups(), -1)), self._joined(at)[0]

    def loss(self, inputs: Any, outputs: Any, at: Stream) -> tuple[Any, Any]:
        """Return E, and the number of pairs."""
        dtype = inputs.dtype
        _, sign, word = self._joined(at)
        left, right = [
            tf.gather(tf.reshape(side, (self._groups(), self.group)), word, batch_dims=1)
            for side in (at.left, at.right)
        ]
        weight = self._weights.rows_of(tf.where(tf.equal(sign, 0), self.group, word), left, right, dtype)
        loss = logistic_products(outputs, inputs, tf.cast(sign, dtype)[:, :, None], weight)
        return loss, tf.reduce_sum(at.context_size())

    def _groups(self) -> int:
        return self.options.blocks * self.options.block // self.group

    def _frames(self) -> Any:
        """Return the places of every group of a block and those around, shape (groups, group + 2 window)."""
        return tf.range(0, self.options.block, self.group)[:, None] + tf.range(self.group + 2 * self.options.window)

    def _joined(self, at: Stream) -> tuple[Any, Any, Any]:
        return self.tree.joined(tf.reshape(at.centers(self.options), (self._groups(), self.group)))


class CbowTree(_OnTree):
    """CBOW with hierarchical softmax; `loss` is a sum over centres that have a context."""

    def __init__(self, options: Options, counts: np.ndarray) -> None:
        super().__init__(options, counts)
        self._mean = ContextMean(options)

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the words around the centres, and the inner nodes of every centre's path."""
        return at.words(), self._paths(at)[0]

    def loss(self, inputs: Any, outputs: Any, at: Stream) -> tuple[Any, Any]:
        """Return E, and the number of centres with a context."""
        _, signs = self._paths(at, inputs.dtype)
        some = tf.reshape(tf.cast(at.context_size() > 0, inputs.dtype), (-1, 1, 1))
        hidden = tf.reshape(self._mean(inputs, at), (-1, 1, self.options.dim))
        loss = logistic_products(hidden, outputs, signs[:, None, :], some * tf.abs(signs)[:, None, :])
        return loss, tf.reduce_sum(some)
