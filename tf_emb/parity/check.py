"""Turns outputs and bounds into verdicts. NumPy only: no framework takes part in judging another."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tf_emb.parity.dtypes import spacing

SLACK = 1e-3


@dataclass(frozen=True)
class Row:
    """The verdict on one output of one engine at one dtype.

    `status` is one of pass, fail, error (the engine or the harness broke), absent (the engine is not installed),
    n/a (no implementation), diverges (differs exactly as declared), healed (a declared divergence is gone).
    `used` is max |got - want| / allowed, and `index` says where the maximum is.
    """

    case: str
    output: str
    engine: str
    dtype: str
    status: str
    message: str = ""
    used: float | None = None
    index: tuple[int, ...] = ()
    measured: float | None = None
    allowed: float | None = None
    got: float | None = None
    want: float | None = None
    exact: bool = False
    slack: bool = False
    ulp: tuple[float, float, float] | None = None
    rmse: float | None = None
    rmse_ratio: float | None = None

    @property
    def failed(self) -> bool:
        """Whether the row makes the run fail."""
        return self.status in ("fail", "error")

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)


def shape_problem(got: np.ndarray, want: np.ndarray, dtype: str) -> str | None:
    """Return why `got` fails before its values are compared, or None."""
    expected = dtype if want.dtype.kind == "f" else want.dtype.name
    if got.dtype.name != expected:
        return f"dtype must be {expected}; got {got.dtype.name}"
    if got.shape != want.shape:
        return f"shape must be {want.shape}; got {got.shape}"
    if want.dtype.kind != "f":
        return None
    for name, test in (("NaN", np.isnan), ("+inf", np.isposinf), ("-inf", np.isneginf)):
        wrong = np.argwhere(test(got) != test(want))
        if len(wrong):
            return f"{name} must be where the oracle has it; it differs at {_index(wrong[0])}"
    return None


def bound_problem(want: np.ndarray, allowed: np.ndarray) -> str | None:
    """Return why `allowed` proves nothing, or None: it must be finite and smaller than the values."""
    if not np.all(np.isfinite(allowed)) or np.any(allowed < 0):
        return "the bound must be finite and not negative everywhere; it is not, so it proves nothing"
    magnitude = np.abs(want[np.isfinite(want)]).max(initial=0.0)
    if magnitude > 0 and np.median(allowed) >= magnitude:
        return f"the bound (median {np.median(allowed):.1e}) is as large as the values ({magnitude:.1e})"
    return None


def verdict(
    case: str,
    output: str,
    engine: str,
    dtype: str,
    got: np.ndarray,
    want: np.ndarray,
    allowed: np.ndarray,
    baseline: np.ndarray | None = None,
) -> Row:
    """Judge one output.

    Args:
        case: the name of the case.
        output: the name of the output.
        engine: the name of the engine.
        dtype: the dtype under test.
        got: what the engine computed.
        want: what the float64 oracle computed.
        allowed: the largest |got - want| that rounding explains, of the shape of `want`.
        baseline: NumPy's own result at `dtype`, which `rmse_ratio` is relative to.
    """
    problem = shape_problem(got, want, dtype) or bound_problem(want, allowed)
    if problem:
        return Row(case, output, engine, dtype, "fail", problem, exact=not allowed.any())
    finite = np.isfinite(want)
    error = np.zeros(want.shape)
    error[finite] = np.abs(got[finite].astype(np.float64) - want[finite])
    used = _share(error, allowed)
    at = np.unravel_index(int(np.argmax(used)), want.shape) if want.size else ()
    worst = float(used[at]) if want.size else 0.0
    exact = not allowed.any()
    figures: dict[str, Any] = {"used": worst, "exact": exact, "slack": not exact and worst < SLACK}
    if want.size:
        figures |= {
            "index": tuple(map(int, at)),
            "measured": float(error[at]),
            "allowed": float(allowed[at]),
            "got": float(got[at]),
            "want": float(want[at]),
        }
        figures |= _rounding(error[finite], want[finite], dtype, _at(baseline, finite))
    if worst > 1:
        return Row(case, output, engine, dtype, "fail", describe(figures), **figures)
    return Row(case, output, engine, dtype, "pass", **figures)


def describe(figures: Mapping[str, Any]) -> str:
    """Say where a value is wrong, by how much, and how much was allowed."""
    return (
        f"at index {figures['index']}: got {figures['got']!r}, want {figures['want']!r}; "
        f"measured {figures['measured']:.3e}, allowed {figures['allowed']:.3e} ({figures['used']:.3g} times)"
    )


def _share(error: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """error / allowed, where 0 / 0 is 0 and anything else over 0 is infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error == 0, 0.0, error / allowed)


def _rounding(error: np.ndarray, want: np.ndarray, dtype: str, baseline: np.ndarray | None) -> dict[str, Any]:
    """ULP percentiles (50, 99, 100), the root mean square error, and its ratio to NumPy's own."""
    if want.dtype.kind != "f" or not want.size:
        return {}
    with np.errstate(over="ignore"):
        ulp = np.nan_to_num(error / spacing(want, dtype), posinf=np.inf)
    rmse = float(np.sqrt(np.mean(error**2)))
    ratio = None
    if baseline is not None:
        own = float(np.sqrt(np.mean((baseline.astype(np.float64) - want) ** 2)))
        ratio = rmse / own if own > 0 else None
    # No interpolation: next to an infinite value it would give NaN.
    p50, p99, p100 = (float(q) for q in np.percentile(ulp, [50, 99, 100], method="higher"))
    return {"ulp": (p50, p99, p100), "rmse": rmse, "rmse_ratio": ratio}


def _at(baseline: np.ndarray | None, finite: np.ndarray) -> np.ndarray | None:
    return baseline[finite] if baseline is not None and baseline.shape == finite.shape else None


def _index(at: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in at)
