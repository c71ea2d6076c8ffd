"""The weights of the places around every centre of a block: bands of ones, computed once and gathered.

    w[t, m] = 1 where window + t - left_t <= m <= window + t + right_t and m is not the centre window + t itself, else 0

w has only block * (window + 1)^2 distinct rows. Computed once, a row costs one gather; computed in every step, from
comparisons of places, they took as long as a matrix product of the step.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.word2vec.blocks.stream import Stream
from tf_emb.word2vec.options import Options


def band_weights(options: Options) -> np.ndarray:
    """Return every row of w by t, left and right; float64, shape (block, window + 1, window + 1, block + 2 window)."""
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
