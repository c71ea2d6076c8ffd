"""The linear autoencoder in NumPy."""

import numpy as np

from tf_emb.parity.case import Arrays


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
