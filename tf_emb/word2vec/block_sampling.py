"""Skip-gram and CBOW with negative sampling, a block of centres at once.

Skip-gram. For the centres t of a block, the places m around them and the block's noise words s:

    E = sum over t, m of w_tm (-log sigmoid(v'_m . v_t)) + sum over t, s of (K / S) n_t (-log sigmoid(-v'_s . v_t))

with w_tm = 1 where m is in the window of t, n_t = sum_m w_tm its pairs, K noise words a pair, S drawn a block: in
expectation, negative sampling with K words of its own for every pair (Mikolov et al. 2013, "Distributed
Representations of Words and Phrases", equation 4).

CBOW. h_t = sum over m of w_tm v_m / n_t, and for every centre with n_t > 0

    E = sum over t of -log sigmoid(v'_t . h_t) + sum over t, s of (K / S) (-log sigmoid(-v'_s . h_t))
"""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tf_emb.word2vec.block import window_weights
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.products import logistic_products
from tf_emb.word2vec.rows import Rows
from tf_emb.word2vec.stream import Stream


@dataclass(frozen=True)
class SkipGramSampling:
    """Skip-gram with negative sampling; `loss` is a sum over pairs."""

    options: Options

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the centres, and the places around them with the noise words behind."""
        return at.centers(self.options), tf.concat([at.words(), at.noise], 1)

    def loss(self, inputs: Rows, outputs: Rows, at: Stream) -> tuple[Any, Any]:
        """Return E, and how many pairs there are."""
        o, dtype = self.options, inputs.values.dtype
        around = o.block + 2 * o.window
        weight = window_weights(at, o, dtype)
        pairs = tf.reduce_sum(weight, 2, keepdims=True)
        noise = tf.broadcast_to(pairs * (o.negatives / o.shared_noise), (o.blocks, o.block, o.shared_noise))
        loss = logistic_products(
            inputs.at_places((o.blocks, o.block)),
            outputs.at_places((o.blocks, around + o.shared_noise)),
            tf.concat([tf.ones(around, dtype), -tf.ones(o.shared_noise, dtype)], 0),
            tf.concat([weight, noise], 2),
        )
        return loss, tf.reduce_sum(pairs)


@dataclass(frozen=True)
class CbowSampling:
    """CBOW with negative sampling; `loss` is a sum over centres that have a context."""

    options: Options

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the places around the centres, and the centres with the noise words behind."""
        return at.words(), tf.concat([at.centers(self.options), at.noise], 1)

    def loss(self, inputs: Rows, outputs: Rows, at: Stream) -> tuple[Any, Any]:
        """Return E, and how many centres have a context."""
        o, dtype = self.options, inputs.values.dtype
        weight = window_weights(at, o, dtype)
        places = tf.reduce_sum(weight, 2, keepdims=True)
        some = tf.cast(places > 0, dtype)
        rows = outputs.at_places((o.blocks, o.block + o.shared_noise))
        around = inputs.at_places((o.blocks, o.block + 2 * o.window))
        hidden = context_mean(around, weight, places, o.cbow_gradient)
        target = tf.reduce_sum(hidden * rows[:, : o.block], 2, keepdims=True)
        noise = tf.broadcast_to(some * (o.negatives / o.shared_noise), (o.blocks, o.block, o.shared_noise))
        loss = tf.reduce_sum(some * tf.math.softplus(-target))
        loss += logistic_products(hidden, rows[:, o.block :], -tf.ones(o.shared_noise, dtype), noise)
        return loss, tf.reduce_sum(some)


def context_mean(rows: Any, weight: Any, places: Any, gradient: str) -> Any:
    """Return the mean of the rows around every centre, zeros where there is none.

    Args:
        rows: shape (blocks, places, dim).
        weight: 1 or 0, shape (blocks, block, places).
        places: sums of `weight`, shape (blocks, block, 1).
        gradient: "exact", or "word2vec.c": each row gets the gradient of the mean undivided.
    """
    share = weight / tf.maximum(places, 1)
    back = share if gradient == "exact" else weight

    @tf.custom_gradient
    def product(of: Any) -> Any:
        return tf.matmul(share, of), lambda upstream: tf.matmul(back, upstream, transpose_a=True)

    return product(rows)
