"""The trajectories in NumPy: a gradient that looks rows up, and six update rules."""

from collections.abc import Callable

import numpy as np

from tf_emb.parity.case import Arrays

SLOTS: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("velocity",),
    "adagrad": ("accumulator",),
    "adam": ("m", "v"),
    "adamw": ("m", "v"),
    "rmsprop": ("v",),
}
State = dict[str, np.ndarray]
Rule = Callable[[Arrays, State, np.ndarray, np.ndarray, int], State]


def sgd_trajectory(x: Arrays) -> State:
    """Follow SGD."""
    return outputs(x, sgd, initial(x, "sgd"))


def momentum_trajectory(x: Arrays) -> State:
    """Follow SGD with momentum."""
    return outputs(x, momentum, initial(x, "momentum"))


def adagrad_trajectory(x: Arrays) -> State:
    """Follow Adagrad."""
    return outputs(x, adagrad, initial(x, "adagrad"))


def adam_trajectory(x: Arrays) -> State:
    """Follow Adam."""
    return outputs(x, adam, initial(x, "adam"))


def adamw_trajectory(x: Arrays) -> State:
    """Follow AdamW."""
    return outputs(x, adamw, initial(x, "adamw"))


def rmsprop_trajectory(x: Arrays) -> State:
    """Follow RMSprop."""
    return outputs(x, rmsprop, initial(x, "rmsprop"))


def initial(x: Arrays, name: str) -> State:
    """The drawn table, and slots filled with their initial values."""
    table = x["start table"]
    fill = {"accumulator": x["initial accumulator"]}
    return {"table": table} | {slot: np.full_like(table, fill.get(slot, 0.0)) for slot in SLOTS[name]}


def outputs(x: Arrays, rule: Rule, state: State) -> State:
    """The free run, and one step from each injected state."""
    names, tables = list(state), []
    for t in range(len(x["ids"])):
        state = take_step(x, rule, state, t)
        if t + 1 in x["recorded"]:
            tables.append(state["table"])
    after = [take_step(x, rule, {k: x[f"state {k}"][i] for k in names}, int(t)) for i, t in enumerate(x["state step"])]
    free = {f"{k}, free run": state[k] for k in names} | {"table, free run": np.stack(tables, axis=1)}
    return free | {f"{k}, one step": np.stack([s[k] for s in after]) for k in names}


def take_step(x: Arrays, rule: Rule, state: State, t: int) -> State:
    """Apply `rule` to every row, with the gradient of each: row - target, summed over its places; 0 for padding."""
    ids = x["ids"][t]
    updates = state["table"][ids] - x["target"][t]
    g = coalesce(x, ids, updates)
    squares = g**2
    return rule(x, state, g, squares, t + 1)


def coalesce(x: Arrays, ids: np.ndarray, updates: np.ndarray) -> np.ndarray:
    """Sum the gradients of equal ids into a dense gradient."""
    total = np.zeros_like(x["start table"])
    np.add.at(total, ids, updates)
    if x["padding_idx"] >= 0:
        total[x["padding_idx"]] = 0
    return total


def sgd(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """w -= lr g."""
    return {"table": state["table"] - x["rate"] * g}


def momentum(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """u = mu u - lr g; w += u."""
    u = x["momentum"] * state["velocity"] - x["rate"] * g
    return {"table": state["table"] + u, "velocity": u}


def adagrad(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """a += g^2; w -= lr g / sqrt(a + eps)."""
    a = state["accumulator"] + squares
    return {"table": state["table"] - x["rate"] * g / np.sqrt(a + x["epsilon"]), "accumulator": a}


def adam(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """Moving averages of g and g^2 over every row, and a bias-corrected step."""
    b1, b2 = x["beta_1"], x["beta_2"]
    m = b1 * state["m"] + (1 - b1) * g
    v = b2 * state["v"] + (1 - b2) * squares
    rate = x["rate"] * np.sqrt(1 - b2**t) / (1 - b1**t)
    return {"table": state["table"] - rate * m / (np.sqrt(v) + x["epsilon"]), "m": m, "v": v}


def adamw(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """Every row shrinks by lr times the decay, with a gradient or without; then Adam."""
    decayed = state["table"] - x["rate"] * x["weight decay"] * state["table"]
    return adam(x, {**state, "table": decayed}, g, squares, t)


def rmsprop(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """v = rho v + (1 - rho) g^2; w -= lr g / sqrt(v + eps)."""
    v = x["rho"] * state["v"] + (1 - x["rho"]) * squares
    return {"table": state["table"] - x["rate"] * g / np.sqrt(v + x["epsilon"]), "v": v}


RULES: dict[str, Rule] = {
    "sgd": sgd,
    "momentum": momentum,
    "adagrad": adagrad,
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
}
