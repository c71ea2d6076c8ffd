"""Everything random about a chunk of text, drawn on the device: kept words, windows, noise words.

A chunk is ids with -1 after every sentence. The words left by subsampling are laid out as `blocks` streams of adjacent
text, and a step takes one block from each: its blocks are far from each other in the text, and share few words. Ends of
sentences take no place; they only bound the windows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.word2vec.options import Options


@dataclass(frozen=True)
class Stream:
    """A chunk, ready for its steps.

    Attributes:
        keys: int32, shape (steps, blocks, block + 2 window): ids of a block and of the places around it; -1 for none.
        left: int32, shape (steps, blocks, block): number of places to the left of a centre in its context.
        right: int32, the same shape: number of places to its right.
        noise: int32, shape (steps, blocks, shared_noise).
        kept: number of words left by subsampling, a scalar.
    """

    keys: Any
    left: Any
    right: Any
    noise: Any
    kept: Any = 0

    @property
    def steps(self) -> Any:
        """Number of steps, a scalar tensor."""
        return tf.shape(self.keys)[0]

    def at(self, i: Any, options: Options) -> "Stream":
        """Return step `i`, without the first axis, with static shapes."""
        around, ensure = options.block + 2 * options.window, tf.ensure_shape
        return Stream(
            ensure(self.keys[i], (options.blocks, around)),
            ensure(self.left[i], (options.blocks, options.block)),
            ensure(self.right[i], (options.blocks, options.block)),
            ensure(self.noise[i], (options.blocks, options.shared_noise)),
        )

    def words(self) -> Any:
        """Return `keys` with word 0 where there is none; it gets no weight."""
        return tf.maximum(self.keys, 0)

    def centers(self, options: Options) -> Any:
        """Return the words in the blocks, without those around."""
        return self.words()[..., options.window : -options.window]

    def context_size(self) -> Any:
        """Return the number of places in the context of every centre."""
        return self.left + self.right


class Alias:
    """Draws ids from any distribution in constant time per id (Walker 1977; Vose 1991).

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
        # Another seed: the two draws must be independent.
        share = tf.random.stateless_uniform(shape, seed + 1)
        return tf.where(share < tf.gather(self.keep, cell), cell, tf.gather(self.other, cell))


def subsample(ids: Any, keep: Any, seed: Any) -> Any:
    """Return `ids` without the words dropped by one draw each; the -1 after sentences stay.

    Args:
        ids: int32, shape (time,).
        keep: float32, shape (vocab,): probability that a word is kept.
        seed: int32, shape (2,).
    """
    word = tf.maximum(ids, 0)
    stays = tf.random.stateless_uniform(tf.shape(ids), seed) < tf.gather(keep, word)
    return tf.boolean_mask(ids, stays | (ids < 0))


def draw_stream(ids: Any, keep: Any, noise: Alias, options: Options, seed: Any) -> Stream:
    """Draw the stream of a chunk.

    Args:
        ids: int32, shape (time,), -1 after every sentence.
        keep: float32, shape (vocab,): probability that a word is kept.
        noise: draws noise words.
        options: see `Options`.
        seed: int32, shape (2,).
    """
    words, before, behind = sentences(subsample(ids, keep, seed))
    steps = -(-tf.size(words) // (options.blocks * options.block))
    radius = radii(tf.shape(words), options, seed + 2)
    left, right = reach(radius, before, behind, options)
    drawn = noise.draw((steps, options.blocks, options.shared_noise), seed + 3)
    keys = _blocks(words, steps, options, around=options.window, fill=-1)
    left, right = [_blocks(side, steps, options) for side in (left, right)]
    return Stream(keys, left, right, drawn, tf.size(words))


def sentences(ids: Any) -> tuple[Any, Any, Any]:
    """Return the words of `ids`, and the number of words before and after each in its sentence.

    Args:
        ids: int32, shape (time,), -1 after every sentence; words after the last -1 are a sentence too.

    Returns:
        Three of int32, shape (words,).
    """
    is_end = ids < 0
    number = tf.boolean_mask(tf.cumsum(tf.cast(is_end, tf.int32)), ~is_end)
    words = tf.boolean_mask(ids, ~is_end)
    ends = tf.cast(tf.where(is_end)[:, 0], tf.int32)
    # Number of words before each sentence: an end at place p, with e ends before it, has p - e words before it.
    starts = tf.concat([[0], ends - tf.range(tf.size(ends)), tf.size(words)[None]], 0)
    place = tf.range(tf.size(words))
    return words, place - tf.gather(starts, number), tf.gather(starts, number + 1) - 1 - place


def radii(shape: Any, options: Options, seed: Any) -> Any:
    """Return the radius of every centre, int32: uniform in 1..window, or window."""
    if options.window_kind == "fixed":
        return tf.fill(shape, options.window)
    return tf.random.stateless_uniform(shape, seed, 1, options.window + 1, tf.int32)


def reach(radius: Any, before: Any, behind: Any, options: Options) -> tuple[Any, Any]:
    """Return the number of context places left and right of every centre: its radius, within its sentence."""
    right = tf.minimum(radius, behind)
    return tf.zeros_like(right) if options.forward_only else tf.minimum(radius, before), right


def _blocks(values: Any, steps: Any, options: Options, around: int = 0, fill: int = 0) -> Any:
    """Cut into `blocks` streams of steps * block places; each block gets `around` more places on both sides."""
    block, blocks = options.block, options.blocks
    missing = steps * blocks * block - tf.size(values)
    padded = tf.pad(values, [[around, around + missing]], constant_values=fill)
    at = tf.range(steps)[:, None, None] * block + tf.range(blocks)[None, :, None] * (steps * block)
    return tf.gather(padded, at + tf.range(block + 2 * around)[None, None, :])


def band_weights(options: Options) -> np.ndarray:
    """Return every row of w by t, left and right; float64, shape (block, window + 1, window + 1, block + 2 window).

    w weighs the places around every centre of a block:

        w[t, m] = 1 where window + t - left_t <= m <= window + t + right_t and m is not the centre window + t, else 0

    It has only block * (window + 1)^2 distinct rows. Computed once, a row costs one gather; computed in every step,
    from comparisons of places, they took as long as a matrix product of the step.
    """
    window, block = options.window, options.block
    reach = np.arange(window + 1)
    ahead = np.arange(block + 2 * window) - np.arange(window, window + block)[:, None, None, None]
    return ((ahead >= -reach[:, None, None]) & (ahead <= reach[:, None]) & (ahead != 0)).astype(np.float64)


def sizes(options: Options) -> np.ndarray:
    """Return left + right, in the shape of `band_weights` with a last axis of 1."""
    reach = np.arange(options.window + 1)
    both = reach[:, None] + reach
    return np.broadcast_to(both[..., None], (options.block, *both.shape, 1)).astype(np.float64)


class Bands:
    """Rows that depend only on a centre's place in its block and on its reach.

    Args:
        rows: shape (block, window + 1, window + 1, columns), by t, left and right.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self.side, self.columns = rows.shape[1], rows.shape[-1]
        self.rows = rows.reshape(-1, self.columns)

    def of(self, at: Stream, dtype: Any) -> Any:
        """Return the row of every centre, shape (blocks, block, columns)."""
        return self.rows_of(tf.range(at.left.shape[-1]), at.left, at.right, dtype)

    def rows_of(self, place: Any, left: Any, right: Any, dtype: Any) -> Any:
        """Return rows by t, left and right, int32 arrays of one shape, or that broadcast to one."""
        return tf.gather(tf.constant(self.rows, dtype), (place * self.side + left) * self.side + right)
