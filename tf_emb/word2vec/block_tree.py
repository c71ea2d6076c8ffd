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
from tf_emb.word2vec.block import window_weights
from tf_emb.word2vec.block_sampling import context_mean
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.products import logistic_products
from tf_emb.word2vec.rows import Rows
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
        return tf.gather(at.words(), self._frames(), axis=1), self._paths(at)[0]

    def loss(self, inputs: Rows, outputs: Rows, at: Stream) -> tuple[Any, Any]:
        """Return E, and how many pairs there are."""
        o, dtype = self.options, inputs.values.dtype
        centers, around = o.blocks * o.block, 2 * o.window
        weight = tf.reshape(self._in_window(at, dtype), (centers, around, 1))
        nodes, signs = self._paths(at, dtype)
        loss = logistic_products(
            inputs.at_places((centers, around)),
            outputs.at_places((centers, tf.shape(nodes)[1])),
            signs[:, None, :],
            weight * tf.abs(signs)[:, None, :],
        )
        return loss, tf.reduce_sum(weight)

    def _frames(self) -> Any:
        """Return for every centre of a block the places around it, shape (block, 2 window)."""
        return tf.range(self.options.block)[:, None] + self.options.window + self._ahead()[None, :]

    def _ahead(self) -> Any:
        window = self.options.window
        return tf.concat([tf.range(-window, 0), tf.range(1, window + 1)], 0)

    def _in_window(self, at: Stream, dtype: Any) -> Any:
        """Return `window_weights` of the places around each centre alone, shape (blocks, block, 2 window)."""
        window, ahead, frames = self.options.window, self._ahead(), self._frames()
        near = tf.abs(ahead) <= at.radius[:, :, None]
        near &= ahead > 0 if self.options.forward_only else True
        near &= (tf.gather(at.keys, frames, axis=1) >= 0) & (at.keys[:, window:-window, None] >= 0)
        near &= tf.gather(at.sentence, frames, axis=1) == at.sentence[:, window:-window, None]
        return tf.cast(near, dtype)


class CbowTree(_OnTree):
    """CBOW with hierarchical softmax; `loss` is a sum over centres that have a context."""

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the words around the centres, and the inner nodes of every centre's path."""
        return at.words(), self._paths(at)[0]

    def loss(self, inputs: Rows, outputs: Rows, at: Stream) -> tuple[Any, Any]:
        """Return E, and how many centres have a context."""
        o, dtype = self.options, inputs.values.dtype
        weight = window_weights(at, o, dtype)
        places = tf.reduce_sum(weight, 2, keepdims=True)
        some = tf.reshape(tf.cast(places > 0, dtype), (-1, 1, 1))
        around = inputs.at_places((o.blocks, o.block + 2 * o.window))
        hidden = context_mean(around, weight, places, o.cbow_gradient)
        nodes, signs = self._paths(at, dtype)
        loss = logistic_products(
            tf.reshape(hidden, (o.blocks * o.block, 1, o.dim)),
            outputs.at_places((o.blocks * o.block, tf.shape(nodes)[1])),
            signs[:, None, :],
            some * tf.abs(signs)[:, None, :],
        )
        return loss, tf.reduce_sum(some)
