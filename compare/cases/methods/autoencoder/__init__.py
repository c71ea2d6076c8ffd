"""The linear autoencoder: its gradient, a short training, and that a long one ends in the subspace of PCA.

    Y = (X A + a) B + b,  E = mean over rows and features of (Y - X)^2,  G = 2 (Y - X) / (rows features)
    dE/dB = Z^T G,  dE/db = sum G,  dE/dA = X^T G B^T,  dE/da = sum G B^T            with Z = X A + a

Baldi and Hornik 1989: every minimum of E has the decoder's rows span the first principal components.
"""

import numpy as np

from compare.cases.methods.autoencoder import bounds, engines
from tf_emb.parity.case import Arrays, Case, Fault, running


def short(x: Arrays) -> dict[str, np.ndarray]:
    """Code, loss and gradients at the start, and the weights after some steps of gradient descent."""
    w = {name: x[name] for name in ("A", "a", "B", "b")}
    z, y = reconstruct(x, w)
    out = {"code": z, "loss": np.array([((y - x["rows"]) ** 2).mean()], y.dtype)}
    out |= {f"dE/d{name}": slope for name, slope in gradients(x, w).items()}
    for _ in range(int(x["steps"])):
        slopes = gradients(x, w)
        w = {name: value - x["rate"] * slopes[name] for name, value in w.items()}
    return out | {f"{name} after": value for name, value in w.items()}


def reconstruct(x: Arrays, w: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Code and reconstruction."""
    z = x["rows"] @ w["A"] + w["a"]
    return z, z @ w["B"] + w["b"]


def gradients(x: Arrays, w: Arrays) -> dict[str, np.ndarray]:
    """The slopes of E."""
    z, y = reconstruct(x, w)
    g = 2 * (y - x["rows"]) / x["rows"].size
    back = g @ w["B"].T
    return {"A": x["rows"].T @ back, "a": back.sum(axis=0), "B": z.T @ g, "b": g.sum(axis=0)}


def subspace(x: Arrays) -> dict[str, np.ndarray]:
    """The projector onto the first principal components, that is, the last eigenvectors."""
    _, vectors = np.linalg.eigh(x["rows"].T @ x["rows"])
    first = vectors[:, -int(x["dim"]) :]
    return {"projector": first @ first.T}


ONCE = "running error analysis: products gamma(terms), each other operation u, errors through their derivatives"
SHORT = Case(
    name="autoencoder",
    claim="The linear autoencoder of a Keras model: code, loss, gradients, and four steps of gradient descent.",
    cite="Baldi and Hornik 1989, equation 1",
    inputs=bounds.draw_short,
    oracle=short,
    impls={"torch": engines.short_torch, "keras-tensorflow": engines.short_keras},
    bounds={name: running(ONCE) for name in ("code", "loss", *bounds.GRADIENTS, *bounds.AFTER)},
    faults={
        "sum over the features": Fault('/ x["rows"].size', '/ len(x["rows"])'),
        "half of the gradient": Fault('2 * (y - x["rows"])', '(y - x["rows"])'),
        "bias of the encoder left out": Fault('@ w["A"] + w["a"]', '@ w["A"]'),
        "tied weights": Fault('g @ w["B"].T', 'g @ w["A"]'),
        "gradient of the encoder at the code": Fault('x["rows"].T @ back', 'x["rows"].T @ back / 2'),
        "bias's gradient a mean": Fault('"b": g.sum(axis=0)', '"b": g.mean(axis=0)'),
        "one step too few": Fault('range(int(x["steps"]))', 'range(int(x["steps"]) - 1)'),
        "a step of ascent": Fault('value - x["rate"]', 'value + x["rate"]'),
    },
    envelope=bounds.short_envelope,
    quick=True,
)
CONVERGED = Case(
    name="autoencoder-pca",
    claim="Trained to the end, the linear autoencoder's decoder spans the subspace of the first principal components.",
    cite="Baldi and Hornik 1989, facts 2 and 4; Golub and Van Loan, section 6.4.3 (principal angles)",
    inputs=bounds.draw_converged,
    oracle=subspace,
    impls={"torch": engines.converged_torch, "keras-tensorflow": engines.converged_keras},
    bounds={
        "projector": running(
            "|P - P*| is the sine of the largest principal angle: what exact training leaves of it, and "
            "|d| / sigma_min(B) of rounding, |d'| = |I - rate H| |d| + rate M |d|^2 / 2 + a step's rounding, in 2-norms"
        )
    },
    faults={
        "a component less": Fault('[:, -int(x["dim"]) :]', '[:, 1 - int(x["dim"]):]'),
        "the last components": Fault('[:, -int(x["dim"]) :]', '[:, :int(x["dim"])]'),
        "features moved off their mean": Fault('x["rows"].T @ x["rows"]', '(x["rows"] + 1).T @ (x["rows"] + 1)'),
        "eigenvectors as rows": Fault("first @ first.T", "vectors[-int(x['dim']):].T @ vectors[-int(x['dim']):]"),
    },
    envelope=bounds.converged_envelope,
)
CASES = [SHORT, CONVERGED]
