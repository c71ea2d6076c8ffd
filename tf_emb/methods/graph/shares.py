"""Draws by weight from many rows at once: P(entry | row) = weight / sum of the row's weights, of whatever size.

Every row is scaled by a power of two before it is summed up, so that sums neither overflow nor vanish, and no row is
rounded to the size of another. A number is a mantissa m and an exponent e, m 2^e, as of `numpy.frexp`: products such as
w / p may then lie outside the range of float64.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shares:
    """Rows of probabilities, and their running sums in one ascending array.

    Attributes:
        first: int64, shape (rows + 1,): the entries of row r are first[r]..first[r + 1] - 1.
        share: float64, shape (entries,): the probability of each entry within its row.
        upto: float64, shape (entries,): r + the sum of the shares of row r up to this one; r + 1 at its end.
    """

    first: np.ndarray
    share: np.ndarray
    upto: np.ndarray

    @classmethod
    def of(cls, first: np.ndarray, mantissa: np.ndarray, exponent: np.ndarray) -> "Shares":
        """Return the shares of entries of weight mantissa 2^exponent; of each row that has any, one is above zero.

        An entry's `upto` is wrong by about 1e-16 times the number of rows, its `share` by 1e-16 times those of its row.
        """
        sizes = np.diff(first)
        some = sizes > 0
        row = np.repeat(np.arange(len(sizes)), sizes)
        if not len(row):
            return cls(first, np.empty(0), np.empty(0))
        seen = np.where(mantissa > 0, exponent, np.iinfo(np.int32).min // 2)
        highest = np.zeros(len(sizes), np.int64)
        highest[some] = np.maximum.reduceat(seen, first[:-1][some])
        scores = np.ldexp(mantissa, np.maximum(exponent - highest[row], -2000).astype(np.int32))
        sums = summed_by_row(first, scores)
        whole = np.ones(len(sizes))
        whole[some] = sums[first[1:][some] - 1]
        return cls(first, scores / whole[row], row + sums / whole[row])

    def draw(self, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return an entry of each of the rows, each of which must have one."""
        at = np.searchsorted(self.upto, row + rng.random(len(row)), side="right")
        return np.minimum(at, self.first[row + 1] - 1)  # the sum may round up to the next row's first


def summed_by_row(first: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the running sums of every row, each from zero on: rows of one size are summed side by side."""
    sizes = np.diff(first)
    order = np.argsort(sizes, kind="stable")
    out = np.empty(len(values))
    for rows in np.split(order, np.flatnonzero(np.diff(sizes[order])) + 1):
        at = first[rows, None] + np.arange(sizes[rows[0]])
        out[at] = np.cumsum(values[at], axis=1)
    return out
