"""Skip-gram and CBOW with negative sampling, a block of centres at once.

Skip-gram. For the centres t of a block, the places m around them and the block's noise words s:

    E = sum over t, m of w_tm (-log sigmoid(v'_m . v_t)) + sum over t, s of (K / S) n_t (-log sigmoid(-v'_s . v_t))

with w_tm = 1 where m is in the window of t, n_t = sum_m w_tm its pairs, K noise words per pair, S drawn per block: in
expectation, negative sampling with K words drawn for every pair (Mikolov et al. 2013, "Distributed
Representations of Words and Phrases", equation 4).

CBOW. h_t = sum over m of w_tm v_m / n_t, and for every centre with n_t > 0

    E = sum over t of -log sigmoid(v'_t . h_t) + sum over t, s of (K / S) (-log sigmoid(-v'_s . h_t))
"""

from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.word2vec.blocks.stream import Bands, Stream, band_weights, sizes
from tf_emb.word2vec.options import Options


class SkipGramSampling:
    """Skip-gram with negative sampling; `loss` is a sum over pairs."""

    def __init__(self, options: Options) -> None:
        self.options = options
        noise = sizes(options) * (options.negatives / options.shared_noise)
        self._weights = Bands(np.concatenate([band_weights(options), *[noise] * options.shared_noise], -1))

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the centres, and the places around them with the noise words behind."""
        return at.centers(self.options), tf.concat([at.words(), at.noise], 1)

    def loss(self, inputs: Any, outputs: Any, at: Stream) -> tuple[Any, Any]:
        """Return E, and the number of pairs."""
        o, dtype = self.options, inputs.dtype
        sign = tf.constant([1] * (o.block + 2 * o.window) + [-1] * o.shared_noise, dtype)
        loss = logistic_products(inputs, outputs, sign, self._weights.of(at, dtype))
        return loss, tf.reduce_sum(at.context_size())


class CbowSampling:
    """CBOW with negative sampling; `loss` is a sum over centres that have a context."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._mean = ContextMean(options)

    def ids(self, at: Stream) -> tuple[Any, Any]:
        """Return the places around the centres, and the centres with the noise words behind."""
        return at.words(), tf.concat([at.centers(self.options), at.noise], 1)

    def loss(self, inputs: Any, outputs: Any, at: Stream) -> tuple[Any, Any]:
        """Return E, and the number of centres with a context."""
        o, dtype = self.options, inputs.dtype
        hidden = self._mean(inputs, at)
        some = tf.cast(at.context_size() > 0, dtype)
        # A split: the gradient of two slices would be two arrays of zeros around them, half of the step.
        centers, noise = tf.split(outputs, (o.block, o.shared_noise), axis=1)
        share = tf.repeat(some[:, :, None] * (o.negatives / o.shared_noise), o.shared_noise, axis=2)
        loss = logistic_rows(hidden, centers, some)
        loss += logistic_products(hidden, noise, -tf.ones(o.shared_noise, dtype), share)
        return loss, tf.reduce_sum(some)


class ContextMean:
    """The mean of the rows around every centre, zeros where there is none.

    `cbow_gradient` "exact" gives each row its share of the mean's gradient, "word2vec.c" all of it.
    """

    def __init__(self, options: Options) -> None:
        ones = band_weights(options)
        self._share = Bands(ones / np.maximum(sizes(options), 1))
        self._back = self._share if options.cbow_gradient == "exact" else Bands(ones)

    def __call__(self, rows: Any, at: Stream) -> Any:
        """Return shape (blocks, block, dim) for rows of shape (blocks, block + 2 window, dim)."""
        share, back = (weights.of(at, rows.dtype) for weights in (self._share, self._back))

        @tf.custom_gradient
        def product(of: Any) -> Any:
            return tf.matmul(share, of), lambda upstream: tf.matmul(back, upstream, transpose_a=True)

        return product(rows)


def logistic_products(left: Any, right: Any, sign: Any, weight: Any) -> Any:
    """Return the logistic loss of many products at once, in nats.

        u[b, t, m] = left[b, t, :] . right[b, m, :];  p = sigmoid(sign u);  E = -sum over b, t, m of weight log p
        dE/du = -weight sign (1 - p);  dE/dleft = dE/du right;  dE/dright = (dE/du)^T left

    The gradient is written out since it can reuse the sigmoid of the forward pass, which a tape would compute a second
    time. And log p takes a tenth of the time of TensorFlow's softplus, which works element by element. A product below
    -87 at float32 (-708 at float64), whose p underflows, counts as this limit.

    Args:
        left: shape (blocks, rows, dim).
        right: shape (blocks, columns, dim).
        sign: by column, 1 for words of the text and -1 for noise, shape (columns,) or (blocks, 1, columns), the dtype
            of `left`; arbitrary where the weight is 0.
        weight: shape (blocks, rows, columns), not differentiated.

    Returns:
        A scalar; its gradient reaches `left` and `right`.
    """

    @tf.custom_gradient
    def total(a: Any, b: Any) -> Any:
        p = tf.sigmoid(tf.matmul(a, b, transpose_b=True) * sign)

        def gradient(upstream: Any) -> Any:
            of_u = (p - 1) * (weight * (sign * upstream))
            return tf.matmul(of_u, b), tf.matmul(of_u, a, transpose_a=True)

        return -tf.reduce_sum(weight * tf.math.log(tf.maximum(p, _tiny(p.dtype)))), gradient

    return total(left, right)


def logistic_rows(left: Any, right: Any, weight: Any) -> Any:
    """Return the sum of -weight_bt log sigmoid(left_bt . right_bt), in nats; the gradient reaches both.

    Args:
        left: shape (blocks, rows, dim).
        right: the same shape.
        weight: shape (blocks, rows), not differentiated.
    """

    @tf.custom_gradient
    def total(a: Any, b: Any) -> Any:
        p = tf.sigmoid(tf.reduce_sum(a * b, 2))

        def gradient(upstream: Any) -> Any:
            of_u = ((p - 1) * (weight * upstream))[:, :, None]
            return of_u * b, of_u * a

        return -tf.reduce_sum(weight * tf.math.log(tf.maximum(p, _tiny(p.dtype)))), gradient

    return total(left, right)


def _tiny(dtype: Any) -> Any:
    return tf.constant(dtype.as_numpy_dtype(2.0) ** (-126 if dtype == tf.float32 else -1022), dtype)
