"""Held-out likelihood: skip-gram under the full softmax on real text, every pair weighted by its distance.

-log p(o | i) = log sum_j exp(v'_j . v_i + b_j) - v'_o . v_i - b_o; the mean over pairs with the weights
(window - distance + 1) / window. Mikolov et al. 2013, "Efficient Estimation", section 3.2; Rong 2014, equation 4.

The oracle goes from place to place; the library, from distance to distance, with one sum for all places of a word;
PyTorch takes cross-entropies of all pairs at once.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import text
from tf_emb.parity.case import Arrays, Bound, Case, Fault
from tf_emb.parity.rounding import FUNCTION

VOCAB, DIM, WORDS, WINDOW = 120, 16, 300, 4


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A passage cut into sentences of uneven length, one of a single word and an empty one; tables as if trained."""
    ids = text.passage(rng, WORDS, VOCAB).astype(np.int32)
    ends = np.cumsum(rng.integers(3, 15, WORDS // 8))
    ids[ends[ends < WORDS]] = -1
    ids[[2, 40, 41, 60, 62, -1]] = -1
    frequency = text.vocabulary(VOCAB).counts / text.vocabulary(VOCAB).counts.sum()
    table = rng.normal(size=(VOCAB, DIM)) / 2
    return {
        "input table": table,
        "output table": rng.normal(size=(VOCAB, DIM)) / 4 + learned(ids, table),
        "log prior": 0.75 * np.log(frequency),
        "ids": ids,
        "window": np.array(WINDOW),
    }


def learned(ids: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Of every word, the rows of the words before it less its own: it is likeliest after them, and hardly after itself.

    The loss then depends on distance and direction, and on whether a sentence ends between: else a fault that counts
    other pairs would be seen by chance alone.
    """
    rows, seen = np.zeros_like(table), np.ones(len(table))
    follows = (ids[:-1] >= 0) & (ids[1:] >= 0)
    np.add.at(rows, ids[1:][follows], table[ids[:-1][follows]])
    np.add.at(seen, ids[1:][follows], 1)
    return rows / np.sqrt(seen)[:, None] - table / 2


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The mean over pairs, without a prior and with one."""
    found = list(pairs(x["ids"], int(x["window"])))
    return {"flat": mean(x, found, 0 * x["log prior"]), "with prior": mean(x, found, x["log prior"])}


def pairs(ids: np.ndarray, window: int) -> Any:
    """Every centre, context and weight, from the definition of a window."""
    for t in range(len(ids)):
        for m in range(max(0, t - window), min(len(ids), t + window + 1)):
            if m != t and (ids[min(t, m) : max(t, m) + 1] >= 0).all():
                yield ids[t], ids[m], (window - abs(m - t) + 1) / window


def mean(x: Arrays, found: Any, prior: np.ndarray) -> np.ndarray:
    """The weighted mean of -log p(o | i), shape (1,)."""
    total = weights = x["input table"].dtype.type(0)
    for i, o, weight in found:
        logits = x["output table"] @ x["input table"][i] + prior
        total += weight * (np.log(np.exp(logits).sum()) - logits[o])
        weights += weight
    return np.array([total / weights])


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Cross-entropy of the logits of all (place, place) pairs, masked."""
    import torch
    from torch.nn.functional import cross_entropy

    ids, window, table = x["ids"].long(), x["window"], x["input table"]
    place = torch.arange(len(ids), device=ids.device)
    distance, sentence = (place[:, None] - place[None, :]).abs(), (ids < 0).cumsum(0)
    near = (distance > 0) & (distance <= window) & (sentence[:, None] == sentence[None, :])
    t, m = (near & (ids >= 0)[:, None] & (ids >= 0)[None, :]).nonzero(as_tuple=True)
    weight = (window + 1 - distance[t, m]).to(table.dtype) / window
    logits = table[ids[t]] @ x["output table"].T
    return {
        name: ((cross_entropy(u, ids[m], reduction="none") * weight).sum() / weight.sum())[None]
        for name, u in (("flat", logits), ("with prior", logits + x["log prior"]))
    }


def run_tensorflow(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.word2vec.likelihood.log_likelihood."""
    import tensorflow as tf

    from tf_emb.word2vec.likelihood import log_likelihood

    tables, rest = (x["input table"], x["output table"]), {"ids": x["ids"].numpy(), "window": x["window"]}
    found = {
        "flat": log_likelihood(*tables, **rest),
        "with prior": log_likelihood(*tables, **rest, log_prior=x["log prior"]),
    }
    return {name: tf.constant([value], tables[0].dtype) for name, value in found.items()}


def scale(x: Arrays, want: Arrays, prior: np.ndarray) -> np.ndarray:
    """In units of u, to first order: the mean over pairs of what a pair may be off, and the mean's own rounding.

    D_j = (d + 1) (|v'_j| . |v_i| + |b_j|) bounds a logit's error. A log-sum-exp is off by at most max D, its slopes
    being probabilities; 2 max |u| where the largest is taken off and added back; K + V for exp, and the sum of V terms;
    K (log V + max |u|) for log, which is at most log V after the largest is taken off. Then one subtraction.
    """
    weights, off = [], []
    for i, o, weight in pairs(x["ids"], int(x["window"])):
        size = np.abs(x["output table"]) @ np.abs(x["input table"][i]) + np.abs(prior)
        logits = x["output table"] @ x["input table"][i] + prior
        largest, error = np.abs(logits).max(), (DIM + 1) * size
        own = 2 * largest + FUNCTION + VOCAB + FUNCTION * (np.log(VOCAB) + largest)
        off.append(error.max() + error[o] + own + 2 * largest + np.log(VOCAB))
        weights.append(weight)
    mean_off = np.average(off, weights=weights)
    # Products with weights, two sums of n terms in any order, a quotient; |loss| <= off of every pair.
    return np.array([mean_off + (2 * len(weights) + 4) * max(want["flat"][0], want["with prior"][0])])


WHY = "mean over pairs of max D + D_o + V + K (1 + log V + max |u|) + 4 max |u|, D = (d + 1) (|v'| |v| + |b|); 2 n + 4"
CASES = [
    Case(
        name="held-out",
        claim="The mean nats a pair of skip-gram under the full softmax on held-out text, weighted by distance as a "
        "shrinking window does in expectation, with and without a log prior.",
        cite="Mikolov et al. 2013a, section 3.2; Rong 2014, equation 4",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, "keras-tensorflow": run_tensorflow},
        bounds={
            "flat": Bound(1, WHY, lambda x, want: scale(x, want, 0 * x["log prior"])),
            "with prior": Bound(1, WHY, lambda x, want: scale(x, want, x["log prior"])),
        },
        faults={
            "window one too narrow": Fault(
                "range(max(0, t - window), min(len(ids), t + window + 1))",
                "range(max(0, t - window + 1), min(len(ids), t + window))",
            ),
            "every distance the same": Fault("(window - abs(m - t) + 1) / window", "1.0"),
            "weights one too small": Fault("(window - abs(m - t) + 1)", "(window - abs(m - t))"),
            "pairs across the end of a sentence": Fault("ids[min(t, m) : max(t, m) + 1]", "ids[[t, m]]"),
            "contexts on the right alone": Fault("if m != t and", "if m > t and"),
            "a word its own context": Fault("if m != t and", "if"),
            "tables exchanged": Fault(
                'x["output table"] @ x["input table"][i]', 'x["input table"] @ x["output table"][i]'
            ),
            "prior of the target forgotten": Fault("- logits[o]", "- (logits - prior)[o]"),
            "prior not in the sum": Fault("np.exp(logits)", "np.exp(logits - prior)"),
            "target left out of the sum": Fault("np.exp(logits).sum()", "(np.exp(logits).sum() - np.exp(logits[o]))"),
            "sum for mean": Fault("total / weights", "total"),
            "mean over weights as if all were 1": Fault("weights += weight", "weights += 1"),
        },
        quick=True,
    )
]
