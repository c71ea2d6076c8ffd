"""How often every walk of four nodes is drawn, by the formula, and how far a count may stray from that.

P(x | t, v) = alpha w(v, x) / sum_y alpha w(v, y), alpha = 1 / p for x = t, 1 for an edge from t to x, 1 / q otherwise
(Grover and Leskovec 2016, section 3.2.2). Where no edge leads on, a walk ends: END, the last index of every axis,
follows.
"""

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.dtypes import unit_roundoff

PASSES, LENGTH = 1 << 13, 4
RISK = 1e-9
# Some generators draw uniform numbers of only 24 bits: the relative error of a step's probability.
COARSE = 2.0**-16


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Probabilities of steps, expected counts of walks, and how the starts are distributed."""
    steps, biased, unbiased = [], [], []
    for w in x["weights"]:
        unbiased.append(PASSES * chances(w, 1, 1))
        for p, q in zip(x["p"], x["q"], strict=True):
            steps.append(second_order(w, p, q))
            biased.append(PASSES * chances(w, p, q))
    (graphs, nodes, _), settings = x["weights"].shape, len(x["p"])
    walks = np.stack(biased, 1).reshape(-1, graphs, settings)
    return {
        "steps in a table": np.stack(steps).reshape(graphs, settings, nodes, nodes, nodes),
        "walks by a table": walks,
        "walks by rejection": walks,
        "walks of DeepWalk": np.stack(unbiased, 1),
        "starts": np.full((graphs, nodes), PASSES),
        "places of starts": np.full((graphs, nodes, nodes), PASSES / nodes, x["weights"].dtype),
    }


def chances(w: np.ndarray, p: float, q: float) -> np.ndarray:
    """The probability of every walk, given its start; shape ((nodes + 1)^LENGTH,), the last node varying fastest."""
    first, second = ended(first_order(w)), ended(second_order(w, p, q))
    first[-1] = 0  # no walk starts at END
    return np.einsum("ab,abc,bcd->abcd", first, second, second).ravel()


def ended(steps: np.ndarray) -> np.ndarray:
    """The same steps with END as one more node, to which a walk goes that cannot go on."""
    out = np.pad(steps, [(0, 1)] * steps.ndim)
    out[..., -1] = out.sum(axis=-1) == 0
    return out


def first_order(w: np.ndarray) -> np.ndarray:
    """Each row over its sum; rows of zeros stay."""
    out = np.zeros_like(w)
    for v in range(len(w)):
        if w[v].any():
            out[v] = w[v] / w[v].sum()
    return out


def second_order(w: np.ndarray, p: float, q: float) -> np.ndarray:
    """P(x | t, v) for every edge (t, v)."""
    out = np.zeros((*w.shape, len(w)), w.dtype)
    for t, v in np.argwhere(w):
        scores = np.zeros_like(w[v])
        for y in np.flatnonzero(w[v]):
            if y == t:
                scores[y] = w[v, y] / p
            elif w[t, y]:
                scores[y] = w[v, y]
            else:
                scores[y] = w[v, y] / q
        if scores.any():
            out[t, v] = scores / scores.sum()
    return out


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """How far each count may stray: bounds that all hold together with a probability of 1 - RISK.

    The check allows for the oracle's own rounding beside the engine's; there is none here, so its share is taken off.
    """
    counts = {name: n for name, n in oracle(x).items() if name.startswith(("walks", "places"))}
    cells = sum(n.size for n in counts.values())
    share = 1 + unit_roundoff("float64") / u
    return {name: stray(n / PASSES, cells) / share for name, n in counts.items()}


def stray(chance: np.ndarray, cells: int) -> np.ndarray:
    """Bernstein's bound of a binomial count, at a risk of RISK / cells: exp(-d^2 / (2 var + 2 d / 3)) = risk / 2.

    What cannot be, or must be, may not stray at all.
    """
    L = np.log(2 * cells / RISK)
    off = L / 3 + np.sqrt(L**2 / 9 + 2 * L * PASSES * chance * (1 - chance)) + PASSES * chance * (LENGTH - 1) * COARSE
    return np.where((chance > 0) & (chance < 1), off, 0.0)
