"""Skip-gram and CBOW with the full softmax, a block of centres at once.

Skip-gram. With u_tj = v'_j . v_t over the whole vocabulary, and n_t pairs of centre t, E is the sum over pairs of
-log softmax(u_t)_m (Rong 2014, "word2vec Parameter Learning Explained", equations 7 and 8):

    E = sum over t of n_t log sum_j exp(u_tj) - sum over t, m of w_tm u_tm
    dE/du_tj = n_t softmax(u_t)_j - sum over m with word j of w_tm

A centre's logits serve all its pairs: one product with the table a centre, not one a pair. CBOW: h_t in place of v_t,
and the centre itself as the only target. Every row of the output table is read, and moves.
"""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tf_emb.word2vec.block import window_weights
from tf_emb.word2vec.block_sampling import context_mean
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.rows import Rows
from tf_emb.word2vec.stream import Stream


def softmax_targets(hidden: Any, table: Any, targets: Any, weight: Any) -> Any:
    """Return sum over t, m of weight_tm (-log softmax(table . hidden_t)_target_tm), in nats.

    Args:
        hidden: shape (rows, dim).
        table: shape (vocab, dim).
        targets: int32, shape (rows, places).
        weight: shape (rows, places), the dtype of `hidden`, not differentiated.
    """

    @tf.custom_gradient
    def total(h: Any, w: Any) -> Any:
        u = tf.matmul(h, w, transpose_b=True)
        log_sum = tf.reduce_logsumexp(u, axis=1, keepdims=True)
        pairs = tf.reduce_sum(weight, 1, keepdims=True)

        def gradient(upstream: Any) -> Any:
            row = tf.broadcast_to(tf.range(tf.shape(h)[0])[:, None], tf.shape(targets))
            of_u = tf.tensor_scatter_nd_sub(pairs * tf.exp(u - log_sum), tf.stack([row, targets], 2), weight) * upstream
            return tf.matmul(of_u, w), tf.matmul(of_u, h, transpose_a=True)

        chosen = tf.gather(u, targets, axis=1, batch_dims=1)
        return tf.reduce_sum(weight * (log_sum - chosen)), gradient

    return total(hidden, table)


@dataclass(frozen=True)
class SkipGramSoftmax:
    """Skip-gram with the full softmax; `loss` is a sum over pairs."""

    options: Options
    vocab: int

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the centres, and every word."""
        return at.centers(self.options), tf.range(self.vocab)

    def loss(self, inputs: Rows, outputs: Rows, at: Stream) -> tuple[Any, Any]:
        """Return E, and how many pairs there are."""
        o = self.options
        centers = o.blocks * o.block
        weight = tf.reshape(window_weights(at, o, inputs.values.dtype), (centers, o.block + 2 * o.window))
        targets = tf.reshape(tf.repeat(at.words()[:, None, :], o.block, axis=1), (centers, o.block + 2 * o.window))
        hidden = inputs.at_places((centers,))
        return softmax_targets(hidden, outputs.values, targets, weight), tf.reduce_sum(weight)


@dataclass(frozen=True)
class CbowSoftmax:
    """CBOW with the full softmax; `loss` is a sum over centres that have a context."""

    options: Options
    vocab: int

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the places around the centres, and every word."""
        return at.words(), tf.range(self.vocab)

    def loss(self, inputs: Rows, outputs: Rows, at: Stream) -> tuple[Any, Any]:
        """Return E, and how many centres have a context."""
        o, dtype = self.options, inputs.values.dtype
        weight = window_weights(at, o, dtype)
        places = tf.reduce_sum(weight, 2, keepdims=True)
        around = inputs.at_places((o.blocks, o.block + 2 * o.window))
        hidden = tf.reshape(context_mean(around, weight, places, o.cbow_gradient), (o.blocks * o.block, o.dim))
        some = tf.reshape(tf.cast(places > 0, dtype), (-1, 1))
        targets = tf.reshape(at.centers(o), (-1, 1))
        return softmax_targets(hidden, outputs.values, targets, some), tf.reduce_sum(some)
