"""How far rounding can carry an exact training: compare/cases/word2vec/descent.py over the oracle's examples."""

import numpy as np

from compare.cases.word2vec.descent import Descent, logistic, softmax
from compare.cases.word2vec.exact.oracle import FIRST, all_keys
from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, gamma


def envelope(x: Arrays, u: float, loss: str, divided: bool) -> dict[str, np.ndarray]:
    """Return the error of the gradients at the start, of every loss, and of both tables at the end."""
    descent = Descent(x["initial input"], x["initial output"], u)
    slopes = softmax if loss == "full-softmax" else logistic
    losses = np.zeros(len(x["target"]))
    every = all_keys(x, loss)
    for p, (keys, label) in enumerate(every):
        ids = x["context"][p][x["context"][p] >= 0]
        losses[p] = loss_error(descent, ids, keys, loss)
        descent.example(ids, [(keys, label)], slopes, float(x["rate"][p]), 1 / len(ids) if divided else 1.0)
    at_start = gradient_errors(x, u, loss, divided)
    return at_start | {"loss": losses, "input": descent.input_error, "output": descent.output_error}


def loss_error(descent: Descent, ids: np.ndarray, keys: np.ndarray, loss: str) -> float:
    """Softplus has slope at most 1 and is 2 K-accurate relative to |u| + 1, and log-sum-exp likewise; then a sum."""
    logits, off = descent.logits(keys, *descent.hidden(ids))
    u = descent.u
    if loss == "full-softmax":
        size = 2 * np.abs(logits).max() + np.log(len(keys)) + 1
        return float(2 * off.max() + gamma(4 * FUNCTION + len(keys), u) * (size + 2 * off.max()))
    return float(off.sum() + gamma(2 * FUNCTION + len(keys), u) * (np.abs(logits) + 1 + off).sum())


def gradient_errors(x: Arrays, u: float, loss: str, divided: bool) -> dict[str, np.ndarray]:
    """Sum over the first examples of each one's error, and gamma(places) of the sum's magnitudes."""
    slopes = softmax if loss == "full-softmax" else logistic
    start = x["initial input"], x["initial output"]
    totals = {name: [np.zeros_like(table) for _ in range(3)] for name, table in zip("io", start, strict=True)}
    for p, (keys, label) in enumerate(all_keys(x, loss)[:FIRST]):
        ids = x["context"][p][x["context"][p] >= 0]
        one = Descent(*start, u)
        h, dh = one.hidden(ids)
        g, dg = slopes(*one.logits(keys, h, dh), label, u)
        rows, share = np.abs(start[1][keys]), 1 / len(ids) if divided else 1.0
        size = (np.abs(g) + dg) @ rows * share
        add(totals["i"], ids, share * dg @ rows + gamma(len(keys) + len(ids) + 3, u) * size, size)
        size = np.outer(np.abs(g) + dg, np.abs(h) + dh)
        add(totals["o"], keys, np.outer(np.abs(g), dh) + np.outer(dg, np.abs(h) + dh) + gamma(2, u) * size, size)
    found = {name: error + gamma(places, u) * size for name, (error, size, places) in totals.items()}
    return {"input gradient": found["i"], "output gradient": found["o"]}


def add(total: list[np.ndarray], rows: np.ndarray, error: np.ndarray, size: np.ndarray) -> None:
    """Add an example's error and magnitude to the rows that it reaches, and count the places."""
    for table, part in zip(total, (error, size, np.ones_like(error)), strict=True):
        np.add.at(table, rows, part)
