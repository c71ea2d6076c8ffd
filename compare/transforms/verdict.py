"""What became of one cell: which numbers were compared, and what they came to."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tf_emb.parity.rounding import Rounded

SAME, BOUND, REFUSED, LIMIT, NONE, WRONG = "=", "≈", "R", "L", "·", "✗"
RIGHT = (SAME, BOUND)


@dataclass(frozen=True)
class Outcome:
    """A mark and, where there is something to say, why."""

    mark: str
    why: str = ""


class AbsentError(Exception):
    """A mode has no such transformation: the cell stays empty."""


class Numbers:
    """The numbers of a cell, each beside its oracle's, and beside the eager layer's where that has them."""

    def __init__(self, eager: Mapping[str, np.ndarray] | None = None) -> None:
        self.eager = eager or {}
        self.found: list[tuple[str, np.ndarray, Rounded]] = []

    def hold(self, name: str, got: np.ndarray, want: Rounded) -> None:
        """Compare one result with its oracle."""
        self.found.append((name, np.asarray(got), want))

    @property
    def got(self) -> dict[str, np.ndarray]:
        """The results by name."""
        return {name: got for name, got, _ in self.found}

    def outcome(self) -> Outcome:
        """Return whether all are within their bounds, and whether all have the eager layer's bits."""
        if not self.found:
            return Outcome(WRONG, "nothing was compared")
        wrong = [said for said in (self._wrong(*one) for one in self.found) if said]
        if wrong:
            return Outcome(WRONG, wrong[0])
        return Outcome(SAME if all(self._same(*one) for one in self.found) else BOUND)

    def _wrong(self, name: str, got: np.ndarray, want: Rounded) -> str:
        value, given = np.asarray(want.value), got.astype(np.float64)
        if got.shape != value.shape:
            return f"{name} has shape {got.shape}, not {value.shape}"
        off = np.abs(given - value)
        if (off <= want.error + np.abs(value) * want.u).all():  # NaN is never inside
            return ""
        at = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
        return f"{name}{[int(i) for i in at]} is {given[at]:.6g}, not {value[at]:.6g}"

    def _same(self, name: str, got: np.ndarray, want: Rounded) -> bool:
        """Return whether bits agree: with the eager layer's result, or the exact one, rounded once."""
        reference = self.eager.get(name, np.asarray(want.value))
        return bool((got == reference.astype(got.dtype)).all())
