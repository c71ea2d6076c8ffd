"""The trajectories in NumPy: a gradient that looks rows up, and three update rules."""

from collections.abc import Callable

import numpy as np

from tf_emb.parity.case import Arrays

SLOTS: dict[str, tuple[str, ...]] = {"sgd": (), "adam": ("m", "v"), "adagrad": ("accumulator",)}
INITIAL = {"m": "zero", "v": "zero", "accumulator": "initial accumulator"}
State = dict[str, np.ndarray]


def sgd_oracle(x: Arrays) -> State:
    """Follow gradient descent."""
    return outputs(x, sgd, initial(x, "sgd"))


def adam_oracle(x: Arrays) -> State:
    """Follow lazy Adam."""
    return outputs(x, adam, initial(x, "adam"))


def adagrad_oracle(x: Arrays) -> State:
    """Follow lazy Adagrad."""
    return outputs(x, adagrad, initial(x, "adagrad"))


def initial(x: Arrays, name: str) -> State:
    """The drawn table, and slots filled with their initial values."""
    return {"table": x["start table"]} | {s: np.full_like(x["start table"], x[INITIAL[s]]) for s in SLOTS[name]}


def outputs(x: Arrays, rule: Callable[..., None], state: State) -> State:
    """The free run, and one step from each injected state."""
    names, after = list(state), []
    for t in range(len(x["ids"])):
        take_step(x, rule, state, t)
    for i, t in enumerate(x["state step"]):
        after.append({k: x[f"state {k}"][i].copy() for k in names})
        take_step(x, rule, after[-1], int(t))
    free = {f"{k}, free run": state[k] for k in names}
    return free | {f"{k}, one step": np.stack([s[k] for s in after]) for k in names}


def take_step(x: Arrays, rule: Callable[..., None], state: State, t: int) -> None:
    """Apply `rule` to the rows of batch `t`, with the gradient of each row: row - target, summed over its places."""
    ids = x["ids"][t]
    updates = state["table"][ids] - x["target"][t]
    rows = np.unique(ids)
    g = coalesce(state, ids, updates)[rows]
    squares = g**2
    for k in state:
        state[k] = state[k].copy()
    rule(x, state, rows, g, squares, t + 1)


def coalesce(state: State, ids: np.ndarray, updates: np.ndarray) -> np.ndarray:
    """Sum the gradients of equal ids."""
    total = np.zeros_like(state["table"])
    np.add.at(total, ids, updates)
    return total


def sgd(x: Arrays, state: State, rows: np.ndarray, g: np.ndarray, squares: np.ndarray, t: int) -> None:
    """w -= lr g."""
    state["table"][rows] -= x["rate"] * g


def adam(x: Arrays, state: State, rows: np.ndarray, g: np.ndarray, squares: np.ndarray, t: int) -> None:
    """Moving averages and a bias-corrected step of `rows` alone; t counts batches, from 1."""
    b1, b2 = x["beta_1"], x["beta_2"]
    m = b1 * state["m"][rows] + (1 - b1) * g
    v = b2 * state["v"][rows] + (1 - b2) * squares
    state["m"][rows], state["v"][rows] = m, v
    rate = x["rate"] * np.sqrt(-np.expm1(t * np.log(b2))) / -np.expm1(t * np.log(b1))  # expm1: 1 - b^t, not cancelled
    state["table"][rows] -= rate * m / (np.sqrt(v) + x["epsilon"])


def adagrad(x: Arrays, state: State, rows: np.ndarray, g: np.ndarray, squares: np.ndarray, t: int) -> None:
    """a += g^2; w -= lr g / (sqrt(a) + eps)."""
    a = state["accumulator"][rows] + squares
    state["accumulator"][rows] = a
    state["table"][rows] -= x["rate"] * g / (np.sqrt(a) + x["epsilon"])


RULES = {"sgd": sgd, "adam": adam, "adagrad": adagrad}
