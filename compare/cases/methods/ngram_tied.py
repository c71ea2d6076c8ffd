"""The n-gram model whose outputs share the table: logits, loss, and the gradients of all six weights.

x = (C[w_t-1], ..., C[w_t-N]);  a = tanh(d + H x);  o = P a + Q x;  y = b + C o;  E = -log softmax(y)_t
e = softmax(y) - onehot;  dE/db = e;  s = C^T e;  dE/dP = a s^T;  dE/dQ = x s^T;  g = (P s)(1 - a^2);  dE/dd = g
dE/dH = x g^T;  dE/dC = e o^T, and H g + Q s in the rows of the context
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases.methods import ngram
from compare.cases.methods.ngram import BATCH, DIM, HIDDEN, ORDER, VOCAB, WHY
from tf_emb.parity.case import Arrays, Case, Fault, running
from tf_emb.parity.engines import KERAS_TENSORFLOW
from tf_emb.parity.rounding import FUNCTION, Rounded, bounded_softmax, contract, gamma, reshaped, scatter_add

NAMES = ("C", "H", "d", "P", "b", "Q")


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A batch of the case `ngram`; tokens that are seen are predicted too, and a row stands before the beginning."""
    whole = ngram.draw(rng)
    ids = whole["ids"][0]
    ids[0, 1:] = VOCAB
    shapes = {"P": (HIDDEN, DIM), "Q": (ORDER * DIM, DIM)}
    return {
        "ids": ids,
        "targets": whole["targets"][0],
        **{name: whole[name] for name in ("C", "H", "d", "b")},
        **{name: rng.normal(size=shape) / 3 for name, shape in shapes.items()},
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Forward, and back by hand."""
    C, ids = x["C"], x["ids"]
    seen = C[ids].reshape(len(ids), -1)
    a = np.tanh(seen @ x["H"] + x["d"])
    o = a @ x["P"] + seen @ x["Q"]
    y = o @ C[:VOCAB].T + x["b"]
    shifted = y - y.max(axis=1, keepdims=True)
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    at = np.arange(len(ids)), x["targets"]
    e = np.exp(shifted) / total
    e[at] -= 1
    s = e @ C[:VOCAB]
    g = (s @ x["P"].T) * (1 - a**2)
    dC = np.zeros_like(C)
    dC[:VOCAB] = e.T @ o
    np.add.at(dC, ids, (g @ x["H"].T + s @ x["Q"].T).reshape(*ids.shape, -1))
    return {
        "logits": y,
        "loss": np.log(total[:, 0]) - shifted[at],
        "dE/dC": dC,
        "dE/dH": seen.T @ g,
        "dE/dd": g.sum(axis=0),
        "dE/dP": a.T @ s,
        "dE/db": e.sum(axis=0),
        "dE/dQ": seen.T @ s,
    }


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Embedding, linear maps, the embedding again, cross_entropy, autograd."""
    import torch
    from torch.nn.functional import cross_entropy, embedding

    p = {name: x[name].clone().requires_grad_() for name in NAMES}
    seen = embedding(x["ids"], p["C"]).flatten(1)
    y = (torch.tanh(seen @ p["H"] + p["d"]) @ p["P"] + seen @ p["Q"]) @ p["C"][:VOCAB].T + p["b"]
    loss = cross_entropy(y, x["targets"], reduction="none")
    loss.sum().backward()
    return {"logits": y, "loss": loss, **{f"dE/d{name}": w.grad for name, w in p.items()}}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.ngram.NGram, tied."""
    from tf_emb.layers import full_softmax_loss
    from tf_emb.parity.engines.pullback import evaluate, pull_back

    model, variables = ngram.keras_model(x, NAMES, tied=True)
    loss, gradients = pull_back(
        lambda ids, targets: full_softmax_loss(model(ids), targets),
        list(variables.values()),
        None,
        x["ids"],
        x["targets"],
    )
    backward = {f"dE/d{name}": g for name, g in zip(NAMES, gradients, strict=True)}
    return {"logits": evaluate(lambda ids: model(ids), x["ids"]), "loss": loss, **backward}


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The oracle in numbers that carry errors."""
    p = {name: Rounded.exact(x[name], u) for name in NAMES}
    C, outputs = p["C"], p["C"][:VOCAB]
    seen = reshaped(C[x["ids"]], (BATCH, -1))
    inner = contract("bx,xh->bh", seen, p["H"]) + p["d"]
    a = Rounded(np.tanh(inner.value), inner.error + gamma(FUNCTION, u), u)  # the slope is at most 1
    o = contract("bh,hd->bd", a, p["P"]) + contract("bx,xd->bd", seen, p["Q"])
    y = contract("bd,vd->bv", o, outputs) + p["b"]
    e, loss = bounded_softmax(y, x["targets"], u)
    s = contract("bv,vd->bd", e, outputs)
    g = contract("bd,hd->bh", s, p["P"]) * (1 - a * a)
    back = reshaped(contract("bh,xh->bx", g, p["H"]) + contract("bd,xd->bx", s, p["Q"]), (-1, DIM))
    gradients = {
        "C": both(x["ids"], back, contract("bv,bd->vd", e, o)), "H": contract("bx,bh->xh", seen, g), "d": g.sum(0),
        "P": contract("bh,bd->hd", a, s), "b": e.sum(0), "Q": contract("bx,bd->xd", seen, s),
    }  # fmt: skip
    return {"logits": y.error, "loss": loss, **{f"dE/d{name}": of.error for name, of in gradients.items()}}


def both(ids: np.ndarray, seen: Rounded, predicted: Rounded) -> Rounded:
    """The table's gradient: updates of the rows that were seen, and one of each that can come next, in any order."""
    updates = Rounded(
        np.concatenate([seen.value, predicted.value]), np.concatenate([seen.error, predicted.error]), seen.u
    )
    return scatter_add(VOCAB + 1, np.concatenate([ids.ravel(), np.arange(VOCAB)]), updates)


CASES = [
    Case(
        name="ngram-tied",
        claim="A neural n-gram model with one table for inputs and outputs: logits, loss, gradients.",
        cite="Bengio et al. 2003, equation 1; Press and Wolf 2017, Using the Output Embedding ..., section 3",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS_TENSORFLOW, run_keras)},
        bounds={name: running(WHY) for name in ("logits", "loss", *(f"dE/d{name}" for name in NAMES))},
        faults={
            "another table for the outputs": Fault("@ C[:VOCAB].T", "@ C[1:].T"),
            "direct connections past the table left out": Fault(' + seen @ x["Q"]', ""),
            "no gradient to the table from the outputs": Fault("dC[:VOCAB] = e.T @ o", "pass"),
            "no gradient to the table from the inputs": Fault("np.add.at(dC, ids,", "np.add.at(dC.copy(), ids,"),
            "one gradient of the table in place of the other": Fault("dC[:VOCAB] = e.T @ o", "dC[0] = (e.T @ o)[0]"),
            "repeated tokens counted once": Fault("np.add.at(dC, ids, (", "dC[ids] += (("),
            "no gradient through the direct connections": Fault(' + s @ x["Q"].T', ""),
            "no tanh in the gradient": Fault(" * (1 - a**2)", ""),
            "bias left out": Fault(' + x["b"]', ""),
            "target left out of the gradient": Fault("e[at] -= 1", "e[at] -= 0"),
        },
        envelope=envelope,
        quick=True,
    )
]  # fmt: skip
