"""Running error analysis of stochastic gradient descent, one example after the other. NumPy only, and for bounds only.

Tables W (input) and V (output); an example has ids of W, whose mean is h, and keys of V:

    u_k = v_k . h;  g_k = dE/du_k;  v_k -= rate g_k h;  w_i -= rate share sum_k g_k v_k

`Descent` carries both tables in exact arithmetic and, by element, the error a of W and b of V that any program at unit
roundoff u can have made. With dh, du, dg the errors of h, u, g and H = |h| + dh, B = |v| + b, G = |g| + dg:

    dh = mean(a) + gamma(n + 2) mean(|w| + a)
    du = |v| dh + b H + gamma(d) B H
    b += rate (|g| dh + dg H) + gamma(4) rate G H + one rounding of what is written, a place
    a += rate share (sum_k |g| b + dg B) + gamma(keys + n + 5) rate share sum_k G B + the same

How du reaches dg is the loss's own: `logistic`, `softmax`.

`Pairs` bounds whole trainings, where that grows too fast: the smaller of two bounds counts. One is by element, tight at
first; it takes every derivative by its magnitude, so it grows although the training does not. The other is by row, in
the 2-norm, and uses that the update of a row against its own error contracts: with exact rows h, v and computed rows
h + a, v + b, the computed logit is off by (v + b) a + b h, so

    a' = (I - rate sum_k s_k (v_k + b_k)(v_k + b_k)^T) a - rate sum_k (g_k b_k + s_k (b_k h) (v_k + b_k)) + rounding

where s_k, a slope of the sigmoid, is in [0, 1/4]: the matrix has norm at most 1 while rate sum_k s_k |v_k + b_k|^2
is at most 2, which is checked. The same holds for v with h. Derivations: docs/parity.md.
"""

from collections.abc import Callable, Iterable

import numpy as np

from tf_emb.parity.case import Arrays
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


def add(total: list[np.ndarray], rows: np.ndarray | list[int], error: np.ndarray, size: np.ndarray) -> None:
    """Add an example's error and magnitude to the rows that it reaches, and count the places."""
    for table, part in zip(total, (error, size, np.ones_like(error)), strict=True):
        np.add.at(table, rows, part)


def logistic(logits: np.ndarray, off: np.ndarray, labels: np.ndarray, u: float) -> tuple[np.ndarray, np.ndarray]:
    """Return sigmoid - label; the slope is at most 1/4, and |sigmoid''| < 0.0963."""
    s = 1 / (1 + np.exp(-logits))
    return s - labels, np.minimum(0.25, s * (1 - s) + off / 10) * off + (FUNCTION + 1) * u


def softmax(logits: np.ndarray, off: np.ndarray, labels: np.ndarray, u: float) -> tuple[np.ndarray, np.ndarray]:
    """Return y - label. Logits off by at most m change y by a factor within exp(2 m); exp and the sum round."""
    y = np.exp(logits - logits.max())
    y /= y.sum()
    relative = np.expm1(2 * off.max()) + gamma(2 * FUNCTION + len(y) + 2 * np.abs(logits).max(), u)
    return y - labels, y * relative + 2 * u


def envelope(x: Arrays, u: float, first: int = 0, last: int | None = None) -> dict[str, np.ndarray]:
    """Return the error of both tables after the pairs first..last, and of every pair's loss."""
    analysis = Pairs(x, u)
    last = len(x["center"]) if last is None else last
    losses = np.array([analysis.pair(p) for p in range(first, last)])
    return {
        "center": np.minimum(analysis.element[0], analysis.row[0][:, None]),
        "context": np.minimum(analysis.element[1], analysis.row[1][:, None]),
        "loss": losses,
    }


