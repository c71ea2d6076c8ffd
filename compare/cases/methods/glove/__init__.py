"""GloVe: co-occurrences, the weighted least squares, their gradients, and AdaGrad steps on many cells."""

from compare.cases.methods.glove import counting, engines, oracle, steps
from tf_emb.parity.case import EXACT, Bound, Case, Fault, running

WHY = (
    "running error analysis: log and pow K u, a residual of dim + 3 terms, scatter-adds gamma(c - 1), operations of "
    "AdaGrad u; errors through their derivatives (tf_emb/parity/rounding.py)"
)
COUNTS = Case(
    name="cooccurrences",
    claim="Which words stand near each other within a sentence, and the sum of 1 / distance over the places.",
    cite="Pennington, Socher and Manning 2014, section 4.2; stanfordnlp/GloVe, src/cooccur.c",
    inputs=counting.draw,
    oracle=oracle.counts,
    impls={"torch": engines.counts_torch, "keras-tensorflow": engines.counts_tf_emb},
    bounds={
        "cells": EXACT,
        "values": Bound(counting.terms, "a sum of n terms 1 / d, each rounded once: gamma(n + 1) X", counting.size),
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
STEPS = Case(
    name="glove",
    claim="GloVe's loss and gradients, and vectors, biases and accumulators after AdaGrad steps on many cells.",
    cite="Pennington, Socher and Manning 2014, equations 8 and 9; Duchi, Hazan and Singer 2011",
    inputs=steps.draw,
    oracle=oracle.trajectory,
    impls={
        "torch": engines.steps_torch, "keras-tensorflow": engines.steps_tf_emb, "keras-graph": engines.steps_tf_emb,
    },
    bounds={name: running(WHY) for name in ("f", "loss", *steps.GRADIENTS, *steps.AFTER)},
    faults={
        "weight not cut at x_max": Fault('np.minimum(x["X"] / x["x_max"], 1)', '(x["X"] / x["x_max"])'),
        "weight without its exponent": Fault(' ** x["alpha"]', ' ** 1'),
        "bias of the context left out": Fault(' + s["d"][column]', ''),
        "no half in the loss": Fault("(f * far**2).sum() / 2", "(f * far**2).sum()"),
        "gradient twice as large": Fault("e = f * far", "e = 2 * f * far"),
        "repeated rows once": Fault("np.add.at(total, ids, updates)", "total[ids] = updates"),
        "step before the accumulator": Fault('t / np.sqrt(held)', 't / np.sqrt(held - t**2)'),
        "accumulator without the rate": Fault('+ t**2', '+ g**2'),
        "biases at the rate of vectors": Fault('1.0 if name in "bd"', 'x["rate"] if name in "bd"'),
        "contexts' gradient by contexts": Fault('e[:, None] * s["w"][row]', 'e[:, None] * s["c"][row]'),
    },
    envelope=steps.envelope,
    quick=True,
)  # fmt: skip
CASES = [COUNTS, STEPS]
