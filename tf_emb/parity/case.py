"""What is claimed, of whom, and how far off it may be. Imports NumPy only."""

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
    Stability of Numerical Algorithms*, lemma 3.1), for whatever order the operations come in.

    Attributes:
        c: how many roundings; a number, or a function of the inputs that returns an array.
        why: the derivation, in words and formulas.
        scale: from (inputs, want) to the magnitude that is rounded, broadcastable to the output; None
            takes the output's entry of the case's running error analysis instead, and `c` is 1.
        at: the dtypes at which the claim is made, of those that the case has.
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

        Gradual underflow, or flushing to zero, costs at most the smallest normal number an operation.

        Raises:
            ValueError: c u is 1 or more, so that there is no bound.
        """
        c = np.asarray(self.c(x) if callable(self.c) else self.c, np.float64)
        scale = 0.0 if self.scale is None else self.scale(x, want)
        return gamma(c, unit_roundoff(dtype)) * scale + c * smallest_normal(dtype)


EXACT = Bound(0, "no operation rounds: every bit must agree")


def running(why: str) -> Bound:
    """Return the bound that the case's running error analysis computes for the output."""
    return Bound(1, why)


@dataclass(frozen=True)
class Fault:
    """One line of wrong maths: `old`, which occurs once in the oracle's source, becomes `new`.

    Attributes:
        old: the text to be replaced.
        new: the wrong text.
        at: the dtypes whose check must catch it, of those that the case has. float64 always; the others where
            rounding does not hide it.
    """

    old: str
    new: str
    at: tuple[str, ...] = DTYPES


@dataclass(frozen=True)
class Divergence:
    """A known, cited difference of a framework: what it computes instead of the oracle.

    Attributes:
        what: the difference in one sentence.
        cite: where it is documented or can be read.
        old: the oracle's text where the framework differs.
        new: what the framework does there.
        at: the dtypes at which it differs; at the others the engine is expected to agree.
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
        name: what `--case` takes.
        claim: one sentence.
        cite: the source of the formula.
        inputs: draws the arrays; 0-d entries are parameters (sizes, rates).
        oracle: from inputs to named outputs, gradients and optimizer state among them.
        impls: engine name to implementation, from engine tensors to named tensors.
        bounds: one for every output.
        faults: name to planted fault.
        envelope: running error analysis: from (inputs, u) to the absolute error of named outputs.
        curves: outputs of shape (rows, len(steps), ...) whose error growth is plotted.
        diverges: engine name to the declared divergence.
        cost: what is timed beside what ("one-hot", "lookup"); implementations return it under
            "cost:<name>" as callables.
        lacks: engine name to the dtypes at which its framework cannot run the case; they show "n/a".
        full: only run with `--full`, or when named.
        quick: whether `--quick` runs it: one case at least of every file in compare/cases.
        dtypes: where it runs; what the layers store in, and compute with, is of that dtype too.
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
        """Return, for every output claimed at `dtype`, how far an engine may be from the oracle, absolutely.

        The oracle rounds too, at float64, so its own bound is added to the engine's. A running error is
        convex in u and 0 at u = 0, so at float64 it is at most the share u64 / u of what it is at u.
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
