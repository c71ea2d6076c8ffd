"""Running error analysis of stochastic gradient descent, one example after the other.

Tables W (input) and V (output); an example has ids of W, whose mean is h, and keys of V:

    u_k = v_k . h;  g_k = dE/du_k;  v_k -= rate g_k h;  w_i -= rate share sum_k g_k v_k

`Descent` carries both tables in exact arithmetic and, by element, the error a of W and b of V that any program at unit
roundoff u can have made. With dh, du, dg the errors of h, u, g and H = |h| + dh, B = |v| + b, G = |g| + dg:

    dh = mean(a) + gamma(n + 2) mean(|w| + a)
    du = |v| dh + b H + gamma(d) B H
    b += rate (|g| dh + dg H) + gamma(4) rate G H + one rounding of what is written, a place
    a += rate share (sum_k |g| b + dg B) + gamma(keys + n + 5) rate share sum_k G B + the same

How du reaches dg is the loss's own: `logistic`, `softmax`. NumPy only, and for bounds only.
"""

from collections.abc import Callable, Iterable

import numpy as np

from tf_emb.parity.rounding import FUNCTION, gamma

Slopes = Callable[[np.ndarray, np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray]]


class Descent:
    """Both tables, and how far off a correct program may be.

    Args:
        inputs: table W, shape (rows, dim).
        outputs: table V.
        u: unit roundoff.
    """

    def __init__(self, inputs: np.ndarray, outputs: np.ndarray, u: float) -> None:
        self.inputs, self.outputs, self.u = inputs.copy(), outputs.copy(), u
        self.input_error, self.output_error = np.zeros_like(self.inputs), np.zeros_like(self.outputs)

    def hidden(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of the rows `ids`, and its error."""
        rows, errors = self.inputs[ids], self.input_error[ids]
        if len(ids) == 1:
            return rows[0], errors[0]
        magnitude = (np.abs(rows) + errors).mean(axis=0)
        return rows.mean(axis=0), errors.mean(axis=0) + gamma(len(ids) + 2, self.u) * magnitude

    def logits(self, keys: np.ndarray, h: np.ndarray, dh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return u of every key, and its error."""
        v, b = self.outputs[keys], self.output_error[keys]
        bound = np.abs(v) + b
        return v @ h, np.abs(v) @ dh + b @ (np.abs(h) + dh) + gamma(len(h), self.u) * (bound @ (np.abs(h) + dh))

    def example(
        self, ids: np.ndarray, turns: Iterable[tuple[np.ndarray, np.ndarray]], slopes: Slopes, rate: float, share: float
    ) -> float:
        """Take one example's update, with its errors; return the largest error of its logits.

        Args:
            ids: rows of W.
            turns: (keys, labels); the rows of a turn are read after those of the turn before were written.
            slopes: from (logits, their errors, labels, u) to g and dg.
            rate: the learning rate.
            share: of the error that each row of `ids` gets.
        """
        h, dh = (a.copy() for a in self.hidden(ids))
        error, spread, size, count, worst = np.zeros_like(h), np.zeros_like(h), np.zeros_like(h), 0, 0.0
        for keys, labels in turns:
            v, b = self.outputs[keys], self.output_error[keys]
            logits, off = self.logits(keys, h, dh)
            g, dg = slopes(logits, off, labels, self.u)
            error, count, worst = error + g @ v, count + len(keys), max(worst, float(off.max()))
            spread = spread + np.abs(g) @ b + dg @ (np.abs(v) + b)
            size = size + (np.abs(g) + dg) @ (np.abs(v) + b)
            of_key = np.outer(np.abs(g), dh) + np.outer(dg, np.abs(h) + dh)
            of_key += gamma(4, self.u) * np.outer(np.abs(g) + dg, np.abs(h) + dh)
            self._write(self.outputs, self.output_error, keys, rate * np.outer(g, h), rate * of_key)
        spread = spread + gamma(count + len(ids) + 5, self.u) * size
        shape = (len(ids), len(h))
        steps = [np.broadcast_to(rate * share * part, shape) for part in (error, spread)]
        self._write(self.inputs, self.input_error, ids, *steps)
        return worst

    def _write(
        self, table: np.ndarray, errors: np.ndarray, rows: np.ndarray, steps: np.ndarray, spread: np.ndarray
    ) -> None:
        """Subtract; each place rounds once, at no more than what the row and all its steps add up to."""
        same = (rows[:, None] == rows[None, :]).astype(np.float64)
        before = np.abs(table[rows]) + errors[rows] + same @ (np.abs(steps) + spread)
        np.subtract.at(table, rows, steps)
        np.add.at(errors, rows, spread + self.u * before)


def logistic(
    logits: np.ndarray, off: np.ndarray, labels: np.ndarray, u: float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return sigmoid - label; the slope is at most 1/4, and |sigmoid''| < 0.0963."""
    s = 1 / (1 + np.exp(-logits))
    return s - labels, np.minimum(0.25, s * (1 - s) + off / 10) * off + (FUNCTION + 1) * u


def softmax(logits: np.ndarray, off: np.ndarray, labels: np.ndarray, u: float) -> tuple[np.ndarray, np.ndarray]:
    """Return y - label. Logits off by at most m change y by a factor within exp(2 m); exp and the sum round."""
    y = np.exp(logits - logits.max())
    y /= y.sum()
    return y - labels, y * (
        np.expm1(2 * off.max()) + gamma(2 * FUNCTION + len(y) + 2 * np.abs(logits).max(), u)
    ) + 2 * u
