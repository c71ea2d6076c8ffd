"""The rules in NumPy, for a gradient that is the same at every step; each case passes its own arguments.

Drawn are a table, ids with repeats, and a gradient that no program rounds.
"""

import numpy as np

from compare.cases import parameters
from tf_emb.parity.case import Arrays

STEPS, ROWS, PLACES = 5, 10, 14
# By column. Where a gradient is small, epsilon counts. Powers of two, so that sums over repeated ids stay exact.
SCALES = np.array([1.0, 2.0**-10, 2.0**-20])
NUMBERS = {
    "rate": 0.05, "momentum": 0.9, "momentum decay": 0.004, "beta_1": 0.9, "beta_2": 0.99, "rho": 0.95,
    "epsilon": 1e-4, "initial accumulator": 0.1, "weight decay": 0.05,
}  # fmt: skip


def draw(rng: np.random.Generator, scales: np.ndarray = SCALES) -> dict[str, np.ndarray]:
    """Ids below ROWS - 3, so that three rows have no gradient; small integers times powers of two as gradients."""
    ids = np.append(rng.integers(0, ROWS - 3, PLACES - 1), 0)
    ids[:2] = 0
    return {
        "table": rng.choice([-1.0, 1.0], (ROWS, len(scales))) * rng.uniform(0.5, 1.5, (ROWS, len(scales))),
        "ids": ids,
        "upstream": rng.choice([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], (PLACES, len(scales))) * scales,
        "rates": 0.05 * np.array([1.0, 0.5, 2.0, 0.7, 1.3]),
        **parameters(NUMBERS),
    }


