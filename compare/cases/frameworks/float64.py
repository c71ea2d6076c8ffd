"""Keras at float64, where some Python numbers pass through float32 on their way into the optimizer."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import parameters
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Divergence, Fault
from tf_emb.parity.rounding import FUNCTION

STEPS, SIZE = 50, 200


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A vector of weights and one gradient, the same at every step."""
    numbers = {"rate": 0.05, "epsilon": 1e-3, "initial accumulator": 0.1, "beta_1": 0.9, "beta_2": 0.999}
    return {"weights": rng.normal(size=SIZE), "gradient": rng.normal(size=SIZE), **parameters(numbers)}


def adam(x: Arrays) -> dict[str, np.ndarray]:
    """Adam with a constant gradient."""
    w, g, b1, b2 = x["weights"], x["gradient"], x["beta_1"], x["beta_2"]
    m, v = np.zeros_like(g), np.zeros_like(g)
    for t in range(1, STEPS + 1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        power_1, power_2 = b1**t, b2**t
        w = w - x["rate"] * np.sqrt(1 - power_2) / (1 - power_1) * m / (np.sqrt(v) + x["epsilon"])
    return {"weights": w}


def adagrad(x: Arrays) -> dict[str, np.ndarray]:
    """Adagrad's accumulator before the first step."""
    return {"accumulator": np.full_like(x["weights"], x["initial accumulator"])}


def torch_adam(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.optim.Adam, with eps as Keras places it."""
    import torch

    weights = torch.nn.Parameter(x["weights"].clone())
    optimizer = torch.optim.Adam([weights], x["rate"], betas=(x["beta_1"], x["beta_2"]))
    for t in range(1, STEPS + 1):
        optimizer.param_groups[0]["eps"] = x["epsilon"] / (1 - x["beta_2"] ** t) ** 0.5
        weights.grad = x["gradient"].clone()
        optimizer.step()
    return {"weights": weights}


def torch_adagrad(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.optim.Adagrad before its first step."""
    import torch

    weights = torch.nn.Parameter(x["weights"].clone())
    optimizer = torch.optim.Adagrad([weights], initial_accumulator_value=x["initial accumulator"])
    return {"accumulator": optimizer.state[weights]["sum"]}


def keras_adam(x: Mapping[str, Any]) -> dict[str, Any]:
    """keras.optimizers.Adam with Python numbers, and keras.config.floatx() at the dtype under test."""
    import keras

    weights = keras.Variable(x["weights"], dtype=x["weights"].dtype.name)
    optimizer = keras.optimizers.Adam(x["rate"], x["beta_1"], x["beta_2"], epsilon=x["epsilon"])
    optimizer.build([weights])
    for _ in range(STEPS):
        optimizer.apply([x["gradient"]], [weights])
    return {"weights": weights.value}


def keras_adagrad(x: Mapping[str, Any]) -> dict[str, Any]:
    """keras.optimizers.Adagrad before its first step."""
    import keras

    weights = keras.Variable(x["weights"], dtype=x["weights"].dtype.name)
    optimizer = keras.optimizers.Adagrad(initial_accumulator_value=x["initial accumulator"])
    optimizer.build([weights])
    return {"accumulator": optimizer._accumulators[0].value}


def adam_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """In units of u, to first order, with r = |g| sqrt(1 - b2^t), so that a step is at most `rate`.

    After t averages of equal terms m and v are off by 5 t; each correction 1 - b^t by K b^t (1 + |t log b|) / (1 -
    b^t), at most 2 K b / (1 - b); a step adds 12, and one rounding of the weight.
    """
    corrections = 2 * FUNCTION * sum(beta / (1 - beta) for beta in (x["beta_1"], x["beta_2"]))
    steps = STEPS * x["rate"]
    return STEPS * (np.abs(x["weights"]) + steps) + steps * (10 * STEPS + corrections + 12)


CASES = [
    Case(
        name="keras-adam-float64",
        claim="Adam at float64 uses its betas at float64.",
        cite="Kingma and Ba 2015, algorithm 1",
        inputs=draw,
        oracle=adam,
        impls={"torch": torch_adam, "keras-tensorflow": keras_adam},
        bounds={"weights": Bound(1, "t (|w| + t lr) + t lr (10 t + 2 K sum b / (1 - b) + 12)", adam_scale)},
        faults={
            "epsilon inside the root": Fault('np.sqrt(v) + x["epsilon"]', 'np.sqrt(v + x["epsilon"])'),
            "no bias correction of m": Fault(" / (1 - power_1)", ""),
        },
        diverges={
            "keras-tensorflow": Divergence(
                "Keras takes the powers of Python-float betas at float32, even where everything else is float64",
                "keras/src/optimizers/adam.py, update_step: ops.cast(self.beta_1, dtype) starts from a float32 tensor",
                "b1**t, b2**t",
                "float(np.float32(b1)) ** t, float(np.float32(b2)) ** t",
                at=("float64",),
            )
        },
    ),
    Case(
        name="keras-adagrad-float64",
        claim="Adagrad at float64 starts from its initial accumulator at float64.",
        cite="keras.optimizers.Adagrad: initial_accumulator_value",
        inputs=draw,
        oracle=adagrad,
        impls={"torch": torch_adagrad, "keras-tensorflow": keras_adagrad},
        bounds={"accumulator": EXACT},
        faults={"starts at 0": Fault('x["initial accumulator"]', "0")},
        diverges={
            "keras-tensorflow": Divergence(
                "Keras fills a float64 accumulator with the initial value rounded to float32",
                "keras/src/optimizers/adagrad.py, build: initializers.Constant(initial_accumulator_value)",
                'x["initial accumulator"]',
                'np.float32(x["initial accumulator"])',
                at=("float64",),
            )
        },
        quick=True,
    ),
]
