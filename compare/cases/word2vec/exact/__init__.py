"""Exact training: skip-gram and CBOW with each loss, 1,000 examples of real text, one gradient step per example.

Compared are the gradients of the first examples at the start, the loss of every step (the forward pass, along the
whole trajectory), and both tables at the end.
"""

from functools import partial
from typing import Any

import numpy as np

from compare.cases import parameters, text
from compare.cases.word2vec.descent import Descent, add, logistic, softmax
from compare.cases.word2vec.exact.engines import run_keras, run_torch
from compare.cases.word2vec.exact.oracle import FIRST, LOSSES, all_keys, oracle
from tf_emb.parity.case import Arrays, Case, Fault, running
from tf_emb.parity.rounding import FUNCTION, gamma

VOCAB, DIM, EXAMPLES = 300, 16, 1000


def draw(rng: np.random.Generator, model: str, loss: str, divided: bool) -> dict[str, np.ndarray]:
    """Consecutive pairs (skip-gram) or windows (CBOW) of the corpus, noise that may be the target, falling rates."""
    draws = text.draws(rng, max_vocab=VOCAB, window=2)
    first = int(rng.integers(len(draws) // 2))
    context, target, noise = draws.center[first:, None], draws.context[first:], draws.noise[first:].copy()
    if model == "cbow":
        context, target, noise = windows(draws.progress[first:], context[:, 0], target, noise)
    noise[:EXAMPLES:16, 0] = target[:EXAMPLES:16]  # a collision is rare, so some are made
    noise[1:EXAMPLES:16, 1] = noise[1:EXAMPLES:16, 2]
    return {
        **parameters({"loss": LOSSES.index(loss), "divided": int(divided)}),
        "initial input": rng.normal(size=(VOCAB, DIM)) / 4,
        "initial output": rng.normal(size=(VOCAB, DIM)) / 4,
        "context": context[:EXAMPLES],
        "target": target[:EXAMPLES],
        "noise": noise[:EXAMPLES],
        "rate": np.linspace(0.05, 0.005, EXAMPLES),
        "counts": text.vocabulary(max_vocab=VOCAB).counts,
    }


def windows(
    progress: np.ndarray, center: np.ndarray, context: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One row a centre: the words around it, -1 behind the last; the centre; the noise of its first pair."""
    starts = np.flatnonzero(np.diff(progress, prepend=-1))
    around = np.full((len(starts), 4), -1, np.int64)
    for row, part in zip(around, np.split(context, starts[1:]), strict=True):
        row[: len(part)] = part
    return around, center[starts], noise[starts].copy()


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


AT_START = "sum over examples of |g| dh + dg |h| and its like for rows, dg = du / 4 + K u; gamma(places) for the sum"
WHY = (
    "running error analysis over every example in order (word2vec/descent.py): mean gamma(n + 2), logits gamma(d), "
    "sigmoid and softmax K u, update gamma(keys + n + 5), one rounding a written place"
)
BOUNDS = {
    "input gradient": running(AT_START),
    "output gradient": running(AT_START),
    "loss": running(WHY + "; softplus and log-sum-exp 2 K (|u| + 1)"),
    "input": running(WHY),
    "output": running(WHY),
}
COMMON = {
    "rate constant": Fault('x["rate"][p] * of_rows', 'x["rate"][0] * of_rows'),
    "mean over the examples": Fault("np.add.at(inputs, ids, of_rows)", "np.add.at(inputs, ids, of_rows / FIRST)"),
}
LOGISTIC = {
    "error of the label forgotten": Fault("1 / (1 + np.exp(-u)) - label", "1 / (1 + np.exp(-u))"),
    "wrong sign where the label is 0": Fault("(1 - 2 * label) * u", "-u"),
    "sigmoid cut off at 0.3, as by a table": Fault("1 / (1 + np.exp(-u))", "1 / (1 + np.exp(-u.clip(-0.3, 0.3)))"),
}
OF_LOSS = {
    "negative-sampling": LOGISTIC
    | {
        "noise equal to the target kept": Fault("for word in noise if word != target", "for word in noise"),
        "repeated noise counted once": Fault(
            'np.subtract.at(outputs, keys, x["rate"][p] * of_keys)', 'outputs[keys] -= x["rate"][p] * of_keys'
        ),
    },
    "hierarchical-softmax": LOGISTIC
    | {
        "label is the code": Fault("(1 - paths[target][0])", "paths[target][0]"),
        "rarer node gets bit 1": Fault("enumerate((rare, common))", "enumerate((common, rare))"),
        "words before inner nodes among equal counts": Fault(
            "(int(n), 1, -word, [word])", "(int(n), -1, -word, [word])"
        ),
    },
    "full-softmax": {
        "mean over the vocabulary": Fault("np.log(np.exp(u - u.max()).sum())", "np.log(np.exp(u - u.max()).mean())"),
        "target not subtracted": Fault(".sum() - label", ".sum()"),
        "sigmoid for softmax": Fault("np.exp(u - u.max()) / np.exp(u - u.max()).sum()", "1 / (1 + np.exp(-u))"),
    },
}
CBOW = {
    "sum of the context, not its mean": Fault("inputs[ids].sum(axis=0) / len(ids)", "inputs[ids].sum(axis=0)"),
    "the other gradient of the mean": Fault("1 / len(ids) if divided else 1", "1 if divided else 1 / len(ids)"),
}


def case(model: str, loss: str, divided: bool = True) -> Case:
    """Put one model, loss and gradient of the mean together."""
    how = "" if divided else ", each context word given the whole error, as word2vec.c does"
    chosen: dict[str, Any] = {"loss": loss, "divided": divided}
    return Case(
        name=f"exact-{model}-{loss}" + ("" if divided else "-undivided"),
        claim=f"{model} with {loss.replace('-', ' ')}{how}: gradients, 1,000 steps of one example, the loss of each.",
        cite="Mikolov et al. 2013a and 2013b, equations 3 and 4; Rong 2014, sections 1 to 3; word2vec.c",
        inputs=partial(draw, model=model, **chosen),
        oracle=oracle,
        impls={"torch": partial(run_torch, **chosen), "keras-tensorflow": partial(run_keras, **chosen)},
        bounds=BOUNDS,
        faults=COMMON | OF_LOSS[loss] | (CBOW if model == "cbow" else {}),
        envelope=partial(envelope, **chosen),
        quick=(model, loss, divided) == ("cbow", "hierarchical-softmax", True),
    )


CASES = [
    *(case(model, loss) for model in ("skipgram", "cbow") for loss in OF_LOSS),
    case("cbow", "negative-sampling", divided=False),
]
