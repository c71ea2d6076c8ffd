"""Everything random about a chunk of text, drawn on the device: kept words, window radii, noise words.

A chunk is ids with -1 after every sentence. It is laid out as `blocks` streams, neighbours in the text, which a step
walks side by side: so the places of a step are far from each other, and few of its words are the same.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.word2vec.options import Options


@dataclass(frozen=True)
class Stream:
    """A chunk that is ready for its steps.

    Attributes:
        keys: int32, shape (steps, blocks, block + 2 window): ids of a block and of what stands around it; -1 for none.
        sentence: int32, the same shape: equal in one sentence.
        radius: int32, shape (steps, blocks, block).
        noise: int32, shape (steps, blocks, shared_noise).
        kept: how many words subsampling left, a scalar.
    """

    keys: Any
    sentence: Any
    radius: Any
    noise: Any
    kept: Any = 0

    @property
    def steps(self) -> Any:
        """How many steps there are, a scalar tensor."""
        return tf.shape(self.keys)[0]

    def at(self, i: Any, options: Options) -> "Stream":
        """Return step `i` alone, without the first axis, its shapes known to the tracer."""
        around, ensure = options.block + 2 * options.window, tf.ensure_shape
        return Stream(
            ensure(self.keys[i], (options.blocks, around)),
            ensure(self.sentence[i], (options.blocks, around)),
            ensure(self.radius[i], (options.blocks, options.block)),
            ensure(self.noise[i], (options.blocks, options.shared_noise)),
        )

    def words(self) -> Any:
        """Return `keys` with a word, the first, where there is none: it gets no weight."""
        return tf.maximum(self.keys, 0)

    def centers(self, options: Options) -> Any:
        """Return the words of the blocks themselves."""
        return self.words()[..., options.window : -options.window]


class Alias:
    """Draws ids by any distribution in constant time (Walker 1977; Vose 1991).

    Cell i of n holds probability 1 / n: a share `keep[i]` of it belongs to i, the rest to `other[i]`.
    """

    def __init__(self, distribution: np.ndarray) -> None:
        share = np.asarray(distribution, np.float64) * len(distribution)
        keep, other = np.ones(len(share)), np.arange(len(share))
        small, large = [list(np.flatnonzero(side)) for side in (share < 1, share >= 1)]
        while small and large:
            i, j = small.pop(), large[-1]
            keep[i], other[i] = share[i], j
            share[j] -= 1 - share[i]
            if share[j] < 1:
                small.append(large.pop())
        self.keep, self.other = keep.astype(np.float32), other.astype(np.int32)

    def draw(self, shape: Any, seed: Any) -> Any:
        """Return int32 ids of `shape`; `seed` is int32, shape (2,)."""
        cell = tf.random.stateless_uniform(shape, seed, 0, len(self.keep), tf.int32)
        # Another seed: the two draws must not depend on each other.
        share = tf.random.stateless_uniform(shape, seed + 1)
        return tf.where(share < tf.gather(self.keep, cell), cell, tf.gather(self.other, cell))


def subsample(ids: Any, keep: Any, seed: Any) -> Any:
    """Return `ids` without the words that a draw each leaves out; the -1 between sentences stay.

    Args:
        ids: int32, shape (time,).
        keep: float32, shape (vocab,): the probability to stay.
        seed: int32, shape (2,).
    """
    word = tf.maximum(ids, 0)
    stays = tf.random.stateless_uniform(tf.shape(ids), seed) < tf.gather(keep, word)
    return tf.boolean_mask(ids, stays | (ids < 0))


def stream(ids: Any, keep: Any, noise: Alias, options: Options, seed: Any) -> Stream:
    """Return the stream of a chunk.

    Args:
        ids: int32, shape (time,), -1 after every sentence.
        keep: float32, shape (vocab,): the probability of a word to stay.
        noise: draws noise words.
        options: sizes.
        seed: int32, shape (2,).
    """
    kept = subsample(ids, keep, seed)
    steps = -(-tf.size(kept) // (options.blocks * options.block))
    keys = _blocks(kept, steps, options, fill=-1)
    sentence = _blocks(tf.cumsum(tf.cast(kept < 0, tf.int32)), steps, options, fill=-1)
    shape = (steps, options.blocks, options.block)
    radius = tf.fill(shape, options.window)
    if options.window_kind == "shrinking":
        radius = tf.random.stateless_uniform(shape, seed + 2, 1, options.window + 1, tf.int32)
    words = tf.reduce_sum(tf.cast(kept >= 0, tf.int32))
    return Stream(keys, sentence, radius, noise.draw((steps, options.blocks, options.shared_noise), seed + 3), words)


def _blocks(values: Any, steps: Any, options: Options, fill: int) -> Any:
    """Cut into `blocks` streams of steps * block places, each block with `window` places on both sides."""
    block, blocks, window = options.block, options.blocks, options.window
    missing = steps * blocks * block - tf.size(values)
    padded = tf.pad(values, [[window, window + missing]], constant_values=fill)
    at = tf.range(steps)[:, None, None] * block + tf.range(blocks)[None, :, None] * (steps * block)
    return tf.gather(padded, at + tf.range(block + 2 * window)[None, None, :])
