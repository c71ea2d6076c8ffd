"""Draws of GloVe's steps, and their running error analysis."""

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, gamma, scatter_add

VOCAB, DIM, CELLS, STEPS = 24, 6, 80, 4
NAMES = ("w", "c", "b", "d")
GRADIENTS = tuple(f"dE/d{name}" for name in NAMES)
AFTER = tuple(f"{name} after" for of in NAMES for name in (of, f"a of {of}"))
State = dict[str, Rounded]


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Distinct cells in each step, in the order of their rows; rows and columns repeat; some X above x_max."""
    cells = np.sort([rng.choice(VOCAB * VOCAB, CELLS, replace=False) for _ in range(STEPS)])
    return {
        "w": rng.normal(size=(VOCAB, DIM)) / 2, "c": rng.normal(size=(VOCAB, DIM)) / 2,
        "b": rng.normal(size=VOCAB) / 2, "d": rng.normal(size=VOCAB) / 2,
        "row": (cells // VOCAB).astype(np.int32), "column": (cells % VOCAB).astype(np.int32),
        "X": np.exp(rng.normal(size=(STEPS, CELLS)) * 1.5 + 1),
        "x_max": np.array(10.0), "alpha": np.array(0.75), "rate": np.array(2.0**-4),
    }  # fmt: skip


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The oracle's steps in numbers that carry errors."""
    s = {name: Rounded.exact(x[name], u) for name in NAMES}
    s |= {f"a of {name}": Rounded.exact(np.ones_like(x[name]), u) for name in NAMES}
    f = weights(x, u)
    loss, slope = gradients(x, s, f, 0)
    errors = {"f": f.error, "loss": loss.error[None]} | {f"dE/d{name}": g.error for name, g in slope.items()}
    for step in range(len(x["row"])):
        s = adagrad(x, s, gradients(x, s, f, step)[1])
    return errors | {f"{name} after": value.error for name, value in s.items()}


def weights(x: Arrays, u: float) -> Rounded:
    """A quotient, whose rounding alpha scales, and a power: K (1 + |log|)."""
    value = np.minimum(x["X"] / x["x_max"], 1) ** x["alpha"]
    share = gamma(FUNCTION, u) * (1 + np.abs(np.log(x["X"] / x["x_max"]))) + gamma(2, u)
    return Rounded(value, value * share, u)


def gradients(x: Arrays, s: State, f: Rounded, step: int) -> tuple[Rounded, State]:
    """The residual is a sum of dim + 3 terms in any order."""
    row, column = x["row"][step], x["column"][step]
    log = np.log(x["X"][step])
    target = Rounded(-log, gamma(FUNCTION, f.u) * np.abs(log), f.u)
    w, c = s["w"][row], s["c"][column]
    terms = [w * c, s["b"][row][:, None], s["d"][column][:, None], target[:, None]]
    value, error = np.concatenate([of.value for of in terms], 1), np.concatenate([of.error for of in terms], 1)
    far = Rounded(value, error, f.u).sum(1)
    e = f[step] * far
    slope = {
        "w": scatter_add(VOCAB, row, e[:, None] * c), "c": scatter_add(VOCAB, column, e[:, None] * w),
        "b": scatter_add(VOCAB, row, e[:, None])[:, 0], "d": scatter_add(VOCAB, column, e[:, None])[:, 0],
    }  # fmt: skip
    return (e * far).sum(0) * 0.5, slope


def adagrad(x: Arrays, s: State, slope: State) -> State:
    """PyTorch's sum of squares holds 1 / rate^2, which the rate, a power of 2, scales without rounding."""
    after: State = {}
    for name, g in slope.items():
        t = g * (1.0 if name in "bd" else float(x["rate"]))
        held = s[f"a of {name}"] + t * t
        after |= {name: s[name] - t / held.sqrt(), f"a of {name}": held}
    return after