class Pairs:
    """Both tables in exact arithmetic, and the errors of a program that computes at unit roundoff `u`."""

    def __init__(self, x: Arrays, u: float) -> None:
        self.x, self.u = x, u
        self.center, self.context = x["initial center"].copy(), x["initial context"].copy()
        self.element = np.zeros_like(self.center), np.zeros_like(self.context)
        self.row = np.zeros(len(self.center)), np.zeros(len(self.context))
        self.keys = np.concatenate([x["context"][:, None], x["noise"]], axis=1)
        self.counted = np.ones(self.keys.shape)
        self.counted[:, 1:] = x["noise"] != x["context"][:, None]
        self.target = np.eye(1, self.keys.shape[1])[0]
        self.dot = float(gamma(self.center.shape[1], u))
        self.update = float(gamma(self.keys.shape[1] + 3, u))

    def pair(self, p: int) -> float:
        """Take one pair's update, with its errors; return the error of its loss."""
        i, k, rate, counted = self.x["center"][p], self.keys[p], float(self.x["rate"][p]), self.counted[p]
        h, v = self.center[i].copy(), self.context[k]
        logits = v @ h
        s = 1 / (1 + np.exp(-logits))
        g = counted * (s - self.target)
        off = self.logit_error(i, k, h, v)
        slope = np.minimum(0.25, s * (1 - s) + off / 10) * counted  # |sigmoid''| < 0.0963
        own = FUNCTION * self.u * counted
        self.by_element(i, k, rate, h, v, np.abs(g), slope * off + own)
        self.by_row(i, k, rate, h, v, np.abs(g), slope, own)
        self.center[i] -= rate * (g @ v)
        np.subtract.at(self.context, k, rate * g[:, None] * h)
        self.round_written(i, k)
        terms = np.abs(logits) + 1
        return float(counted @ (off + (2 * FUNCTION + len(k)) * self.u * (terms + off)))

    def logit_error(self, i: int, k: np.ndarray, h: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Error of v h, from the smaller of the two bounds of its rows."""
        a, b = self.element[0][i], self.element[1][k]
        H, V = np.abs(h) + a, np.abs(v) + b
        element = np.abs(v) @ a + b @ H + self.dot * (V @ H)
        ra, rb = self.row[0][i], self.row[1][k]
        nh, nv = np.linalg.norm(h), np.linalg.norm(v, axis=1)
        norm = nv * ra + rb * (nh + ra) + self.dot * (nv + rb) * (nh + ra)
        return np.minimum(element, norm)

    def by_element(
        self, i: int, k: np.ndarray, rate: float, h: np.ndarray, v: np.ndarray, g: np.ndarray, dg: np.ndarray
    ) -> None:
        """Propagate by element: |g| b + dg |v + b| for the centre, |g| a + dg |h + a| for the rows of `k`."""
        a, b = self.element[0][i], self.element[1][k]
        H, V, G = np.abs(h) + a, np.abs(v) + b, g + dg
        center = g @ b + dg @ V + self.update * (G @ V)
        context = g[:, None] * a + dg[:, None] * H + self.update * G[:, None] * H
        self.element[0][i] += rate * center
        np.add.at(self.element[1], k, rate * context)

    def by_row(
        self,
        i: int,
        k: np.ndarray,
        rate: float,
        h: np.ndarray,
        v: np.ndarray,
        g: np.ndarray,
        slope: np.ndarray,
        own: np.ndarray,
    ) -> None:
        """Propagate by row, as in the module's formula."""
        a, b = self.row[0][i], self.row[1][k]
        nh, nv = np.linalg.norm(h), np.linalg.norm(v, axis=1)
        H, V = nh + a, nv + b
        rounding = slope * self.dot * V * H + own + self.update * (g + slope * (V * H) + own)
        center = g * b + slope * b * nh * V + rounding * V
        context = g * a + slope * a * nv * H + rounding * H
        self.row[0][i] = self.row[0][i] * contraction(rate * (slope @ V**2)) + rate * center.sum()
        self.row[1][k] *= contraction(rate * len(k) * slope * H**2)
        np.add.at(self.row[1], k, rate * context)

    def round_written(self, i: int, k: np.ndarray) -> None:
        """Writing back rounds each touched element once, an output row once for each of its places."""
        for side, rows, table in ((0, np.array([i]), self.center), (1, k, self.context)):
            magnitude = np.abs(table[rows]) + self.element[side][rows]
            np.add.at(self.element[side], rows, self.u * magnitude)
            norm = np.linalg.norm(table[rows], axis=1) + self.row[side][rows]
            np.add.at(self.row[side], rows, self.u * norm)


def contraction(reach: np.ndarray | float) -> np.ndarray:
    """Norm of I - M for 0 <= M <= reach: 1 while reach is at most 2, more beyond."""
    return np.maximum(1.0, np.asarray(reach) - 1)
