"""Bounds of the rules. Under a constant gradient, known without error, nothing cancels, so roundings just count.

The relative error of one of T steps, in units of u, is at most a count C. So a weight, which is rounded at each step
too, is off by at most T (|w_0| + D) + C D, where D is the sum of the steps' sizes: they all have one sign.
"""

import numpy as np

from compare.cases.optimizers.rules.oracle import STEPS
from tf_emb.parity.case import Arrays, Bound
from tf_emb.parity.rounding import FUNCTION


def table(count: float, why: str) -> Bound:
    """T (|w_0| + D) + C D."""

    def scale(x: Arrays, want: Arrays) -> np.ndarray:
        moved = np.abs(want["table"] - x["table"])
        return STEPS * (np.abs(x["table"]) + moved) + count * moved

    return Bound(1, f"T (|w0| + D) + C D, D = |w_T - w0|; C: {why}", scale)


def slot(name: str, count: float, why: str) -> Bound:
    """A sum of terms of one sign: a relative error."""

    def scale(x: Arrays, want: Arrays) -> np.ndarray:
        return np.abs(want[name])

    return Bound(count, f"relative, all terms of one sign: {why}", scale)


def average(beta: float) -> float:
    """Relative error of a moving average of equal terms after T steps, of which a term may have 2 itself.

    4 roundings of an addend and one of the sum, and one for beta itself, a step; 1 - beta is off by u beta / (1 - beta)
    where beta was rounded before it was subtracted.
    """
    return 6 * STEPS + beta / (1 - beta) + 2


def corrections(*betas: float) -> float:
    """1 - b^t: K b^t (1 + |t log b|) / (1 - b^t) <= 2 K b / (1 - b), and b / (1 - b) for a rounded b."""
    return sum((2 * FUNCTION + 1) * beta / (1 - beta) for beta in betas)


def adam(b1: float, b2: float) -> float:
    """m, the root of v, both corrections, and the operations of one step."""
    return average(b1) + average(b2) / 2 + corrections(b1, b2) + 12


def adadelta(rho: float) -> float:
    """A step r_t is off by half of what d and a are, and d by 2 r of the step before: r_t <= r_(t-1) + average + 7."""
    return STEPS * (average(rho) + 7)


def nadam(b1: float, b2: float) -> float:
    """mu <= b1 is off by 10 u, K u of a power not above 1 and halved: 1 - mu by 10 / (1 - b1), relative.

    The product of T of them, each above 0.45, by 25 T; 1 minus it, above 0.48, by no more.
    """
    momentum = 10 / (1 - b1) + (2 * b1) / (1 - b1) + 25 * (STEPS + 1)
    return average(b1) + average(b2) / 2 + corrections(b2) + momentum + 20
