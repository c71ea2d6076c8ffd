"""Skip-gram and CBOW with the full softmax, a block of centres at once.

Skip-gram. With u_tj = v'_j . v_t over the whole vocabulary, and n_t pairs of centre t, E is the sum over pairs of
-log softmax(u_t)_m (Rong 2014, "word2vec Parameter Learning Explained", equations 7 and 8):

    E = sum over t of n_t log sum_j exp(u_tj) - sum over t, m of w_tm u_tm
    dE/du_tj = n_t softmax(u_t)_j - sum over m with word j of w_tm

A centre's logits serve all its pairs: one product with the table per centre, not per pair. In CBOW h_t takes the place
of v_t, and the centre itself is the only target. Every row of the output table is read and trained.
"""

from typing import Any

import tensorflow as tf

from tf_emb.word2vec.blocks.sampling import ContextMean
from tf_emb.word2vec.blocks.stream import Bands, Stream, band_weights
from tf_emb.word2vec.options import Options


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


class SkipGramSoftmax:
    """Skip-gram with the full softmax; `loss` is a sum over pairs."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._weights = Bands(band_weights(options))

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the centres, and None: every output row is used."""
        return at.centers(self.options), None

    def loss(self, inputs: Any, outputs: Any, at: Stream) -> tuple[Any, Any]:
        """Return E, and the number of pairs."""
        o = self.options
        weight = tf.reshape(self._weights.of(at, inputs.dtype), (o.blocks * o.block, -1))
        targets = tf.reshape(tf.repeat(at.words()[:, None, :], o.block, axis=1), tf.shape(weight))
        hidden = tf.reshape(inputs, (o.blocks * o.block, o.dim))
        return softmax_targets(hidden, outputs, targets, weight), tf.reduce_sum(weight)


class CbowSoftmax:
    """CBOW with the full softmax; `loss` is a sum over centres that have a context."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._mean = ContextMean(options)

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the places around the centres, and None: every output row is used."""
        return at.words(), None

    def loss(self, inputs: Any, outputs: Any, at: Stream) -> tuple[Any, Any]:
        """Return E, and the number of centres with a context."""
        o = self.options
        hidden = tf.reshape(self._mean(inputs, at), (o.blocks * o.block, o.dim))
        some = tf.reshape(tf.cast(at.context_size() > 0, inputs.dtype), (-1, 1))
        targets = tf.reshape(at.centers(o), (-1, 1))
        return softmax_targets(hidden, outputs, targets, some), tf.reduce_sum(some)
