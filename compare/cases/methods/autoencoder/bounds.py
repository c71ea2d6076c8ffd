"""Draws of the linear autoencoder's trainings, and how far rounding can take them.

To the end: with weights w = (A, B), rate r, and H the Hessian of E at exact training's weights, computed weights w + d
obey

    |d'| <= |I - r H| |d| + r M |d|^2 / 2 + rounding of a step                                          (2-norms)

M bounds the third derivative nearby. E = tr((A B - I)^T S (A B - I)) / 2 with S = 2 X^T X / (rows features), so for a
direction of length one |D^3 E| <= 6 |S| |dA B + A dB| |dA dB| <= 3 sqrt(2) |S| max(|A|, |B|), and |D^4 E| <= 3 |S|.
Subspaces of B and B + d differ by at most |d| / (smallest singular value of B - |d|) (Stewart and Sun 1990, *Matrix
Perturbation Theory*, theorem III.3.9). What exact training has left after its steps is added.
"""

import numpy as np

from compare.cases import parameters
from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import Rounded, contract, gamma

WEIGHTS = ("A", "a", "B", "b")
GRADIENTS = tuple(f"dE/d{name}" for name in WEIGHTS)
AFTER = tuple(f"{name} after" for name in WEIGHTS)
State = dict[str, Rounded]


def draw_short(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Rows near a plane, so that there is something to find, and weights, biases among them, as if half trained."""
    rows, features, dim = 30, 12, 4
    plane = rng.normal(size=(rows, dim)) @ rng.normal(size=(dim, features)) / 2
    return {
        "rows": plane + rng.normal(size=(rows, features)) / 4 + 0.5,
        "A": rng.normal(size=(features, dim)) / 3,
        "a": rng.normal(size=dim) / 3,
        "B": rng.normal(size=(dim, features)) / 2,
        "b": rng.normal(size=features) / 3,
        **parameters({"steps": 4, "rate": 0.125}),
    }


def short_envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
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


SPREAD = np.array([1.0, 0.95, 0.9, 0.5, 0.48, 0.46, 0.44, 0.42])  # standard deviations of the components


def draw_converged(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Rows whose first components stand out, and weights about half in their span.

    Weights almost at right angles to one of them would linger at a saddle, and rounding could take them anywhere.
    """
    rows, features, dim = 40, 8, 3
    turn = np.linalg.qr(rng.normal(size=(features, features)))[0]
    sides = np.linalg.qr(rng.normal(size=(rows, features)))[0] * np.sqrt(rows)
    inside, outside = (np.linalg.qr(rng.normal(size=(size, dim)))[0] for size in (dim, features - dim))
    start = turn.T @ np.concatenate([inside, outside]) / np.sqrt(2)
    return {
        "rows": sides * SPREAD @ turn,
        "A": start,
        "B": start.T.copy(),
        **parameters({"dim": dim, "steps": 200, "rate": 3.0}),
    }


def converged_envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The largest error of an entry of the projector."""
    A, B, d = x["A"], x["B"], 0.0
    S = 2 * x["rows"].T @ x["rows"] / x["rows"].size
    rate = float(x["rate"])
    for _ in range(int(x["steps"])):
        after = step(x, {"A": Rounded.exact(A, u), "B": Rounded.exact(B, u)})
        rounding = np.sqrt(sum((of.error**2).sum() for of in after.values()))
        size = max(np.linalg.norm(A, 2), np.linalg.norm(B, 2))
        third = np.linalg.norm(S, 2) * (3 * np.sqrt(2) * size + 3 * d)
        moved = np.abs(1 - rate * np.linalg.eigvalsh(hessian(A, B, S))).max()
        # A step from d away rounds a little differently: by less than as much again while d is small.
        d = moved * d + rate * third * d**2 / 2 + 2 * rounding
        A, B = after["A"].value, after["B"].value
    left = np.linalg.norm(projector(B) - principal(S, len(B)), 2)
    room = np.linalg.svd(B)[1].min() - d
    return {"projector": np.full(S.shape, left + d / room if room > 0 else np.inf) + 8 * u}


def hessian(A: np.ndarray, B: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Second derivatives of E by the entries of A, then of B: slopes along every unit direction."""
    size = A.size
    dA, dB = (
        np.eye(2 * size)[:, part].reshape(-1, *of.shape) for part, of in ((slice(size), A), (slice(size, None), B))
    )
    rest, change = S @ (A @ B - np.eye(len(S))), S @ (dA @ B + A @ dB)
    of_A = change @ B.T + rest @ dB.transpose(0, 2, 1)
    of_B = A.T @ change + dA.transpose(0, 2, 1) @ rest
    return np.concatenate([of_A.reshape(2 * size, -1), of_B.reshape(2 * size, -1)], 1)


def projector(B: np.ndarray) -> np.ndarray:
    """Onto the row space."""
    Q = np.linalg.qr(B.T)[0]
    return Q @ Q.T


def principal(S: np.ndarray, dim: int) -> np.ndarray:
    """Onto the eigenvectors of the largest eigenvalues."""
    V = np.linalg.svd(S)[0][:, :dim]
    return V @ V.T
