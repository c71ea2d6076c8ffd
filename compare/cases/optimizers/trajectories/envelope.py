"""Running error analysis: the oracle's steps again, in numbers that carry errors."""

from collections.abc import Callable

import numpy as np

from compare.cases.optimizers.trajectories.oracle import SLOTS, initial, key, steps, tables
from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, contract, gamma, scatter_add

State = dict[str, Rounded]


def envelope(x: Arrays, u: float, name: str) -> dict[str, np.ndarray]:
    """Return the error of every output: along the free run, and after each step taken alone."""
    state = {k: Rounded.exact(v, u) for k, v in initial(x, name).items()}
    names, snapshots, after = list(state), [], []
    for t in range(steps(x)):
        state = step(x, state, t, name)
        if t + 1 in x["recorded"]:
            snapshots.append(state)
    for i, t in enumerate(x["state step"]):
        after.append(step(x, {k: Rounded.exact(x[f"state {k}"][i], u) for k in names}, int(t), name))
    free = {f"{k}, free run": state[k].error for k in names}
    free |= {f"{table}, free run": np.stack([s[table].error for s in snapshots], axis=1) for table in tables(x)}
    return free | {f"{k}, one step": np.stack([s[k].error for s in after]) for k in names}


def step(x: Arrays, state: State, t: int, name: str) -> State:
    """Apply the rule to every row of every table, with the gradient of each row."""
    after: State = {}
    for table, g in (towards_targets if "target" in x else skipgram)(x, state, t).items():
        own = {slot: state[key(table, slot)] for slot in ("table", *SLOTS[name])}
        after |= {key(table, slot): new for slot, new in RULES[name](x, own, g, t + 1).items()}
    return after


def towards_targets(x: Arrays, state: State, t: int) -> State:
    """The gradient of the layer's table; that of the padding row is 0."""
    w, ids = state["table"], x["ids"][t]
    g = scatter_add(len(w.value), ids, w[ids] - x["target"][t])
    return {"table": g.where(np.arange(len(w.value))[:, None] != x["padding_idx"])}


def skipgram(x: Arrays, state: State, t: int) -> State:
    """The gradients of both tables of skip-gram."""
    keys = np.concatenate([x["context"][t][:, None], x["noise"][t]], axis=1)
    counted = np.ones(keys.shape, bool)
    counted[:, 1:] = keys[:, 1:] != keys[:, :1]
    h, v = state["center"][x["center"][t]], state["context"][keys]
    error = (contract("bd,bkd->bk", h, v).sigmoid() - np.eye(1, keys.shape[1])).where(counted)
    vocab = len(x["center table"])
    return {
        "center": scatter_add(vocab, x["center"][t], contract("bk,bkd->bd", error, v)),
        "context": scatter_add(vocab, keys, error[:, :, None] * h[:, None, :]),
    }


def moved(x: Arrays, old: Rounded, new: Rounded, *causes: Rounded) -> Rounded:
    """Keep the layer's `old` where every cause is 0 without error: adding 0 changes no bit.

    The bounds of skip-gram leave room for one more rounding there.
    """
    if "target" not in x:
        return new
    still = np.all([(cause.value == 0) & (cause.error == 0) for cause in causes], axis=0)
    return Rounded(np.where(still, old.value, new.value), np.where(still, old.error, new.error), old.u)


def loosened(a: Rounded, roundings: int, shift: float = 0.0) -> Rounded:
    """Count further roundings, of a number that some programs keep with `shift` in it."""
    return Rounded(a.value, a.error + gamma(roundings, a.u) * (np.abs(a.value) + a.error + shift), a.u)


def sgd(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """Rows without a gradient keep every bit."""
    return {"table": moved(x, state["table"], state["table"] - g * x["rate"], g)}


def momentum(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """torch keeps -u / lr, by a rounded 1 / lr: two roundings more when it is set, and two when it is read."""
    velocity = state["velocity"]
    u = moved(x, velocity, loosened(loosened(velocity, 2) * x["momentum"] - g * x["rate"], 2), velocity, g)
    return {"table": moved(x, state["table"], state["table"] + u, u), "velocity": u}


def adagrad(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """torch keeps the accumulator with eps in it: set, added to and read at that size."""
    eps = float(x["epsilon"])
    a = state["accumulator"] + g * g
    # The bounds of skip-gram count these three roundings at the size of the value alone.
    a = loosened(a, 3, eps) if "target" in x else Rounded(a.value, a.error + gamma(3, a.u) * (a.value + eps), a.u)
    return {"table": moved(x, state["table"], state["table"] - g * x["rate"] / (a + eps).sqrt(), g), "accumulator": a}


def adam(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """Powers of beta are computed in the dtype by some programs: K u of each."""
    b1, b2 = float(x["beta_1"]), float(x["beta_2"])
    m = moved(x, state["m"], state["m"].average(g, b1), state["m"], g)
    v = moved(x, state["v"], state["v"].average(g * g, b2), state["v"], g)
    p1, p2 = (power(beta, t, g.u) for beta in (b1, b2))
    rate = x["rate"] * (1 - p2).sqrt() / (1 - p1)
    # torch: sqrt(v) / sqrt(1 - b2^t) + eps / sqrt(1 - b2^t), two roundings more.
    new = state["table"] - m * rate / (loosened(v.sqrt(), 2) + float(x["epsilon"]))
    return {"table": moved(x, state["table"], new, m), "m": m, "v": v}


def adamw(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """torch multiplies by 1 - lr wd, rounded, instead of subtracting: one rounding more."""
    w = state["table"]
    return adam(x, {**state, "table": loosened(w - w * x["weight decay"] * x["rate"], 1)}, g, t)


def rmsprop(x: Arrays, state: State, g: Rounded, t: int) -> State:
    """torch keeps v + eps: set, raised by eps (1 / rho - 1), scaled, added to and read at the size of v + eps / rho."""
    eps, rho = float(x["epsilon"]), float(x["rho"])
    v = loosened(state["v"].average(g * g, rho), 5, eps / rho)
    return {"table": moved(x, state["table"], state["table"] - g * x["rate"] / (v + eps).sqrt(), g), "v": v}


def power(beta: float, t: int, u: float) -> Rounded:
    """beta^t = exp(t log beta), with the error of a library's `pow`: of the value, and of the exponent."""
    value = np.float64(beta) ** t
    return Rounded(np.asarray(value), np.asarray(FUNCTION * u * value * (1 + abs(t * np.log(beta)))), u)


RULES: dict[str, Callable[[Arrays, State, Rounded, int], State]] = {
    rule.__name__: rule for rule in (sgd, momentum, adagrad, adam, adamw, rmsprop)
}
