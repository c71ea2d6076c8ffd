"""Running error analysis: the oracle's steps again, in numbers that carry errors."""

import numpy as np

from compare.cases.optimizers.lazy.oracle import initial
from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, gamma, scatter_add


def envelope(x: Arrays, u: float, name: str) -> dict[str, np.ndarray]:
    """Running error analysis of the free run and of each step taken alone."""
    state = {k: Rounded.exact(v, u) for k, v in initial(x, name).items()}
    names, after = list(state), []
    for t in range(len(x["ids"])):
        state = rounded_step(x, state, t, name)
    for i, t in enumerate(x["state step"]):
        injected = {k: Rounded.exact(x[f"state {k}"][i], u) for k in names}
        after.append(rounded_step(x, injected, int(t), name))
    free = {f"{k}, free run": state[k].error for k in names}
    return free | {f"{k}, one step": np.stack([s[k].error for s in after]) for k in names}


def rounded_step(x: Arrays, state: dict[str, Rounded], t: int, name: str) -> dict[str, Rounded]:
    """The rule on every row; rows that the batch does not name keep what they had, without error."""
    ids, w = x["ids"][t], state["table"]
    g = scatter_add(len(w.value), ids, w[ids] - x["target"][t])
    new = ROUNDED[name](x, state, g, t + 1)
    named = np.isin(np.arange(len(w.value)), ids)[:, None]
    return {k: choose(named, new[k], state[k]) for k in state}


def choose(named: np.ndarray, new: Rounded, old: Rounded) -> Rounded:
    """Rows of `new` where named, of `old` elsewhere."""
    return Rounded(np.where(named, new.value, old.value), np.where(named, new.error, old.error), new.u)


def rounded_sgd(x: Arrays, state: dict[str, Rounded], g: Rounded, t: int) -> dict[str, Rounded]:
    """The rule, on every row; a program may write a row back once for each of its c places, as torch does.

    That is c - 1 roundings more, each of at most |w| + lr sum |g|.
    """
    ids, w = x["ids"][t - 1], state["table"]
    places = np.bincount(ids, minlength=len(w.value))[:, None]
    summed = scatter_add(len(w.value), ids, abs_value(w[ids] - x["target"][t - 1]))
    between = np.abs(w.value) + w.error + x["rate"] * (summed.value + summed.error)
    new = w - g * x["rate"]
    return {"table": Rounded(new.value, new.error + gamma(np.maximum(places - 1, 0), g.u) * between, g.u)}


def abs_value(of: Rounded) -> Rounded:
    """|x|, which does not round."""
    return Rounded(np.abs(of.value), of.error, of.u)


def rounded_adam(x: Arrays, state: dict[str, Rounded], g: Rounded, t: int) -> dict[str, Rounded]:
    """The rule, on every row."""
    b1, b2 = float(x["beta_1"]), float(x["beta_2"])
    m, v = state["m"].average(g, b1), state["v"].average(g * g, b2)
    one, two = (correction(beta, t, g.u) for beta in (b1, b2))
    step = m * (two.sqrt() * x["rate"] / one) / (v.sqrt() + float(x["epsilon"]))
    return {"table": state["table"] - step, "m": m, "v": v}


def correction(beta: float, t: int, u: float) -> Rounded:
    """1 - b^t = 1 - e^-z, z = -t log b: off by K u for the logarithm, u for the product, and K u for expm1.

    d(1 - e^-z) = e^-z dz and z e^-z <= 1 - e^-z: what z is off by, relatively, bounds what the correction is.
    """
    value = np.asarray(1 - np.float64(beta) ** t)
    return Rounded(value, (2 * FUNCTION + 1) * u * value, u)


def rounded_adagrad(x: Arrays, state: dict[str, Rounded], g: Rounded, t: int) -> dict[str, Rounded]:
    """The rule, on every row."""
    a = state["accumulator"] + g * g
    return {"table": state["table"] - g * x["rate"] / (a.sqrt() + float(x["epsilon"])), "accumulator": a}


ROUNDED = {"sgd": rounded_sgd, "adam": rounded_adam, "adagrad": rounded_adagrad}