def reconcilable(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The same with the momentum decay at which PyTorch's Nadam has Keras' schedule."""
    return draw(rng) | parameters({"momentum decay": 1.0})


Out = dict[str, np.ndarray]
Number = np.ndarray | float


def gradient(x: Arrays) -> np.ndarray:
    """Sum of the upstream gradients over the places of each row."""
    total = np.zeros_like(x["table"])
    np.add.at(total, x["ids"], x["upstream"])
    return total


def sgd(x: Arrays, rate: Number) -> Out:
    """w -= lr g."""
    w, g = x["table"], gradient(x)
    for _ in range(STEPS):
        w = w - rate * g
    return {"table": w}


def momentum(x: Arrays, kept_in_rate: bool) -> Out:
    """u = mu u - lr g; w += u. Kept without its rate, the velocity is rescaled whenever the rate changes."""
    w, g = x["table"], gradient(x)
    u, before = np.zeros_like(w), x["rates"][0]
    for rate in x["rates"]:
        u = x["momentum"] * (1 if kept_in_rate else rate / before) * u - rate * g
        w, before = w + u, rate
    return {"table": w, "velocity": u}


def adagrad(x: Arrays, rate: Number, start: Number, inside: Number, outside: Number) -> Out:
    """a += g^2; w -= lr g / (sqrt(a + inside) + outside)."""
    w, g = x["table"], gradient(x)
    a = np.full_like(w, start)
    for _ in range(STEPS):
        a = a + g**2
        w = w - rate * g / (np.sqrt(a + inside) + outside)
    return {"table": w, "accumulator": a}


def rmsprop(x: Arrays, rate: Number, rho: Number, inside: Number, outside: Number) -> Out:
    """v = rho v + (1 - rho) g^2; w -= lr g / (sqrt(v + inside) + outside)."""
    w, g = x["table"], gradient(x)
    v = np.zeros_like(w)
    for _ in range(STEPS):
        v = rho * v + (1 - rho) * g**2
        w = w - rate * g / (np.sqrt(v + inside) + outside)
    return {"table": w, "v": v}


def adam(x: Arrays, rate: Number, b1: Number, b2: Number, before: Number, after: Number, decay: Number = 0.0) -> Out:
    """Adam with an epsilon before the bias correction, one after it, and decoupled weight decay."""
    w, g = x["table"], gradient(x)
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, STEPS + 1):
        w = w - rate * decay * w
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        correction = (1 - b2**t) ** 0.5
        w = w - rate * correction / (1 - b1**t) * m / (np.sqrt(v) + before + after * correction)
    return {"table": w}


def adadelta(x: Arrays, rate: Number, rho: Number, epsilon: Number) -> Out:
    """a = rho a + (1 - rho) g^2; s = sqrt(d + eps) / sqrt(a + eps) g; d = rho d + (1 - rho) s^2; w -= lr s."""
    w, g = x["table"], gradient(x)
    a, d = np.zeros_like(w), np.zeros_like(w)
    for _ in range(STEPS):
        a = rho * a + (1 - rho) * g**2
        step = np.sqrt(d + epsilon) / np.sqrt(a + epsilon) * g
        d = rho * d + (1 - rho) * step**2
        w = w - rate * step
    return {"table": w, "squares": a, "squared steps": d}


def nadam(x: Arrays, rate: Number, b1: Number, b2: Number, epsilon: Number, decay: Number, base: Number) -> Out:
    """Nesterov's momentum in Adam: mu_t = b1 (1 - base^(decay t) / 2), in the product with base 0.96."""
    w, g = x["table"], gradient(x)
    m, v = np.zeros_like(w), np.zeros_like(w)
    product: Number = 1.0
    for t in range(1, STEPS + 1):
        mu, following = (b1 * (1 - base ** (decay * s) / 2) for s in (t, t + 1))
        product = product * b1 * (1 - 0.96 ** (decay * t) / 2)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        ahead = following * m / (1 - product * following) + (1 - mu) * g / (1 - product)
        w = w - rate * ahead / (np.sqrt(v / (1 - b2**t)) + epsilon)
    return {"table": w}


def momentum_rate(x: Arrays) -> Out:
    """Sutskever et al.: the velocity has its rates in it."""
    return momentum(x, kept_in_rate=True)


def adagrad_epsilon(x: Arrays) -> Out:
    """Epsilon under the root."""
    return adagrad(x, x["rate"], x["initial accumulator"], inside=x["epsilon"], outside=0.0)


def rmsprop_epsilon(x: Arrays) -> Out:
    """Epsilon under the root."""
    return rmsprop(x, x["rate"], x["rho"], inside=x["epsilon"], outside=0.0)


def adam_epsilon(x: Arrays) -> Out:
    """Epsilon before the bias correction."""
    return adam(x, x["rate"], x["beta_1"], x["beta_2"], before=x["epsilon"], after=0.0)


def adadelta_equal(x: Arrays) -> Out:
    """The same arguments for all."""
    return adadelta(x, x["rate"], x["rho"], x["epsilon"])


def nadam_schedule(x: Arrays) -> Out:
    """Dozat's schedule, 0.96^(t / 250), where the momentum decay is 0.004."""
    return nadam(x, x["rate"], x["beta_1"], x["beta_2"], x["epsilon"], decay=x["momentum decay"], base=0.96)


def only_table(out: Out) -> Out:
    """The table without the optimizer's state."""
    return {"table": out["table"]}


# What Keras takes where it is given nothing.
def sgd_defaults(x: Arrays) -> Out:
    """keras.optimizers.SGD()."""
    return sgd(x, rate=0.01)


def adagrad_defaults(x: Arrays) -> Out:
    """keras.optimizers.Adagrad()."""
    return only_table(adagrad(x, rate=0.001, start=0.1, inside=1e-7, outside=0.0))


def rmsprop_defaults(x: Arrays) -> Out:
    """keras.optimizers.RMSprop()."""
    return only_table(rmsprop(x, rate=0.001, rho=0.9, inside=1e-7, outside=0.0))


def adam_defaults(x: Arrays) -> Out:
    """keras.optimizers.Adam()."""
    return adam(x, rate=0.001, b1=0.9, b2=0.999, before=1e-7, after=0.0)


def adamw_defaults(x: Arrays) -> Out:
    """keras.optimizers.AdamW()."""
    return adam(x, rate=0.001, b1=0.9, b2=0.999, before=1e-7, after=0.0, decay=0.004)


def adadelta_defaults(x: Arrays) -> Out:
    """keras.optimizers.Adadelta()."""
    return only_table(adadelta(x, rate=0.001, rho=0.95, epsilon=1e-7))
