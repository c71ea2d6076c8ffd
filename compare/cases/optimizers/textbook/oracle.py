"""The trajectories in NumPy: gradient of skip-gram with negative sampling, three update rules."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays

TABLES = ("center", "context")
State = dict[str, np.ndarray]


def sgd_trajectory(x: Arrays, states_at: np.ndarray | None = None) -> State:
    """Follow SGD."""
    return follow(x, sgd, initial(x, {}), states_at)


def adagrad_trajectory(x: Arrays, states_at: np.ndarray | None = None) -> State:
    """Follow Adagrad."""
    return follow(x, adagrad, initial(x, {"accumulator": x["initial accumulator"]}), states_at)


def adam_trajectory(x: Arrays, states_at: np.ndarray | None = None) -> State:
    """Follow Adam."""
    return follow(x, adam, initial(x, {"m": 0.0, "v": 0.0}), states_at)


def initial(x: Arrays, slots: dict[str, Any]) -> State:
    """The drawn tables, and slots filled with their initial values."""
    tables = {table: x[f"{table} table"] for table in TABLES}
    filled = {f"{t} {slot}": np.full_like(tables[t], value) for t in TABLES for slot, value in slots.items()}
    return tables | filled


def follow(x: Arrays, update: Callable[..., None], state: State, states_at: np.ndarray | None) -> State:
    """Run every step; return what is recorded, or the states before the steps `states_at`."""
    snapshots, before = [], []
    for t in range(len(x["center"])):
        if states_at is not None and t in states_at:
            before.append(dict(state))
        take_step(x, update, state, t)
        if t + 1 in x["recorded"]:
            snapshots.append(dict(state))
    if states_at is not None:
        return {name: np.stack([s[name] for s in before]) for name in state}
    out = {f"{name}, free run": state[name] for name in state}
    out |= {f"{table}, free run": np.stack([s[table] for s in snapshots], axis=1) for table in TABLES}
    steps = [one_step(x, update, list(state), i) for i in range(len(x["state step"]))]
    return out | {f"{name}, one step": np.stack([s[name] for s in steps]) for name in state}


def one_step(x: Arrays, update: Callable[..., None], names: list[str], i: int) -> State:
    """Take one step from the i-th injected state."""
    state = {name: x[f"state {name}"][i] for name in names}
    take_step(x, update, state, int(x["state step"][i]))
    return state


def take_step(x: Arrays, update: Callable[..., None], state: State, t: int) -> None:
    """Replace the tables and slots by those after step `t`."""
    for table, (ids, updates) in gradients(x, state, x["center"][t], x["context"][t], x["noise"][t]).items():
        update(x, state, table, ids, updates, t)


def gradients(
    x: Arrays, state: State, center: np.ndarray, context: np.ndarray, noise: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Ids and their gradients, one for each place where a row was used, not yet summed."""
    keys = np.concatenate([context[:, None], noise], axis=1)
    h = state["center"][center]
    v = state["context"][keys]
    s = 1 / (1 + np.exp(-np.einsum("bd,bkd->bk", h, v)))
    target = np.zeros_like(s)
    target[:, 0] = 1
    counted = np.ones_like(s)
    counted[:, 1:] = noise != context[:, None]
    error = counted * (s - target)
    return {
        "center": (center, np.einsum("bk,bkd->bd", error, v)),
        "context": (keys, error[:, :, None] * h[:, None, :]),
    }


def coalesce(x: Arrays, ids: np.ndarray, updates: np.ndarray) -> np.ndarray:
    """Sum the gradients of equal ids into a dense gradient."""
    total = np.zeros_like(x["center table"])
    np.add.at(total, ids, updates)
    return total


def sgd(x: Arrays, state: State, table: str, ids: np.ndarray, updates: np.ndarray, step: int) -> None:
    """w -= lr g."""
    g = coalesce(x, ids, updates)
    state[table] = state[table] - x["rate"] * g


def adagrad(x: Arrays, state: State, table: str, ids: np.ndarray, updates: np.ndarray, step: int) -> None:
    """a += g^2; w -= lr g / sqrt(a + eps)."""
    g, a = coalesce(x, ids, updates), state[f"{table} accumulator"]
    a = a + g**2
    state[f"{table} accumulator"] = a
    state[table] = state[table] - x["rate"] * g / np.sqrt(a + x["epsilon"])


def adam(x: Arrays, state: State, table: str, ids: np.ndarray, updates: np.ndarray, step: int) -> None:
    """Moving averages of g and g^2 over every row, and a bias-corrected step."""
    g, m, v = coalesce(x, ids, updates), state[f"{table} m"], state[f"{table} v"]
    b1, b2 = x["beta_1"], x["beta_2"]
    t = step + 1
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    state[f"{table} m"], state[f"{table} v"] = m, v
    rate = x["rate"] * np.sqrt(1 - b2**t) / (1 - b1**t)
    state[table] = state[table] - rate * m / (np.sqrt(v) + x["epsilon"])
