"""Running error analysis: the oracle's steps again, in numbers that carry errors."""

from collections.abc import Callable

import numpy as np

from compare.cases.optimizers.trajectories.oracle import initial
from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, gamma, scatter_add

State = dict[str, Rounded]


def envelope(x: Arrays, u: float, name: str) -> dict[str, np.ndarray]:
    """Return the error of every output: along the free run, and after each step taken alone."""
    state = {k: Rounded.exact(v, u) for k, v in initial(x, name).items()}
    names, tables, after = list(state), [], []
    for t in range(len(x["ids"])):
        state = step(x, state, t, name)
        if t + 1 in x["recorded"]:
            tables.append(state["table"].error)
    for i, t in enumerate(x["state step"]):
        after.append(step(x, {k: Rounded.exact(x[f"state {k}"][i], u) for k in names}, int(t), name))
    free = {f"{k}, free run": state[k].error for k in names} | {"table, free run": np.stack(tables, axis=1)}
    return free | {f"{k}, one step": np.stack([s[k].error for s in after]) for k in names}


def step(x: Arrays, state: State, t: int, name: str) -> State:
    """The rule on every row, with the gradient of each."""
    w, ids = state["table"], x["ids"][t]
    g = scatter_add(len(w.value), ids, w[ids] - x["target"][t])
    return RULES[name](x, state, g.where(np.arange(len(w.value))[:, None] != x["padding_idx"]), t + 1)


def moved(old: Rounded, new: Rounded, *causes: Rounded) -> Rounded:
    """Keep `old` where every cause is 0 without error: adding 0 changes no bit."""
    still = np.all([(cause.value == 0) & (cause.error == 0) for cause in causes], axis=0)
    return Rounded(np.where(still, old.value, new.value), np.where(still, old.error, new.error), old.u)


def loosened(a: Rounded, roundings: int, shift: float = 0.0) -> Rounded:
    """Count further roundings, of a number that some programs keep with `shift` in it."""
    return Rounded(a.value, a.error + gamma(roundings, a.u) * (np.abs(a.value) + a.error + shift), a.u)


def sgd(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """Rows without a gradient keep every bit."""
    return {"table": moved(state["table"], state["table"] - g * x["rate"], g)}


def momentum(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """torch keeps -u / lr, by a rounded 1 / lr: two roundings more when it is set, and two when it is read."""
    velocity = state["velocity"]
    u = moved(velocity, loosened(loosened(velocity, 2) * x["momentum"] - g * x["rate"], 2), velocity, g)
    return {"table": moved(state["table"], state["table"] + u, u), "velocity": u}


def adagrad(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """torch keeps the accumulator with eps in it: set, added to and read at that size."""
    eps = float(x["epsilon"])
    a = loosened(state["accumulator"] + g * g, 3, eps)
    return {"table": moved(state["table"], state["table"] - g * x["rate"] / (a + eps).sqrt(), g), "accumulator": a}


def adam(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """Powers of beta are computed in the dtype by some programs: K u of each."""
    b1, b2 = float(x["beta_1"]), float(x["beta_2"])
    m = moved(state["m"], state["m"].average(g, b1), state["m"], g)
    v = moved(state["v"], state["v"].average(g * g, b2), state["v"], g)
    p1, p2 = (power(beta, t, g.u) for beta in (b1, b2))
    rate = x["rate"] * (1 - p2).sqrt() / (1 - p1)
    # torch: sqrt(v) / sqrt(1 - b2^t) + eps / sqrt(1 - b2^t), two roundings more.
    new = state["table"] - m * rate / (loosened(v.sqrt(), 2) + float(x["epsilon"]))
    return {"table": moved(state["table"], new, m), "m": m, "v": v}


def adamw(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """torch multiplies by 1 - lr wd, rounded, instead of subtracting: one rounding more."""
    w = state["table"]
    return adam(x, {**state, "table": loosened(w - w * x["weight decay"] * x["rate"], 1)}, g, t)


def rmsprop(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """torch keeps v + eps: set, raised by eps (1 / rho - 1), scaled, added to and read at the size of v + eps / rho."""
    eps, rho = float(x["epsilon"]), float(x["rho"])
    v = loosened(state["v"].average(g * g, rho), 5, eps / rho)
    return {"table": moved(state["table"], state["table"] - g * x["rate"] / (v + eps).sqrt(), g), "v": v}


def power(beta: float, t: int, u: float) -> Rounded:
    """beta^t = exp(t log beta), with the error of a library's `pow`: of the value, and of the exponent."""
    value = np.float64(beta) ** t
    return Rounded(np.asarray(value), np.asarray(FUNCTION * u * value * (1 + abs(t * np.log(beta)))), u)


RULES: dict[str, Callable[[Arrays, State, Rounded, int], State]] = {
    "sgd": sgd,
    "momentum": momentum,
    "adagrad": adagrad,
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
}
