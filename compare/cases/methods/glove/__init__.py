"""GloVe: co-occurrences, the weighted least squares, their gradients, and AdaGrad steps on many cells.

The oracle counts pairs in plain loops and writes the cells in one formula.
"""

import numpy as np

from compare.cases import text
from compare.cases.methods.glove import engines
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Fault, running
from tf_emb.parity.rounding import FUNCTION, Rounded, gamma, scatter_add


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


WORDS, WINDOW = 40, 4


def draw_counts(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Ids with -1 behind every document; some documents are shorter than a window."""
    vocabulary, documents = text.vocabulary(max_vocab=WORDS), text.lee()
    chosen = [documents[i][: 3 if n % 3 else 120] for n, i in enumerate(rng.choice(len(documents), 12, replace=False))]
    ids = np.concatenate([np.append(vocabulary.encode(document), -1) for document in chosen])
    return {"ids": ids.astype(np.int32), "window": np.array(WINDOW), "vocab": np.array(WORDS), "unit": np.ones(1)}


def count_terms(x: Arrays) -> np.ndarray:
    """No cell is a sum of more terms than there are pairs from either side, and one rounding more."""
    return np.array(2 * WINDOW * len(x["ids"]) + 1)


VOCAB, DIM, CELLS, STEPS = 24, 6, 80, 4
NAMES = ("w", "c", "b", "d")
GRADIENTS = tuple(f"dE/d{name}" for name in NAMES)
AFTER = tuple(f"{name} after" for of in NAMES for name in (of, f"a of {of}"))
State = dict[str, Rounded]


def draw_steps(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Distinct cells in each step, in the order of their rows; rows and columns repeat; some X above x_max."""
    cells = np.sort([rng.choice(VOCAB * VOCAB, CELLS, replace=False) for _ in range(STEPS)])
    return {
        "w": rng.normal(size=(VOCAB, DIM)) / 2,
        "c": rng.normal(size=(VOCAB, DIM)) / 2,
        "b": rng.normal(size=VOCAB) / 2,
        "d": rng.normal(size=VOCAB) / 2,
        "row": (cells // VOCAB).astype(np.int32),
        "column": (cells % VOCAB).astype(np.int32),
        "X": np.exp(rng.normal(size=(STEPS, CELLS)) * 1.5 + 1),
        "x_max": np.array(10.0),
        "alpha": np.array(0.75),
        "rate": np.array(2.0**-4),
    }


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The oracle's steps in numbers that carry errors."""
    s = {name: Rounded.exact(x[name], u) for name in NAMES}
    s |= {f"a of {name}": Rounded.exact(np.ones_like(x[name]), u) for name in NAMES}
    f = bounded_weights(x, u)
    loss, slope = bounded_gradients(x, s, f, 0)
    errors = {"f": f.error, "loss": loss.error[None]} | {f"dE/d{name}": g.error for name, g in slope.items()}
    for step in range(len(x["row"])):
        s = bounded_adagrad(x, s, bounded_gradients(x, s, f, step)[1])
    return errors | {f"{name} after": value.error for name, value in s.items()}


def bounded_weights(x: Arrays, u: float) -> Rounded:
    """A quotient, whose rounding alpha scales, and a power: K (1 + |log|)."""
    value = np.minimum(x["X"] / x["x_max"], 1) ** x["alpha"]
    share = gamma(FUNCTION, u) * (1 + np.abs(np.log(x["X"] / x["x_max"]))) + gamma(2, u)
    return Rounded(value, value * share, u)


def bounded_gradients(x: Arrays, s: State, f: Rounded, step: int) -> tuple[Rounded, State]:
    """The residual is a sum of dim + 3 terms in any order."""
    row, column = x["row"][step], x["column"][step]
    log = np.log(x["X"][step])
    target = Rounded(-log, gamma(FUNCTION, f.u) * np.abs(log), f.u)
    w, c = s["w"][row], s["c"][column]
    terms = [w * c, s["b"][row][:, None], s["d"][column][:, None], target[:, None]]
    value, error = np.concatenate([of.value for of in terms], 1), np.concatenate([of.error for of in terms], 1)
    far = Rounded(value, error, f.u).sum(1)
    e = f[step] * far
    slope = {
        "w": scatter_add(VOCAB, row, e[:, None] * c), "c": scatter_add(VOCAB, column, e[:, None] * w),
        "b": scatter_add(VOCAB, row, e[:, None])[:, 0], "d": scatter_add(VOCAB, column, e[:, None])[:, 0],
    }  # fmt: skip
    return (e * far).sum(0) * 0.5, slope


def bounded_adagrad(x: Arrays, s: State, slope: State) -> State:
    """PyTorch's sum of squares holds 1 / rate^2, which the rate, a power of 2, scales without rounding."""
    after: State = {}
    for name, g in slope.items():
        t = g * (1.0 if name in "bd" else float(x["rate"]))
        held = s[f"a of {name}"] + t * t
        after |= {name: s[name] - t / held.sqrt(), f"a of {name}": held}
    return after


WHY = (
    "running error analysis: log and pow K u, a residual of dim + 3 terms, scatter-adds gamma(c - 1), operations of "
    "AdaGrad u; errors through their derivatives (tf_emb/parity/rounding.py)"
)
COOCCURRENCES = Case(
    name="cooccurrences",
    claim="Which words stand near each other within a sentence, and the sum of 1 / distance over the places.",
    cite="Pennington, Socher and Manning 2014, section 4.2; stanfordnlp/GloVe, src/cooccur.c",
    inputs=draw_counts,
    oracle=counts,
    impls={"torch": engines.counts_torch, "keras-tensorflow": engines.counts_tf_emb},
    bounds={
        "cells": EXACT,
        "values": Bound(
            count_terms, "a sum of n terms 1 / d, each rounded once: gamma(n + 1) X", lambda x, want: want["values"]
        ),
    },
    faults={
        "window one too narrow": Fault("range(1, window + 1)", "range(1, window)"),
        "across the end of a sentence": Fault("if min(ids[p : p + d + 1]) >= 0", "if min(ids[p], ids[p + d]) >= 0"),
        "all distances alike": Fault("1 / d", "1"),
        "context to the right only": Fault("for i, j in (pair, pair[::-1])", "for i, j in (pair,)"),
        "equal words once": Fault("found.get((i, j), 0) + 1 / d", "found.get((i, j), 0) + 1 / d / (1 + (i == j))"),
    },
    quick=True,
)
TRAINING = Case(
    name="glove",
    claim="GloVe's loss and gradients, and vectors, biases and accumulators after AdaGrad steps on many cells.",
    cite="Pennington, Socher and Manning 2014, equations 8 and 9; Duchi, Hazan and Singer 2011",
    inputs=draw_steps,
    oracle=trajectory,
    impls={"torch": engines.steps_torch, "keras-tensorflow": engines.steps_tf_emb, "keras-graph": engines.steps_tf_emb},
    bounds={name: running(WHY) for name in ("f", "loss", *GRADIENTS, *AFTER)},
    faults={
        "weight not cut at x_max": Fault('np.minimum(x["X"] / x["x_max"], 1)', '(x["X"] / x["x_max"])'),
        "weight without its exponent": Fault(' ** x["alpha"]', " ** 1"),
        "bias of the context left out": Fault(' + s["d"][column]', ""),
        "no half in the loss": Fault("(f * far**2).sum() / 2", "(f * far**2).sum()"),
        "gradient twice as large": Fault("e = f * far", "e = 2 * f * far"),
        "repeated rows once": Fault("np.add.at(total, ids, updates)", "total[ids] = updates"),
        "step before the accumulator": Fault("t / np.sqrt(held)", "t / np.sqrt(held - t**2)"),
        "accumulator without the rate": Fault("+ t**2", "+ g**2"),
        "biases at the rate of vectors": Fault('1.0 if name in "bd"', 'x["rate"] if name in "bd"'),
        "contexts' gradient by contexts": Fault('e[:, None] * s["w"][row]', 'e[:, None] * s["c"][row]'),
    },
    envelope=envelope,
    quick=True,
)
CASES = [COOCCURRENCES, TRAINING]
