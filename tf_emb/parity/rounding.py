"""Running error analysis: numbers that carry the largest error a correct program can have made.

Each operation propagates the errors of its operands and adds its own rounding, |fl(a op b) - (a op b)|
<= u |a op b| + the smallest normal number (Higham 2002, *Accuracy and Stability of Numerical Algorithms*,
equation 2.4 and section 3.3). A sum of n terms adds gamma(n - 1) times the sum of magnitudes, which holds
for every order of summation, including reduction trees and fused multiply-adds. The result bounds trajectories
and optimizer steps, where a closed form would be too loose to prove anything.

NumPy only, and for bounds only: an oracle computes with plain arrays.
"""

from dataclasses import dataclass
from typing import Any, Union

import numpy as np

from tf_emb.parity.dtypes import FORMATS, smallest_normal, unit_roundoff
from tf_emb.parity.dtypes import gamma as gamma  # whoever writes a bound takes it from here

# exp, log, log1p, sigmoid and softplus are not correctly rounded anywhere. 16 u (8 ULP) is more than any
# engine needs: the case `functions` measures what each one does need.
FUNCTION = 16

# The most that an operation can lose to underflow, by unit roundoff.
UNDERFLOW = {unit_roundoff(dtype): smallest_normal(dtype) for dtype in FORMATS}

Number = Union["Rounded", np.ndarray, float]


