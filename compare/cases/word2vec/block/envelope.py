"""How far rounding can carry a step by blocks, term by term of the loss."""

import numpy as np

from compare.cases.word2vec.block.oracle import descend, places, steps, terms
from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, gamma


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """Return the error of the loss, of both gradients and of both tables."""
    exact = np.zeros_like(x["input table"]), np.zeros_like(x["output table"])
    descend(x, *exact)
    loss, of_input, of_output = of_terms(x, u)
    tables = {}
    for name, gradient, error, at in zip(("input", "output"), exact, (of_input, of_output), places(x), strict=True):
        moved = np.abs(steps(x, np.abs(gradient) + error, *at))
        tables[name] = np.abs(steps(x, error, *at)) + gamma(5, u) * moved + u * (np.abs(x[f"{name} table"]) + moved)
    return {"loss": loss, "input gradient": of_input, "output gradient": of_output, **tables}


def of_terms(x: Arrays, u: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the error of the loss and of both gradients."""
    every = list(terms(x))
    sums = [[np.zeros_like(x[name]) for _ in range(3)] for name in ("input table", "output table")]
    loss = size = 0.0
    for context, target, sign, weight in every:
        rows, row = x["input table"][context], x["output table"][target]
        h, magnitude = rows.mean(axis=0), np.abs(rows).mean(axis=0)
        dh = gamma(len(rows) + 2, u) * magnitude if len(rows) > 1 else np.zeros_like(h)
        logit = sign * (row @ h)
        off = np.abs(row) @ dh + gamma(len(h), u) * (np.abs(row) @ (magnitude + dh))
        loss += weight * (off + gamma(2 * FUNCTION, u) * (np.abs(logit) + 1))
        size += weight * (np.log1p(np.exp(-logit)) + off)
        g, dg = weight / (1 + np.exp(logit)), weight * (off / 4 + (FUNCTION + 4) * u)
        add(sums[1], [target], g * dh + dg * (magnitude + dh), (g + dg) * (magnitude + dh))
        share = 1.0 if x["undivided"] else 1 / len(context)
        add(sums[0], context, share * dg * np.abs(row), share * (g + dg) * np.abs(row))
    found = [error + gamma(count + 5, u) * total for error, total, count in sums]
    return np.array([loss + gamma(len(every) + 5, u) * size]), found[0], found[1]


def add(sums: list[np.ndarray], rows: list[int], error: np.ndarray, size: np.ndarray) -> None:
    """Add a term's error and magnitude to the rows that it reaches, and count it there."""
    for total, part in zip(sums, (error, size, np.ones_like(error)), strict=True):
        np.add.at(total, rows, np.broadcast_to(part, (len(rows), len(part))))
