"""GloVe in NumPy: pairs in plain loops, cells in one formula."""

import numpy as np

from tf_emb.parity.case import Arrays


def counts(x: Arrays) -> dict[str, np.ndarray]:
    """Cells as row vocab + column, in order, and their values."""
    ids, window, found = x["ids"].tolist(), int(x["window"]), dict[tuple[int, int], float]()
    for d in range(1, window + 1):
        for p in range(len(ids) - d):
            if min(ids[p : p + d + 1]) >= 0:
                pair = ids[p], ids[p + d]
                for i, j in (pair, pair[::-1]):
                    found[i, j] = found.get((i, j), 0) + 1 / d
    cells = sorted(found)
    keys = np.array([i * int(x["vocab"]) + j for i, j in cells], np.int64)
    return {"cells": keys, "values": np.array([found[cell] for cell in cells], x["unit"].dtype)}


def trajectory(x: Arrays) -> dict[str, np.ndarray]:
    """Weights, loss and gradients of the first step, and the state after the last."""
    s = {name: x[name] for name in "wcbd"} | {f"a of {name}": np.ones_like(x[name]) for name in "wcbd"}
    loss, slope = gradients(x, s, 0)
    out = {"f": weights(x), "loss": np.array([loss], x["w"].dtype)}
    out |= {f"dE/d{name}": g for name, g in slope.items()}
    for step in range(len(x["row"])):
        _, slope = gradients(x, s, step)
        s = adagrad(x, s, slope)
    return out | {f"{name} after": value for name, value in s.items()}


def weights(x: Arrays) -> np.ndarray:
    """f(X)."""
    return np.minimum(x["X"] / x["x_max"], 1) ** x["alpha"]


def gradients(x: Arrays, s: Arrays, step: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The loss of one step's cells, and dense slopes."""
    row, column, f = x["row"][step], x["column"][step], weights(x)[step]
    u = (s["w"][row] * s["c"][column]).sum(axis=1) + s["b"][row] + s["d"][column]
    far = u - np.log(x["X"][step])
    e = f * far
    return (f * far**2).sum() / 2, {
        "w": summed(s["w"], row, e[:, None] * s["c"][column]),
        "c": summed(s["c"], column, e[:, None] * s["w"][row]),
        "b": summed(s["b"], row, e),
        "d": summed(s["d"], column, e),
    }


def summed(like: np.ndarray, ids: np.ndarray, updates: np.ndarray) -> np.ndarray:
    """Scatter-add."""
    total = np.zeros_like(like)
    np.add.at(total, ids, updates)
    return total


def adagrad(x: Arrays, s: Arrays, slope: Arrays) -> dict[str, np.ndarray]:
    """One step; biases learn at rate 1."""
    after = {}
    for name, g in slope.items():
        t = (1.0 if name in "bd" else x["rate"]) * g
        held = s[f"a of {name}"] + t**2
        after[name], after[f"a of {name}"] = s[name] - t / np.sqrt(held), held
    return after
