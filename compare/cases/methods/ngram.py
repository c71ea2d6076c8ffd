"""The neural n-gram model of Bengio et al. 2003: logits, loss, the six gradients, and a short training by SGD.

x = (C[w_t-1], ..., C[w_t-N]);  a = tanh(d + H x);  y = b + W x + U a;  E = -log softmax(y)_t;  e = softmax(y) - onehot
dE/db = e;  dE/dW = x e^T;  dE/dU = a e^T;  g = (U e)(1 - a^2);  dE/dd = g;  dE/dH = x g^T;  dE/dx = H g + W e
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from compare.cases import text
from tf_emb.parity.case import Arrays, Bound, Case, Fault, running
from tf_emb.parity.engines import KERAS_TENSORFLOW
from tf_emb.parity.rounding import FUNCTION, Rounded, bounded_softmax, contract, gamma, reshaped, scatter_add

VOCAB, ORDER, DIM, HIDDEN, BATCH, STEPS = 60, 3, 5, 7, 12, 5
NAMES = ("C", "H", "d", "U", "b", "W")


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Consecutive windows of real text, the nearest token first, and weights as if trained a little."""
    ids = text.passage(rng, ORDER + BATCH * STEPS, VOCAB)
    seen = np.lib.stride_tricks.sliding_window_view(ids[:-1], ORDER)[:, ::-1]
    wide = ORDER * DIM
    shapes = {"C": (VOCAB + 1, DIM), "H": (wide, HIDDEN), "d": (HIDDEN,), "U": (HIDDEN, VOCAB), "b": (VOCAB,),
              "W": (wide, VOCAB)}  # fmt: skip
    return {
        "ids": seen.reshape(STEPS, BATCH, ORDER).copy(),
        "targets": ids[ORDER:].reshape(STEPS, BATCH),
        "rate": np.array(0.02),
        "angles": rng.normal(size=2000) * 3,
        **{name: rng.normal(size=shape) / 3 for name, shape in shapes.items()},
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The first step in full, then the weights after all of them, and the loss of each example in every step."""
    weights = {name: x[name].copy() for name in NAMES}
    losses: list[Any] = []
    first: dict[str, Any] = {}
    for ids, targets in zip(x["ids"], x["targets"], strict=True):
        y, loss, gradients = backward(weights, ids, targets)
        first = first or {"logits": y, **{f"dE/d{name}": g for name, g in gradients.items()}}
        losses.append(loss)
        weights = {name: w - x["rate"] * gradients[name] for name, w in weights.items()}
    after = {f"{name}, trained": w for name, w in weights.items()}
    return {"tanh": np.tanh(x["angles"]), "loss": np.stack(losses), **first, **after}


def backward(p: Arrays, ids: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Logits, losses, and the gradients of their sum."""
    x = p["C"][ids].reshape(len(ids), -1)
    a = np.tanh(x @ p["H"] + p["d"])
    y = p["b"] + x @ p["W"] + a @ p["U"]
    shifted = y - y.max(axis=1, keepdims=True)
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    e = np.exp(shifted) / total
    loss = np.log(total[:, 0]) - shifted[np.arange(len(ids)), targets]
    e[np.arange(len(ids)), targets] -= 1
    g = (e @ p["U"].T) * (1 - a**2)
    back = (g @ p["H"].T + e @ p["W"].T).reshape(*ids.shape, -1)
    C = np.zeros_like(p["C"])
    np.add.at(C, ids, back)
    return y, loss, {"C": C, "H": x.T @ g, "d": g.sum(axis=0), "U": a.T @ e, "b": e.sum(axis=0), "W": x.T @ e}


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Embedding, two linear maps and one straight through, cross_entropy, torch.optim.SGD."""
    import torch
    from torch.nn.functional import cross_entropy, embedding

    p = {name: x[name].clone().requires_grad_() for name in NAMES}
    optimizer = torch.optim.SGD(p.values(), lr=x["rate"])
    losses: list[Any] = []
    first: dict[str, Any] = {}
    for ids, targets in zip(x["ids"], x["targets"], strict=True):
        optimizer.zero_grad()
        seen = embedding(ids, p["C"]).flatten(1)
        y = p["b"] + seen @ p["W"] + torch.tanh(seen @ p["H"] + p["d"]) @ p["U"]
        loss = cross_entropy(y, targets, reduction="none")
        loss.sum().backward()
        first = first or {"logits": y, **{f"dE/d{name}": w.grad.clone() for name, w in p.items()}}
        losses.append(loss)
        optimizer.step()
    after = {f"{name}, trained": w for name, w in p.items()}
    return {"tanh": torch.tanh(x["angles"]), "loss": torch.stack(losses), **first, **after}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.ngram.NGram and Keras' SGD."""
    import keras

    from tf_emb.layers import full_softmax_loss
    from tf_emb.parity.engines.pullback import evaluate, pull_back

    model, variables = keras_model(x, NAMES)
    optimizer = keras.optimizers.SGD(x["rate"])
    logits = evaluate(lambda ids: model(ids), x["ids"][0])
    losses: list[Any] = []
    first: dict[str, Any] = {}
    for ids, targets in zip(x["ids"], x["targets"], strict=True):
        loss, gradients = pull_back(
            lambda ids, targets: full_softmax_loss(model(ids), targets), list(variables.values()), None, ids, targets
        )
        first = first or {f"dE/d{name}": g for name, g in zip(variables, gradients, strict=True)}
        losses.append(loss)
        optimizer.apply(gradients, list(variables.values()))
    after = {f"{name}, trained": variable.value for name, variable in variables.items()}
    tanh = evaluate(keras.ops.tanh, x["angles"])
    return {"tanh": tanh, "logits": logits, "loss": keras.ops.stack(losses), **first, **after}


def keras_model(x: Mapping[str, Any], names: Sequence[str], tied: bool = False) -> tuple[Any, dict[str, Any]]:
    """Return the model that holds the weights, and its variables under their `names` in the case."""
    from tf_emb.methods.ngram import NGram

    model = NGram(VOCAB, ORDER, dim=DIM, hidden=HIDDEN, direct=True, tied=tied, dtype=x["C"].dtype.name)
    model.build()
    assert model.straight is not None
    layers = model.embedding.embeddings, model.tanh.kernel, model.tanh.bias, model.out.kernel, model.bias
    variables = dict(zip(names, (*layers, model.straight.kernel), strict=True))
    for name, variable in variables.items():
        variable.assign(x[name])
    return model, variables


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The oracle's steps in numbers that carry errors."""
    weights = {name: Rounded.exact(x[name], u) for name in NAMES}
    losses: list[Any] = []
    first: dict[str, Any] = {}
    for ids, targets in zip(x["ids"], x["targets"], strict=True):
        y, loss, gradients = bounded_backward(weights, ids, targets, u)
        first = first or {"logits": y.error, **{f"dE/d{name}": g.error for name, g in gradients.items()}}
        losses.append(loss)
        weights = {name: w - gradients[name] * float(x["rate"]) for name, w in weights.items()}
    return {"loss": np.stack(losses), **first, **{f"{name}, trained": w.error for name, w in weights.items()}}


def bounded_backward(
    p: Mapping[str, Rounded], ids: np.ndarray, targets: np.ndarray, u: float
) -> tuple[Rounded, np.ndarray, dict[str, Rounded]]:
    """Logits, the error of the losses, and the gradients."""
    x = reshaped(p["C"][ids], (len(ids), -1))
    inner = contract("bx,xh->bh", x, p["H"]) + p["d"]
    a = Rounded(np.tanh(inner.value), inner.error + gamma(FUNCTION, u), u)  # the slope is at most 1
    y = contract("bx,xv->bv", x, p["W"]) + contract("bh,hv->bv", a, p["U"]) + p["b"]
    e, loss = bounded_softmax(y, targets, u)
    g = contract("bv,hv->bh", e, p["U"]) * (1 - a * a)
    back = contract("bh,xh->bx", g, p["H"]) + contract("bv,xv->bx", e, p["W"])
    return (
        y,
        loss,
        {
            "C": scatter_add(VOCAB + 1, ids, reshaped(back, (*ids.shape, DIM))),
            "H": contract("bx,bh->xh", x, g),
            "d": g.sum(0),
            "U": contract("bh,bv->hv", a, e),
            "b": e.sum(0),
            "W": contract("bx,bv->xv", x, e),
        },
    )


WHY = "running error analysis: products gamma(n), tanh K u and slope 1, softmax by its exponents, sums over places"
OUTPUTS = ("logits", "loss", *(f"dE/d{name}" for name in NAMES), *(f"{name}, trained" for name in NAMES))

CASES = [
    Case(
        name="ngram",
        claim="A neural n-gram model: logits, loss, the gradients of all six weights, and five steps of SGD.",
        cite="Bengio, Ducharme, Vincent and Jauvin 2003, A Neural Probabilistic Language Model, equation 1",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS_TENSORFLOW, run_keras)},
        bounds={
            "tanh": Bound(FUNCTION, "K roundings at the scale of 1", lambda x, want: np.ones_like(want["tanh"])),
            **{name: running(WHY) for name in OUTPUTS},
        },
        faults={
            "the farthest token first": Fault('p["C"][ids].reshape', 'p["C"][ids[:, ::-1]].reshape'),
            "a linear layer for tanh": Fault('np.tanh(x @ p["H"] + p["d"])', '(x @ p["H"] + p["d"])'),
            "no tanh in the gradient": Fault(" * (1 - a**2)", ""),
            "direct connections left out": Fault('p["b"] + x @ p["W"] +', 'p["b"] +'),
            "no gradient through the direct connections": Fault(' + e @ p["W"].T', ""),
            "repeated tokens counted once": Fault("np.add.at(C, ids, back)", "C[ids] = back"),
            "target left out of the gradient": Fault("targets] -= 1", "targets] -= 0"),
            "mean over the batch": Fault('x["rate"] * gradients', 'x["rate"] / len(ids) * gradients'),
            "uphill": Fault("w - x[", "w + x["),
            "log2 for ln": Fault("np.log(total[:, 0])", "np.log2(total[:, 0])"),
            "tanh cut to a ramp": Fault('np.tanh(x["angles"])', 'np.clip(x["angles"], -1, 1)'),
        },
        envelope=envelope,
        quick=True,
    )
]  # fmt: skip
