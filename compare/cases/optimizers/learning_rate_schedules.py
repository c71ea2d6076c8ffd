"""Learning rates that decay exponentially: lr_t = lr r^(t / s), t from 0, the same in both libraries.

Keras computes the power at every step, PyTorch multiplies the last rate by r^(1 / s).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import parameters
from compare.cases.optimizers import KERAS
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Divergence, Fault
from tf_emb.parity.rounding import FUNCTION

STEPS, SIZE = 20, 6


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights, and one gradient for every step."""
    numbers = parameters({"rate": 0.1, "decay rate": 0.7, "decay steps": 4})
    return {"weights": rng.normal(size=SIZE), "gradient": rng.normal(size=SIZE), **numbers}


def draw_halves(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A rate that is halved at every step: no power and no product of it rounds."""
    return draw(rng) | parameters({"decay rate": 0.5, "decay steps": 1})


def rates(x: Arrays) -> np.ndarray:
    """lr r^(t / s) for every step, the first with t = 0."""
    t = np.arange(STEPS) / x["decay steps"]
    return x["rate"] * x["decay rate"] ** t.astype(x["rate"].dtype)


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The rates, and the weights that descend by them."""
    w = x["weights"]
    for rate in rates(x):
        w = w - rate * x["gradient"]
    return {"rates": rates(x), "weights": w}


def oracle_rates(x: Arrays) -> dict[str, np.ndarray]:
    """The rates alone."""
    return {"rates": rates(x)}


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.optim.SGD and ExponentialLR, stepped after the optimizer."""
    import torch

    weights, taken = torch.nn.Parameter(x["weights"].clone()), []
    optimizer = torch.optim.SGD([weights], lr=x["rate"])
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=x["decay rate"] ** (1 / x["decay steps"]))
    for _ in range(STEPS):
        taken.append(optimizer.param_groups[0]["lr"])
        weights.grad = x["gradient"].clone()
        optimizer.step()
        schedule.step()
    return {"rates": torch.tensor(taken, dtype=weights.dtype), "weights": weights}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """keras.optimizers.SGD with ExponentialDecay; NumPy scalars keep keras-schedule-float64 out of this case."""
    import keras

    scalar = np.float64 if keras.config.floatx() == "float64" else float
    return follow(x, scalar(x["rate"]), scalar(x["decay rate"]))


def follow(x: Mapping[str, Any], rate: float, decay_rate: float) -> dict[str, Any]:
    """Descend under the schedule."""
    import keras

    weights, taken = keras.Variable(x["weights"], dtype=keras.config.floatx()), []
    schedule = keras.optimizers.schedules.ExponentialDecay(rate, x["decay steps"], decay_rate)
    optimizer = keras.optimizers.SGD(schedule)
    optimizer.build([weights])
    for _ in range(STEPS):
        taken.append(keras.ops.cast(optimizer.learning_rate, weights.dtype))
        optimizer.apply([x["gradient"]], [weights])
    return {"rates": keras.ops.stack(taken), "weights": weights.value}


def rate_count(x: Arrays) -> np.ndarray:
    """Roundings of every rate.

    Keras: t / s rounds once, K (1 + |t / s log r|) for the power, 2 for the products. PyTorch: K for r^(1 / s), taken t
    times, and t products.
    """
    t = np.arange(STEPS)
    power = (FUNCTION + 1) * (1 + t / x["decay steps"] * np.abs(np.log(x["decay rate"])))
    return np.maximum(power + 2, t * (FUNCTION + 1)) + 1


def weights_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Every rate's own error, one product each, and a weight that is rounded at every step."""
    moved = want["rates"].sum() * np.abs(x["gradient"])
    errors = ((rate_count(x) + 1) * want["rates"]).sum() * np.abs(x["gradient"])
    return STEPS * (np.abs(x["weights"]) + moved) + errors


CASES = [
    Case(
        name="schedule-exponential",
        quick=True,
        claim="Rates that decay exponentially agree, power by power or product by product, counted from 0.",
        cite="keras.optimizers.schedules.ExponentialDecay; torch.optim.lr_scheduler.ExponentialLR",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
        bounds={
            "rates": Bound(rate_count, "max((K + 1) (1 + t / s |log r|) + 2, t (K + 1)) + 1, relative",
                           lambda x, want: want["rates"]),
            "weights": Bound(1, "T (|w| + sum lr |g|) + sum (count of the rate + 1) lr |g|", weights_scale),
        },
        faults={
            "steps counted from 1": Fault("np.arange(STEPS)", "np.arange(1, STEPS + 1)"),
            "by stairs": Fault('/ x["decay steps"]', '// x["decay steps"] * 1.0'),
            "decays at every step": Fault('/ x["decay steps"]', "* 1.0"),
            "inverse time": Fault('* x["decay rate"] **', '/ (1 + x["decay rate"]) **'),
        },
    ),
    Case(
        name="keras-schedule-float64",
        claim="A schedule at float64 starts from its rate at float64.",
        cite="keras.optimizers.schedules.ExponentialDecay: initial_learning_rate",
        inputs=draw_halves,
        oracle=oracle_rates,
        impls={
            "torch": lambda x: {"rates": run_torch(x)["rates"]},
            **dict.fromkeys(KERAS, lambda x: {"rates": follow(x, x["rate"], x["decay rate"])["rates"]}),
        },
        bounds={"rates": EXACT},
        faults={"steps counted from 1": Fault("np.arange(STEPS)", "np.arange(1, STEPS + 1)")},
        diverges={
            "keras-tensorflow": Divergence(
                "Keras on TensorFlow computes a schedule of Python floats at float32, at every dtype",
                "keras/src/optimizers/schedules/learning_rate_schedule.py: ops.convert_to_tensor of the rate",
                'return x["rate"] *', 'return np.float32(x["rate"]) *', at=("float64",),
            )
        },
    ),
]  # fmt: skip
