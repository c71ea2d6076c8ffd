"""Cases, bounds and planted faults: what is claimed about which engine, and how far off it may be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tf_emb.parity.dtypes import DTYPES, WIDE, as_numpy, gamma, is_floating, smallest_normal, unit_roundoff

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Bound:
    """How far a correct program may be from exact arithmetic: gamma(c) * scale.

    gamma(c) = c u / (1 - c u) bounds the product of c factors 1 + d, |d| <= u (Higham 2002, *Accuracy and
    Stability of Numerical Algorithms*, lemma 3.1), in whatever order the operations are done.

    Attributes:
        c: the number of roundings, or a function from the inputs to an array of such numbers.
        why: the derivation, in words and formulas.
        scale: from (inputs, want) to the magnitude that is rounded, broadcastable to the output. None: the bound is
            the output's entry in the case's running error analysis, and `c` is 1.
        at: the dtypes at which the claim is made, among those of the case.
    """

    c: float | Callable[[Arrays], np.ndarray]
    why: str
    scale: Callable[[Arrays, Arrays], np.ndarray] | None = None
    at: tuple[str, ...] = DTYPES

    @property
    def exact(self) -> bool:
        """Whether the bound is 0: every bit must agree."""
        return not callable(self.c) and self.c == 0

    def allowed(self, x: Arrays, want: Arrays, dtype: str) -> np.ndarray:
        """Return the largest absolute error allowed at `dtype`.

        Gradual underflow, or flushing to zero, costs at most the smallest normal number per operation.

        Raises:
            ValueError: c u is 1 or more, where no bound exists.
        """
        c = np.asarray(self.c(x) if callable(self.c) else self.c, np.float64)
        scale = 0.0 if self.scale is None else self.scale(x, want)
        return gamma(c, unit_roundoff(dtype)) * scale + c * smallest_normal(dtype)


EXACT = Bound(0, "no operation rounds: every bit must agree")


def running(why: str) -> Bound:
    """Return the bound that the running error analysis of the case computes for an output."""
    return Bound(1, why)


@dataclass(frozen=True)
class Fault:
    """One line of wrong maths: `old`, which occurs once in the source of the oracle, becomes `new`.

    Attributes:
        old: the text to replace.
        new: the wrong text.
        at: the dtypes at which the check must catch it, among those of the case: float64 always, the others where
            rounding does not hide it.
    """

    old: str
    new: str
    at: tuple[str, ...] = DTYPES


@dataclass(frozen=True)
class Divergence:
    """A known, documented difference of a framework: what it computes in place of the oracle's formula.

    Attributes:
        what: the difference in one sentence.
        cite: where it is documented, or the source that shows it.
        old: the line of the oracle where the framework differs.
        new: what the framework does there.
        at: the dtypes at which it differs; at the others the engine must agree.
    """

    what: str
    cite: str
    old: str
    new: str
    at: tuple[str, ...] = DTYPES


@dataclass(frozen=True)
class Case:
    """One claim. `oracle` is NumPy and keeps the dtype of its inputs; float64 gives the reference.

    Attributes:
        name: the value of `--case`.
        claim: one sentence.
        cite: the source of the formula.
        inputs: draws the arrays; 0-d entries are parameters (sizes, learning rates).
        oracle: from inputs to named outputs, which include gradients and optimizer state.
        impls: engine name to implementation, from engine tensors to named tensors.
        bounds: one for every output.
        faults: planted faults by name.
        envelope: running error analysis: from (inputs, u) to the absolute error of named outputs.
        curves: outputs of shape (rows, len(steps), ...) whose error growth is plotted.
        diverges: engine name to the declared divergence.
        cost: what is timed, and the peer it is timed against ("one-hot", "lookup"); implementations return both as
            callables under "cost:<name>".
        lacks: engine name to the dtypes at which its framework cannot run the case; reports show "n/a" there.
        full: whether it runs only with `--full`, or when named.
        quick: whether `--quick` runs it; at least one case of every subject does.
        dtypes: the dtypes at which it runs; the layers store and compute in the same dtype.
    """

    name: str
    claim: str
    cite: str
    inputs: Callable[[np.random.Generator], dict[str, np.ndarray]]
    oracle: Callable[[Arrays], dict[str, np.ndarray]]
    impls: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]
    bounds: Mapping[str, Bound]
    faults: Mapping[str, Fault]
    envelope: Callable[[Arrays, float], Arrays] | None = None
    curves: tuple[str, ...] = ()
    diverges: Mapping[str, Divergence] = field(default_factory=dict)
    cost: tuple[str, str] | None = None
    lacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    full: bool = False
    quick: bool = False
    dtypes: tuple[str, ...] = WIDE

    def allowed(self, x: Arrays, want: Arrays, dtype: str) -> dict[str, np.ndarray]:
        """Return, for every output claimed at `dtype`, the largest absolute difference allowed from the oracle.

        The oracle rounds too, at float64, so its own bound is added to that of the engine. A running error is convex
        in u and 0 at u = 0, so at float64 it is at most u64 / u times what it is at u.
        """
        errors, oracle_share = self._envelope(x, dtype), unit_roundoff("float64") / unit_roundoff(dtype)
        allowed = {}
        for name, bound in self.bounds.items():
            if dtype not in bound.at:
                continue
            parts = [bound.allowed(x, want, d) for d in (dtype, "float64")]
            total = sum(parts) + errors.get(name, 0.0) * (1 + oracle_share)
            allowed[name] = np.broadcast_to(total, np.shape(want[name])).copy()
        return allowed

    def _envelope(self, x: Arrays, dtype: str) -> Arrays:
        if self.envelope is None:
            return {}
        needed = {n for n, b in self.bounds.items() if b.scale is None and not b.exact and dtype in b.at}
        errors = self.envelope(x, unit_roundoff(dtype))
        if missing := needed - set(errors):
            raise ValueError(f"`envelope` of case {self.name} must bound {sorted(missing)}; it does not.")
        return {name: errors[name] for name in needed}


def at_dtype(x: Arrays, dtype: str) -> dict[str, np.ndarray]:
    """Round the floating-point entries of `x` to `dtype`; integers stay."""
    to, arrays = as_numpy(dtype), {name: np.asarray(value) for name, value in x.items()}
    return {name: array.astype(to) if is_floating(array) else array for name, array in arrays.items()}
