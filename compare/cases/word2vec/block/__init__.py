"""One step by blocks, skip-gram and CBOW with negative sampling: its loss, its gradients, and what it writes.

The oracle goes over the pairs in plain loops; the library, over bands of matrix products. What a step is, the modules
tf_emb.word2vec.blocks.sampling and tf_emb.word2vec.blocks.step say.
"""

from functools import partial

from compare.cases.word2vec.block.engines import run_tensorflow, run_torch
from compare.cases.word2vec.block.envelope import envelope
from compare.cases.word2vec.block.inputs import draw
from compare.cases.word2vec.block.oracle import oracle
from tf_emb.parity.case import EXACT, Case, Fault, running

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
