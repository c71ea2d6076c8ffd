"""A short training of the linear autoencoder: its draws and its error analysis."""

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import Rounded, contract, gamma

ROWS, FEATURES, DIM, STEPS = 30, 12, 4, 4
WEIGHTS = ("A", "a", "B", "b")
GRADIENTS = tuple(f"dE/d{name}" for name in WEIGHTS)
AFTER = tuple(f"{name} after" for name in WEIGHTS)
State = dict[str, Rounded]


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Rows near a plane, so that there is something to find, and weights, biases among them, as if half trained."""
    plane = rng.normal(size=(ROWS, DIM)) @ rng.normal(size=(DIM, FEATURES)) / 2
    return {
        "rows": plane + rng.normal(size=(ROWS, FEATURES)) / 4 + 0.5,
        "A": rng.normal(size=(FEATURES, DIM)) / 3,
        "a": rng.normal(size=DIM) / 3,
        "B": rng.normal(size=(DIM, FEATURES)) / 2,
        "b": rng.normal(size=FEATURES) / 3,
        "steps": np.array(STEPS),
        "rate": np.array(0.125),
    }


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The same in numbers that carry errors."""
    w = {name: Rounded.exact(x[name], u) for name in WEIGHTS}
    z, y = reconstruct(x, w)
    far = y - x["rows"]
    loss = ((far * far).sum(1).sum(0)) * (1 / x["rows"].size)
    errors = {"code": z.error, "loss": _more(loss, 2).error[None]}
    errors |= {f"dE/d{name}": slope.error for name, slope in gradients(x, w).items()}
    for _ in range(int(x["steps"])):
        w = step(x, w)
    return errors | {f"{name} after": value.error for name, value in w.items()}


def step(x: Arrays, w: State) -> State:
    """One step of gradient descent."""
    slopes = gradients(x, w)
    return {name: w[name] - slopes[name] * float(x["rate"]) for name in w}


def reconstruct(x: Arrays, w: State) -> tuple[Rounded, Rounded]:
    """Code and reconstruction; without biases where there are none."""
    z = contract("nf,fd->nd", Rounded.exact(x["rows"], w["A"].u), w["A"])
    z = z + w["a"][None] if "a" in w else z
    y = contract("nd,df->nf", z, w["B"])
    return z, y + w["b"][None] if "b" in w else y


def gradients(x: Arrays, w: State) -> State:
    """The mean over rows and features may be divided by in one, two or three steps: two roundings more."""
    z, y = reconstruct(x, w)
    g = _more((y - x["rows"]) * (2 / x["rows"].size), 2)
    back = contract("nf,df->nd", g, w["B"])
    rows = Rounded.exact(x["rows"], g.u)
    slopes = {"A": contract("nf,nd->fd", rows, back), "B": contract("nd,nf->df", z, g)}
    return slopes | {name: of.sum(0) for name, of in (("a", back), ("b", g)) if name in w}


def _more(of: Rounded, roundings: int) -> Rounded:
    return Rounded(of.value, of.error + gamma(roundings, of.u) * (np.abs(of.value) + of.error), of.u)
