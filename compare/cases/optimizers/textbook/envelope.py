"""Running error analysis of the trajectories: the oracle's steps again, in numbers that carry errors."""

from collections.abc import Callable

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, contract, gamma, scatter_add

TABLES = ("center", "context")
State = dict[str, Rounded]


def trajectory(name: str, x: Arrays, u: float) -> dict[str, np.ndarray]:
    """Return the error of every output of the case `name`: after one step, and along the free run."""
    update, slots = UPDATES[name]
    start = {f"{t} {slot}": x.get(f"initial {slot}", np.zeros(())) for t in TABLES for slot in slots}
    shape = x["center table"].shape
    state = {t: Rounded.exact(x[f"{t} table"], u) for t in TABLES}
    state |= {k: Rounded.exact(np.broadcast_to(value, shape), u) for k, value in start.items()}
    names, snapshots = list(state), []
    for t in range(len(x["center"])):
        state = step(x, state, t, update)
        if t + 1 in x["recorded"]:
            snapshots.append(state)
    errors = {f"{name}, free run": state[name].error for name in names}
    errors |= {f"{t}, free run": np.stack([s[t].error for s in snapshots], axis=1) for t in TABLES}
    return errors | one_step(x, names, update, u)


def one_step(x: Arrays, names: list[str], update: Callable[..., State], u: float) -> dict[str, np.ndarray]:
    """Return the error of one step from each injected state."""
    after = []
    for i, t in enumerate(x["state step"]):
        state = {name: Rounded.exact(x[f"state {name}"][i], u) for name in names}
        after.append(step(x, state, int(t), update))
    return {f"{name}, one step": np.stack([s[name].error for s in after]) for name in names}


def step(x: Arrays, state: State, t: int, update: Callable[..., State]) -> State:
    """Return the state after step `t`."""
    keys = np.concatenate([x["context"][t][:, None], x["noise"][t]], axis=1)
    counted = np.ones(keys.shape, bool)
    counted[:, 1:] = keys[:, 1:] != keys[:, :1]
    h, v = state["center"][x["center"][t]], state["context"][keys]
    error = (contract("bd,bkd->bk", h, v).sigmoid() - np.eye(1, keys.shape[1])).where(counted)
    vocab = len(x["center table"])
    gradient = {
        "center": scatter_add(vocab, x["center"][t], contract("bk,bkd->bd", error, v)),
        "context": scatter_add(vocab, keys, error[:, :, None] * h[:, None, :]),
    }
    after: State = {}
    for table in TABLES:
        after |= update(x, state, table, gradient[table], t)
    return after


def sgd(x: Arrays, state: State, table: str, g: Rounded, t: int) -> State:
    """w - lr g."""
    return {table: state[table] - g * x["rate"]}


def adagrad(x: Arrays, state: State, table: str, g: Rounded, t: int) -> State:
    """The accumulator may be kept with eps in it (torch, reconciled): set, added to and read at that size."""
    slot, eps = f"{table} accumulator", float(x["epsilon"])
    a = state[slot] + g * g
    a = Rounded(a.value, a.error + gamma(3, a.u) * (a.value + eps), a.u)
    return {slot: a, table: state[table] - g * x["rate"] / (a + eps).sqrt()}


def adam(x: Arrays, state: State, table: str, g: Rounded, t: int) -> State:
    """Powers of beta are computed in the dtype by some programs: K u of each."""
    b1, b2 = float(x["beta_1"]), float(x["beta_2"])
    m = state[f"{table} m"].average(g, b1)
    v = state[f"{table} v"].average(g * g, b2)
    p1, p2 = (power(beta, t + 1, g.u) for beta in (b1, b2))
    rate = x["rate"] * (1 - p2).sqrt() / (1 - p1)
    # sqrt(v) / sqrt(1 - b2^t) + eps / sqrt(1 - b2^t), torch's way to write it, rounds twice more.
    root = v.sqrt()
    root = Rounded(root.value, root.error + gamma(2, g.u) * (root.value + root.error), g.u)
    return {f"{table} m": m, f"{table} v": v, table: state[table] - m * rate / (root + float(x["epsilon"]))}


def power(beta: float, t: int, u: float) -> Rounded:
    """beta^t = exp(t log beta), with the error of a library's `pow`: of the value, and of the exponent."""
    value = np.float64(beta) ** t
    return Rounded(np.asarray(value), np.asarray(FUNCTION * u * value * (1 + abs(t * np.log(beta)))), u)


UPDATES: dict[str, tuple[Callable[..., State], tuple[str, ...]]] = {
    "sgd": (sgd, ()),
    "adagrad": (adagrad, ("accumulator",)),
    "adam": (adam, ("m", "v")),
}