@dataclass(frozen=True)
class Rounded:
    """The result of exact arithmetic, and how far from it a program at unit roundoff `u` may be.

    Attributes:
        value: float64 array.
        error: bound on |computed - value|, of the same shape.
        u: unit roundoff of the dtype under test.
    """

    value: np.ndarray
    error: np.ndarray
    u: float

    # Makes NumPy pass `array * rounded` on to __rmul__ instead of looping over the elements.
    __array_ufunc__ = None

    @classmethod
    def exact(cls, value: np.ndarray | float, u: float) -> "Rounded":
        """Return a number that every program holds exactly: an input."""
        value = np.asarray(value, np.float64)
        return cls(value, np.zeros_like(value), u)

    def _with(self, value: np.ndarray, error: np.ndarray, roundings: float = 1) -> "Rounded":
        rounding = gamma(roundings, self.u) * (np.abs(value) + error) + roundings * UNDERFLOW[self.u]
        return Rounded(value, error + rounding, self.u)

    def _lift(self, other: Number) -> "Rounded":
        return other if isinstance(other, Rounded) else Rounded.exact(other, self.u)

    def __add__(self, other: Number) -> "Rounded":
        o = self._lift(other)
        return self._with(self.value + o.value, self.error + o.error)

    def __neg__(self) -> "Rounded":
        return Rounded(-self.value, self.error, self.u)

    def __sub__(self, other: Number) -> "Rounded":
        return self + (-self._lift(other))

    def __rsub__(self, other: Number) -> "Rounded":
        return self._lift(other) - self

    def __mul__(self, other: Number) -> "Rounded":
        o = self._lift(other)
        error = np.abs(self.value) * o.error + self.error * (np.abs(o.value) + o.error)
        return self._with(self.value * o.value, error)

    __radd__ = __add__
    __rmul__ = __mul__

    def __truediv__(self, other: Number) -> "Rounded":
        o = self._lift(other)
        lowest = np.maximum(np.abs(o.value) - o.error, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self.value / o.value
            error = np.where(lowest > 0, (self.error + np.abs(value) * o.error) / lowest, np.inf)
        return self._with(value, error)

    def __getitem__(self, at: Any) -> "Rounded":
        return Rounded(self.value[at], self.error[at], self.u)

    def sqrt(self) -> "Rounded":
        """Return the square root of a nonnegative number: |sqrt(a + d) - sqrt(a)| <= d / (sqrt(a) + sqrt(a - d))."""
        root, lowest = np.sqrt(self.value), np.sqrt(np.maximum(self.value - self.error, 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.where(root + lowest > 0, self.error / (root + lowest), np.sqrt(self.error))
        return self._with(root, error)

    def sigmoid(self) -> "Rounded":
        """Return the logistic function; its slope is at most 1/4, and its own rounding gamma(FUNCTION)."""
        value = 1 / (1 + np.exp(-self.value))
        slope = np.minimum(0.25, value * (1 - value) + self.error / 10)  # |sigmoid''| < 0.0963
        return Rounded(value, slope * self.error + gamma(FUNCTION, self.u), self.u)

    def softplus(self) -> "Rounded":
        """Return log(1 + exp(x)); its slope is at most 1, and its own rounding gamma(2 FUNCTION) (|x| + 1)."""
        value = np.maximum(self.value, 0) + np.log1p(np.exp(-np.abs(self.value)))
        own = gamma(2 * FUNCTION, self.u) * (np.abs(self.value) + self.error + 1)
        return Rounded(value, self.error + own, self.u)

    def sum(self, axis: int) -> "Rounded":
        """Return the sum of n terms in any order: n - 1 additions."""
        magnitude = (np.abs(self.value) + self.error).sum(axis)
        rounding = gamma(self.value.shape[axis] - 1, self.u) * magnitude
        return Rounded(self.value.sum(axis), self.error.sum(axis) + rounding, self.u)

    def average(self, new: "Rounded", beta: float) -> "Rounded":
        """Return beta * self + (1 - beta) * new, the moving average of Adam.

        Programs compute it this way or as self + (new - self) * (1 - beta): in both, at most 4 roundings of either
        addend and one of the result. Writing the second form in this arithmetic would let an error grow by
        1 + (1 - beta) per step, while in truth it shrinks by beta.
        """
        parts = self * beta + new * (1 - beta)
        rounding = gamma(4, self.u) * (beta * np.abs(self.value) + (1 - beta) * np.abs(new.value))
        return Rounded(parts.value, parts.error + rounding, self.u)

    def where(self, mask: np.ndarray) -> "Rounded":
        """Return the number where `mask` is true, and an exact 0 elsewhere."""
        return Rounded(np.where(mask, self.value, 0.0), np.where(mask, self.error, 0.0), self.u)


def contract(subscripts: str, a: Rounded, b: Rounded) -> Rounded:
    """Return einsum(subscripts, a, b) with its error: gamma(n) over n contracted terms."""
    inputs, output = subscripts.split("->")
    sizes: dict[str, int] = {}
    for names, shape in zip(inputs.split(","), (a.value.shape, b.value.shape), strict=True):
        sizes |= dict(zip(names, shape, strict=True))
    terms = int(np.prod([n for name, n in sizes.items() if name not in output]))
    A, B = np.abs(a.value), np.abs(b.value) + b.error
    error = np.einsum(subscripts, A, b.error) + np.einsum(subscripts, a.error, B)
    error += gamma(terms, a.u) * np.einsum(subscripts, A + a.error, B)
    return Rounded(np.einsum(subscripts, a.value, b.value), error, a.u)


def scatter_add(rows: int, ids: np.ndarray, updates: Rounded, counted: np.ndarray | None = None) -> Rounded:
    """Return the sum of `updates` into each of `rows` rows; a row hit c times rounds c - 1 times.

    Where `counted` is False the update is an exact 0, which adds no rounding.
    """
    shape = (rows, updates.value.shape[-1])
    flat, width = ids.reshape(-1), shape[1]
    hits = np.bincount(flat if counted is None else ids[counted], minlength=rows)[:, None]
    total, error, magnitude = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    np.add.at(total, flat, updates.value.reshape(-1, width))
    np.add.at(error, flat, updates.error.reshape(-1, width))
    np.add.at(magnitude, flat, (np.abs(updates.value) + updates.error).reshape(-1, width))
    return Rounded(total, error + gamma(np.maximum(hits - 1, 0), updates.u) * magnitude, updates.u)


def bounded_softmax(y: Rounded, targets: np.ndarray, u: float) -> tuple[Rounded, np.ndarray]:
    """Return softmax(y) - onehot, shape (rows, classes), and the error of every row's -log softmax(y)_target.

    It holds for the forms exp(s) / S and exp(s - log S), s = y - max y and S = sum exp(s).

    Args:
        y: logits, shape (rows, classes).
        targets: integers, shape (rows,).
        u: unit roundoff.
    """
    at = np.arange(len(targets)), targets
    s = y.value - y.value.max(axis=1, keepdims=True)
    S = np.exp(s).sum(axis=1, keepdims=True)
    K, highest = gamma(FUNCTION, u), np.abs(y.value).max(axis=1, keepdims=True)
    # The exponent: of y, of two subtractions, and of log S where that is one of them.
    exponent = y.error + gamma(2, u) * (np.abs(s) + np.log(S)) + K * np.log(S)
    each = np.expm1(exponent) * (1 + K) + K
    total = (1 + each.max(axis=1, keepdims=True)) * (1 + gamma(s.shape[1], u)) - 1
    share = np.exp(s) / S
    error = share * ((1 + each) / (1 - total) * (1 + u) - 1)
    e = share.copy()
    e[at] -= 1
    loss = exponent[at][:, None] - np.log1p(-total) + K * np.log(S) + gamma(4, u) * (3 * highest + 2 * np.log(S))
    return Rounded(e, error + u * (np.abs(e) + error), u), loss[:, 0]


def reshaped(a: Rounded, shape: tuple[int, ...]) -> Rounded:
    """Return the same numbers in another shape."""
    return Rounded(a.value.reshape(shape), a.error.reshape(shape), a.u)
