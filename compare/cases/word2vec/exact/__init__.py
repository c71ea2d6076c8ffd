"""Exact training: skip-gram and CBOW with each loss, 1,000 examples of real text, one gradient step an example.

Held are the gradients of the first examples at the start, the loss of every step (the forward pass, along the whole
trajectory), and both tables at the end.
"""

from functools import partial
from typing import Any

from compare.cases.word2vec.exact.engines import run_keras, run_torch
from compare.cases.word2vec.exact.envelope import envelope
from compare.cases.word2vec.exact.inputs import draw
from compare.cases.word2vec.exact.oracle import oracle
from tf_emb.parity.case import Case, Fault, running

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
