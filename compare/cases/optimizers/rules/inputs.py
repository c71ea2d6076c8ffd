"""Draws for the rules of optimizers: a table, ids with repeats, and a gradient that no program rounds."""

import numpy as np

from tf_emb.parity.case import Arrays

STEPS, ROWS, PLACES = 5, 10, 14
# By column. Where a gradient is small, epsilon counts. Powers of two, so that sums over repeated ids stay exact.
SCALES = np.array([1.0, 2.0**-10, 2.0**-20])


def draw(rng: np.random.Generator, scales: np.ndarray = SCALES) -> dict[str, np.ndarray]:
    """Ids below ROWS - 3, so that three rows have no gradient; small integers times powers of two as gradients."""
    ids = np.append(rng.integers(0, ROWS - 3, PLACES - 1), 0)
    ids[:2] = 0
    return {
        "table": rng.choice([-1.0, 1.0], (ROWS, len(scales))) * rng.uniform(0.5, 1.5, (ROWS, len(scales))),
        "ids": ids,
        "upstream": rng.choice([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], (PLACES, len(scales))) * scales,
        "rate": np.array(0.05),
        "rates": 0.05 * np.array([1.0, 0.5, 2.0, 0.7, 1.3]),
        "momentum": np.array(0.9),
        "momentum decay": np.array(0.004),
        "beta_1": np.array(0.9),
        "beta_2": np.array(0.99),
        "rho": np.array(0.95),
        "epsilon": np.array(1e-4),
        "initial accumulator": np.array(0.1),
        "weight decay": np.array(0.05),
    }


def reconcilable(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The same with the momentum decay at which PyTorch's Nadam has Keras' schedule."""
    return draw(rng) | {"momentum decay": np.array(1.0)}


def displacement(x: Arrays, want: Arrays) -> np.ndarray:
    """Return the sum of the steps' sizes: under a constant gradient all steps of an element have one sign."""
    return np.abs(want["table"] - x["table"])
