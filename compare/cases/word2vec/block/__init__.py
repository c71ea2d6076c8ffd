"""One step by blocks, skip-gram and CBOW with negative sampling: its loss, its gradients, and what it writes.

The oracle goes over the pairs in plain loops; the library, over bands of matrix products. The modules
tf_emb.word2vec.blocks.sampling and tf_emb.word2vec.blocks.step say what a step is.
"""

from functools import partial

import numpy as np

from compare.cases import parameters, text
from compare.cases.word2vec.block.engines import run_tensorflow, run_torch
from compare.cases.word2vec.block.oracle import descend, oracle, places, steps, terms, windows
from compare.cases.word2vec.descent import add
from tf_emb.parity.case import EXACT, Arrays, Case, Fault, running
from tf_emb.parity.rounding import FUNCTION, gamma

VOCAB, DIM, WINDOW, BLOCK, BLOCKS, SHARED = 80, 12, 3, 6, 5, 4


def draw(rng: np.random.Generator, cbow: bool, undivided: bool, forward: bool, fixed: bool) -> dict[str, np.ndarray]:
    """Every second block holds the end of a document (-1); the last one ends behind the text."""
    vocabulary = text.vocabulary(max_vocab=VOCAB)
    encoded = [np.append(vocabulary.encode(document), -1) for document in text.lee()]
    ids, around = np.concatenate(encoded), BLOCK + 2 * WINDOW
    ends = np.flatnonzero(ids < 0)
    starts = rng.integers(0, len(ids) - around, BLOCKS)
    back = rng.integers(WINDOW + 1, around - WINDOW - 1, BLOCKS // 2)
    starts[1::2] = rng.choice(ends[5:-5], BLOCKS // 2) - back
    keys = ids[starts[:, None] + np.arange(around)].astype(np.int32)
    keys[-1, -WINDOW - 2 :] = -1
    radius = np.full((BLOCKS, BLOCK), WINDOW) if fixed else rng.integers(1, WINDOW + 1, (BLOCKS, BLOCK))
    radius[1::2] = WINDOW  # so that windows reach over the ends
    noise = rng.integers(0, VOCAB, (BLOCKS, SHARED)).astype(np.int32)
    noise[:, 1] = noise[0, 1]  # a word at more places than the limit, by its noise alone
    x = {
        "input table": rng.normal(size=(VOCAB, DIM)) / 2,
        "output table": rng.normal(size=(VOCAB, DIM)) / 2,
        "keys": keys,
        "sentence": np.cumsum(keys < 0, axis=1).astype(np.int32),
        "radius": radius.astype(np.int32),
        "noise": noise,
        **parameters({"window": WINDOW, "negatives": 5, "rate": 2.0**-4, "limit": 3.0}),
        **parameters({"cbow": int(cbow), "undivided": int(undivided), "forward": int(forward)}),
    }
    for b, center, context in windows(x):
        noise[b, 0] = center if cbow else context[-1]  # noise that is the last target of a window
    return x


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


LOSS = "each term du + 2 K (|u| + 1), du = |v| dh + gamma(d) |v| |h|; gamma(terms + 5) for their weighted sum"
GRADIENT = (
    "sum over the terms of a row of w (du / 4 + K + 4) |h| + |g| dh, and gamma(terms + 5) of their magnitudes; dh is 0 "
    "in skip-gram and gamma(n + 2) mean |v| in CBOW"
)
BOUNDS = {
    "loss": running(LOSS),
    "count": EXACT,
    "input gradient": running(GRADIENT),
    "output gradient": running(GRADIENT),
    "input": running("rate times the gradient's; 5 roundings of the step, 1 of the written row"),
    "output": running("rate times the gradient's; 5 roundings of the step, 1 of the written row"),
}
FAULTS = {
    "window one too narrow": Fault("range(p - radius, p + radius + 1)", "range(p - radius + 1, p + radius)"),
    "window across the end of a sentence": Fault('x["sentence"][b, m] == x["sentence"][b, p]', "True"),
    "noise not shared out": Fault('x["negatives"] / x["noise"].shape[1]', 'x["negatives"]'),
    "noise of the first block for all": Fault('x["noise"][b]', 'x["noise"][0]'),
    "noise equal to the target left out": Fault("for s in noise", "for s in noise[noise != target]"),
    "mean over the terms": Fault("return sum(losses)", "return sum(losses) / len(losses)"),
    "one limit for all rows": Fault("limit / np.maximum(counts, 1)", "limit / np.full_like(counts, counts.max())"),
    "limit by pairs, not by places": Fault(
        "np.concatenate([left.ravel(), right.ravel()])", "np.array([c for _, c, around in windows(x) for _ in around])"
    ),
    "limit ignored": Fault("np.minimum(1.0, limit / np.maximum(counts, 1))", "np.ones_like(counts)"),
    "noise words not counted as places": Fault("np.concatenate([left.ravel(), right.ravel()])", "left.ravel()"),
    "sign of the noise": Fault("(-1, share)", "(1, share)"),
}
CBOW = {
    "sum of the context, not its mean": Fault("rows.sum(axis=0) / len(rows)", "rows.sum(axis=0)"),
    "the other gradient of the mean": Fault('if x["undivided"]', 'if not x["undivided"]'),
    "noise once a pair": Fault("if cbow else len(around)", "if not cbow else len(around)"),
}
SKIPGRAM = {"noise once a centre": Fault("if cbow else len(around)", "if True else len(around)")}


def case(name: str, cbow: bool = False, undivided: bool = False, forward: bool = False, fixed: bool = False) -> Case:
    """Put one kind of step together."""
    return Case(
        name=f"block-{name}",
        claim=f"A step by blocks of {'CBOW' if cbow else 'skip-gram'}: the loss, its count, both gradients, and both "
        "tables after it, with each row limited by its places.",
        cite="Mikolov et al. 2013b, equation 4; tf_emb.word2vec.blocks.sampling",
        inputs=partial(draw, cbow=cbow, undivided=undivided, forward=forward, fixed=fixed),
        oracle=oracle,
        impls={"torch": run_torch, "keras-tensorflow": run_tensorflow, "keras-graph": run_tensorflow},
        bounds=BOUNDS,
        faults=FAULTS | (CBOW if cbow else SKIPGRAM),
        envelope=envelope,
        quick=name == "skipgram",
    )


CASES = [
    case("skipgram"),
    case("skipgram-forward", forward=True, fixed=True),
    case("cbow", cbow=True),
    case("cbow-undivided", cbow=True, undivided=True, fixed=True),
]
