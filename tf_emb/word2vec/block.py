"""A step of block training: many neighbouring centres at once, with noise words that they share.

Skip-gram, negative sampling. For the centres t of a block, the places m around them and the block's noise words s:

    E = sum over t, m of w_tm (-log sigmoid(v'_m . v_t)) + sum over t, s of (K / S) n_t (-log sigmoid(-v'_s . v_t))

with w_tm = 1 where m is in the window of t, n_t = sum_m w_tm its pairs, K noise words a pair, S drawn a block: in
expectation, negative sampling with K words of its own for every pair (Mikolov et al. 2013, equation 4).

CBOW: h_t = sum over m of w_tm v_m / n_t, and

    E = sum over t of -log sigmoid(v'_t . h_t) + sum over t, s of (K / S) (-log sigmoid(-v'_s . h_t))

What differs from training pair by pair: the gradient of a step is taken at the tables before the step; noise words are
shared, and stay in when they equal a context word; a row's summed gradient is limited (`Rows.descend`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from tf_emb.word2vec.options import Options
from tf_emb.word2vec.products import logistic_products
from tf_emb.word2vec.rows import Rows
from tf_emb.word2vec.stream import Stream

Tables = tuple[Any, Any]


def window_weights(keys: Any, sentence: Any, radius: Any, options: Options) -> Any:
    """Return w: 1 where a place is in the window of a centre, else 0.

    Args:
        keys: int32, shape (blocks, block + 2 window), -1 where there is no word.
        sentence: int32, the same shape.
        radius: int32, shape (blocks, block).
        options: sizes.

    Returns:
        float32, shape (blocks, block, block + 2 window).
    """
    block, window = options.block, options.window
    ahead = tf.range(block + 2 * window)[None, :] - tf.range(window, block + window)[:, None]
    near = tf.abs(ahead)[None] <= radius[:, :, None]
    near &= (ahead > 0 if options.forward_only else ahead != 0)[None]
    word = keys >= 0
    near &= word[:, window:-window, None] & word[:, None, :]
    near &= sentence[:, window:-window, None] == sentence[:, None, :]
    return tf.cast(near, tf.float32)


def skipgram(tables: Tables, at: Stream, rate: Any, options: Options) -> tuple[Any, Any]:
    """Take a step of skip-gram; return its loss in nats, summed over pairs, and how many pairs it saw."""
    block, window, shared = options.block, options.window, options.shared_noise
    weight = window_weights(at.keys, at.sentence, at.radius, options)
    pairs = tf.reduce_sum(weight, 2, keepdims=True)
    noise_weight = tf.broadcast_to(pairs * (options.negatives / shared), (options.blocks, block, shared))
    sign = tf.concat([tf.ones(block + 2 * window), -tf.ones(shared)], 0)
    keys = tf.maximum(at.keys, 0)
    center = Rows.read(tables[0], keys[:, window:-window])
    context = Rows.read(tables[1], tf.concat([keys, at.noise], 1))
    with tf.GradientTape() as tape:
        tape.watch([center.values, context.values])
        loss = logistic_products(
            center.at_places((options.blocks, block)),
            context.at_places((options.blocks, block + 2 * window + shared)),
            sign,
            tf.concat([weight, noise_weight], 2),
        )
    _descend(tables, (center, context), tape, loss, rate, options)
    return loss, tf.reduce_sum(pairs)


def cbow(tables: Tables, at: Stream, rate: Any, options: Options) -> tuple[Any, Any]:
    """Take a step of CBOW; return its loss in nats, summed over centres, and how many centres it saw."""
    block, window, shared = options.block, options.window, options.shared_noise
    weight = window_weights(at.keys, at.sentence, at.radius, options)
    places = tf.reduce_sum(weight, 2, keepdims=True)
    some = tf.cast(places > 0, tf.float32)
    keys = tf.maximum(at.keys, 0)
    context = Rows.read(tables[0], keys)
    output = Rows.read(tables[1], tf.concat([keys[:, window:-window], at.noise], 1))
    with tf.GradientTape() as tape:
        tape.watch([context.values, output.values])
        rows = output.at_places((options.blocks, block + shared))
        hidden = mean(context.at_places((options.blocks, block + 2 * window)), weight, places, options.cbow_gradient)
        target = tf.reduce_sum(hidden * rows[:, :block], 2, keepdims=True)
        noise = some * tf.ones((1, 1, shared)) * (options.negatives / shared)
        loss = tf.reduce_sum(some * tf.math.softplus(-target))
        loss += logistic_products(hidden, rows[:, block:], -tf.ones(shared), noise)
    _descend(tables, (context, output), tape, loss, rate, options)
    return loss, tf.reduce_sum(some)


def mean(rows: Any, weight: Any, places: Any, gradient: str) -> Any:
    """Return the mean of the rows around every centre, zeros where there is none.

    Args:
        rows: shape (blocks, places, dim).
        weight: 1 or 0, shape (blocks, block, places).
        places: sums of `weight`, shape (blocks, block, 1).
        gradient: "exact", or "word2vec.c": each row gets the gradient of the mean undivided.
    """
    share = weight / tf.maximum(places, 1.0)
    back = share if gradient == "exact" else weight

    @tf.custom_gradient
    def product(of: Any) -> Any:
        return tf.matmul(share, of), lambda upstream: tf.matmul(back, upstream, transpose_a=True)

    return product(rows)


def _descend(tables: Tables, rows: tuple[Rows, Rows], tape: Any, loss: Any, rate: Any, options: Options) -> None:
    gradients = tape.gradient(loss, [of.values for of in rows])
    for table, of, gradient in zip(tables, rows, gradients, strict=True):
        of.descend(table, gradient, rate, options.limit)


STEPS: dict[tuple[str, str], Callable[..., tuple[Any, Any]]] = {
    ("skipgram", "negative-sampling"): skipgram,
    ("cbow", "negative-sampling"): cbow,
}


def train_stream(tables: Tables, of: Stream, first_rate: Any, last_rate: Any, options: Options) -> tuple[Any, Any]:
    """Take every step of a stream, the rate falling linearly; return the loss and the number it is a sum over.

    Both are float64: a float32 stops counting pairs at 16,777,216.
    """
    step = partial(STEPS[options.model, options.loss], tables, options=options)
    loss, count = tf.constant(0.0, tf.float64), tf.constant(0.0, tf.float64)
    for i in tf.range(of.steps):
        tf.autograph.experimental.set_loop_options(parallel_iterations=1)
        rate = first_rate + (last_rate - first_rate) * (tf.cast(i, tf.float32) / tf.cast(of.steps, tf.float32))
        nats, seen = step(at=_at(of, i, options), rate=rate)
        loss, count = loss + tf.cast(nats, tf.float64), count + tf.cast(seen, tf.float64)
    return loss, count


def _at(of: Stream, i: Any, options: Options) -> Stream:
    """Return step `i` of a stream, with the shapes that are known."""
    around = options.block + 2 * options.window
    ensure = tf.ensure_shape
    return Stream(
        ensure(of.keys[i], (options.blocks, around)),
        ensure(of.sentence[i], (options.blocks, around)),
        ensure(of.radius[i], (options.blocks, options.block)),
        ensure(of.noise[i], (options.blocks, options.shared_noise)),
    )
