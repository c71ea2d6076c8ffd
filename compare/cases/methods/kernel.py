"""Random Fourier features beside PyTorch: the map, its inner products, and the gradient of its inputs.

z = sqrt(2 / D) cos(x W + b);  K = z z^T;  dE/dx = -sqrt(2 / D) (dE/dz sin(x W + b)) W^T.
Rahimi and Recht 2007, algorithm 1.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays, Bound, Case, Fault, running
from tf_emb.parity.engines import KERAS
from tf_emb.parity.rounding import FUNCTION, Rounded, contract, gamma

ROWS, DIM, FEATURES = 40, 8, 96


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Rows of about unit length, frequencies of a narrow kernel, and angles as large as those that come of them."""
    return {
        "x": rng.normal(size=(ROWS, DIM)) / np.sqrt(DIM),
        "frequencies": 2 * rng.normal(size=(DIM, FEATURES)),
        "phases": rng.uniform(0, 2 * np.pi, FEATURES),
        "upstream": rng.normal(size=(ROWS, FEATURES)),
        "angles": np.concatenate([np.linspace(-30, 30, 2001), rng.normal(size=1000)]),
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The map, its inner products, the gradient; and the cosine alone, on which the other bounds rest."""
    D = x["frequencies"].shape[1]
    angle = x["x"] @ x["frequencies"] + x["phases"]
    scale = np.sqrt(np.asarray(2 / D, angle.dtype))
    z = scale * np.cos(angle)
    back = -scale * np.sin(angle) * x["upstream"]
    return {"cosine": np.cos(x["angles"]), "features": z, "kernel": z @ z.T, "gradient": back @ x["frequencies"].T}


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """A linear layer, a cosine, and autograd."""
    import torch

    rows = x["x"].clone().requires_grad_()
    angle = torch.nn.functional.linear(rows, x["frequencies"].T, x["phases"])
    z = (2 / angle.shape[1]) ** 0.5 * torch.cos(angle)
    z.backward(x["upstream"])
    return {"cosine": torch.cos(x["angles"]), "features": z, "kernel": z @ z.T, "gradient": rows.grad}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb's layer on whichever backend runs."""
    import keras

    from tf_emb.methods.kernel import RandomFourierFeatures
    from tf_emb.ops.reductions import product
    from tf_emb.parity.engines.pullback import evaluate, pull_back

    dtype = keras.backend.standardize_dtype(x["x"].dtype)
    layer = RandomFourierFeatures(FEATURES, gamma=1.0, phases="uniform", dtype=dtype)
    layer.build((ROWS, DIM))
    layer.frequencies.assign(x["frequencies"])
    layer.offsets.assign(x["phases"])
    rows = keras.Variable(x["x"], dtype=dtype)
    z, (gradient,) = pull_back(lambda: layer(rows.value), [rows], x["upstream"])
    kernel = evaluate(lambda z: product(z, keras.ops.transpose(z)), z)
    return {"cosine": evaluate(keras.ops.cos, x["angles"]), "features": z, "kernel": kernel, "gradient": gradient}


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The oracle's steps in numbers that carry errors; cosine and sine have slopes of at most 1."""
    ones = np.ones((len(x["x"]), 1))
    # The phase is one more term of the sum, wherever it is added.
    rows = Rounded.exact(np.concatenate([x["x"], ones], axis=1), u)
    W = Rounded.exact(np.concatenate([x["frequencies"], x["phases"][None]]), u)
    angle = contract("nd,dk->nk", rows, W)
    value = np.sqrt(2 / x["frequencies"].shape[1])
    scale = Rounded(np.asarray(value), np.asarray(gamma(2, u) * value), u)
    cosine, sine = (Rounded(f(angle.value), angle.error + gamma(FUNCTION, u), u) for f in (np.cos, np.sin))
    z = cosine * scale
    gradient = contract("nk,dk->nd", sine * scale * x["upstream"], Rounded.exact(x["frequencies"], u))
    return {"features": z.error, "kernel": contract("nk,mk->nm", z, z).error, "gradient": gradient.error}


WHY = "running error analysis: the angle gamma(d + 1), its cosine K u and slope 1, sqrt(2 / D) 2 u, "

CASES = [
    Case(
        name="kernel",
        claim="Random Fourier features, the kernel that their inner products make, and the gradient of the inputs.",
        cite="Rahimi and Recht 2007, Random Features for Large-Scale Kernel Machines, algorithm 1",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
        bounds={
            "cosine": Bound(FUNCTION, "K roundings at the scale of 1", lambda x, want: np.ones_like(want["cosine"])),
            "features": running(WHY + "one product"),
            "kernel": running(WHY + "then D products"),
            "gradient": running(WHY + "then the upstream, and D products"),
        },
        faults={
            "sine for cosine": Fault("scale * np.cos(angle)", "scale * np.sin(angle)"),
            "scaled as if sine and cosine were both there": Fault("2 / D", "1 / D"),
            "phases forgotten": Fault(' + x["phases"]', ""),
            "phases subtracted": Fault(' + x["phases"]', ' - x["phases"]'),
            "gradient not negated": Fault("-scale * np.sin", "scale * np.sin"),
            "gradient of the frequencies' other end": Fault("back @ x", "back[:, ::-1] @ x"),
            "cosine in degrees": Fault('np.cos(x["angles"])', 'np.cos(np.deg2rad(x["angles"]))'),
            "a Laplace kernel instead": Fault("z @ z.T", "np.exp(-np.abs(z[:, None] - z).sum(-1))"),
        },
        envelope=envelope,
        # Keras 3.15's cos rounds float64 to float32 on JAX (keras/src/backend/jax/numpy.py).
        lacks={"keras-jax": ("float64",)},
        quick=True,
    )
]  # fmt: skip
