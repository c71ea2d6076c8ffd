"""The 1-to-1 bigram model with a full softmax: the derivation of the source notes, term by term.

h = W^T x = W[i];  u = W'^T h;  y = softmax(u);  E = -log y_j;  e = y - t;  dE/dW'_ij = e_j h_i;
dE/dW[i] = W' e.  Rong 2014, "word2vec Parameter Learning Explained", section 1.1.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import text
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Fault
from tf_emb.parity.engines import KERAS
from tf_emb.parity.rounding import FUNCTION

VOCAB, DIM, BATCH = 300, 20, 64


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Neighbouring words of real text; the batch holds repeated words, and two tables as if trained."""
    vocabulary = text.vocabulary(max_vocab=VOCAB)
    sentences = [vocabulary.encode(document) for document in text.lee()]
    pairs = np.concatenate([np.stack([ids[:-1], ids[1:]], 1) for ids in sentences])
    start = int(rng.integers(len(pairs) - BATCH))
    return {
        "table": rng.normal(size=(VOCAB, DIM)) / 2,
        "kernel": rng.normal(size=(DIM, VOCAB)) / 2,
        "center": pairs[start : start + BATCH, 0].copy(),
        "target": pairs[start : start + BATCH, 1].copy(),
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Every quantity of the derivation, for a batch whose losses are summed."""
    W, U = x["table"], x["kernel"]
    h = W[x["center"]]
    u = h @ U
    shifted = u - u.max(axis=1, keepdims=True)
    y = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    t = np.zeros_like(u)
    t[np.arange(len(h)), x["target"]] = 1
    e = y - t
    E = np.log(np.exp(shifted).sum(axis=1)) - (shifted * t).sum(axis=1)
    table_gradient = np.zeros_like(W)
    np.add.at(table_gradient, x["center"], e @ U.T)
    return {"h": h, "u": u, "y": y, "E": E, "e": e, "dE/dW'": h.T @ e, "dE/dW": table_gradient}


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """nn.Embedding, a matrix product, and cross_entropy."""
    import torch

    table, kernel = (x[k].clone().requires_grad_() for k in ("table", "kernel"))
    h = torch.nn.functional.embedding(x["center"], table)
    u = h @ kernel
    u.retain_grad()
    E = torch.nn.functional.cross_entropy(u, x["target"], reduction="none")
    E.sum().backward()
    y = torch.softmax(u, dim=1)
    return {"h": h, "u": u, "y": y, "E": E, "e": u.grad, "dE/dW'": kernel.grad, "dE/dW": table.grad}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb's Embedding and FullSoftmax on whichever backend runs."""
    import keras

    from tf_emb.layers import Embedding, FullSoftmax, full_softmax_loss
    from tf_emb.parity.engines.pullback import evaluate, pull_back

    table = keras.ops.convert_to_numpy(x["table"])
    embedding = Embedding(VOCAB, DIM, weights=table, dtype=table.dtype.name)
    softmax = FullSoftmax(VOCAB, dtype=table.dtype.name)
    softmax.build((None, DIM))
    softmax.kernel.assign(x["kernel"])
    E, (dU, dW) = pull_back(
        lambda center, target: softmax.loss(embedding(center), target),
        [softmax.kernel, embedding.embeddings],
        None,
        x["center"],
        x["target"],
    )
    h = evaluate(embedding, x["center"])
    u = evaluate(softmax, h)
    logits = keras.Variable(u, dtype=table.dtype.name)
    _, (e,) = pull_back(lambda target: full_softmax_loss(logits.value, target), [logits], None, x["target"])
    return {"h": h, "u": u, "y": evaluate(keras.ops.softmax, u), "E": E, "e": e, "dE/dW'": dU, "dE/dW": dW}


# Every bound below is in units of u, to first order. d = DIM, V = VOCAB, K = FUNCTION.
# du: u_j is a dot product of d terms, so it is off by at most d * a_j, a_j = sum_i |W'_ij| |h_i|.
def logit_error(x: Arrays, want: Arrays) -> np.ndarray:
    """d * sum_i |W'_ij| |h_i|, shape (batch, vocab)."""
    return DIM * (np.abs(want["h"]) @ np.abs(x["kernel"]))


def softmax_error(x: Arrays, want: Arrays) -> np.ndarray:
    """Relative error of y, shape (batch, vocab): of exp(u_j - m) and of the sum, which is at most the worst."""
    du = logit_error(x, want)
    shifted = want["u"] - want["u"].max(axis=1, keepdims=True)
    # m cancels between numerator and denominator, rounded or not; u_j - m rounds by u |u_j - m|.
    exponent = du + np.abs(shifted)
    return exponent + exponent.max(axis=1, keepdims=True) + 2 * FUNCTION + VOCAB + 1


def error_error(x: Arrays, want: Arrays) -> np.ndarray:
    """Absolute error of e = y - t, shape (batch, vocab)."""
    return want["y"] * softmax_error(x, want) + np.abs(want["e"]) + want["y"]


def loss_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Error of E: of the logits, of log(sum exp), and of the subtractions."""
    du = logit_error(x, want)
    shifted = want["u"] - want["u"].max(axis=1, keepdims=True)
    exponent = du + np.abs(shifted)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    # log S is off by the relative error of S, and by K u |log S| of its own; log S >= 0 because m is among
    # the exponents. m itself is rounded away in either form, log S - (u_j - m) or (log S + m) - u_j.
    magnitude = 3 * np.abs(want["u"]).max(axis=1) + 2 * log_sum
    return 2 * exponent.max(axis=1) + FUNCTION + VOCAB + FUNCTION * log_sum + magnitude


def kernel_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """dE/dW' = h^T e sums a batch of products."""
    h = np.abs(want["h"])
    return h.T @ error_error(x, want) + BATCH * (h.T @ np.abs(want["e"]))


def table_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """dE/dW[i] = sum of W' e over the places of i: V terms each, then at most BATCH - 1 additions."""
    U = np.abs(x["kernel"]).T
    per_place = error_error(x, want) @ U + (VOCAB + BATCH) * (np.abs(want["e"]) @ U)
    total = np.zeros_like(want["dE/dW"])
    np.add.at(total, x["center"], per_place)
    return total


CASE = Case(
    name="bigram",
    claim="The 1-to-1 model with a full softmax has the gradients of the derivation: e h^T and W' e.",
    cite="Rong 2014, word2vec Parameter Learning Explained, equations 1 to 15",
    inputs=draw,
    oracle=oracle,
    impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
    bounds={
        "h": EXACT,
        "u": Bound(1, "a dot product of d terms: d sum |W'| |h|", logit_error),
        "y": Bound(
            1,
            "relative: (du_j + |u_j - m|) for the exponent, the worst of them for the sum, 2 K for exp, V + 1 "
            "for the sum and the division",
            lambda x, want: want["y"] * softmax_error(x, want),
        ),
        "E": Bound(
            1,
            "2 max(du + |u - m|) + K + V for log of the sum, K log S for log itself, and the rounding of m, u, log S",
            loss_scale,
        ),
        "e": Bound(1, "error of y, and one subtraction, in whatever algebraic form", error_error),
        "dE/dW'": Bound(1, "h^T de + B |h|^T |e|", kernel_scale),
        "dE/dW": Bound(1, "sum over places of W' de + (V + B) |W'| |e|", table_scale),
    },
    faults={
        "target shifted by one": Fault('t[np.arange(len(h)), x["target"]]', 't[np.arange(len(h)), x["target"] - 1]'),
        "softmax over the batch": Fault(
            "np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)",
            "np.exp(shifted) / np.exp(shifted).sum(axis=0, keepdims=True)",
        ),
        "wrong sign of e": Fault("e = y - t", "e = t - y"),
        "mean over the batch": Fault("h.T @ e,", "h.T @ e / len(h),"),
        "repeated ids counted once": Fault(
            'np.add.at(table_gradient, x["center"], e @ U.T)', 'table_gradient[x["center"]] = e @ U.T'
        ),
        "target left out of the gradient": Fault('x["center"], e @ U.T', 'x["center"], y @ U.T'),
        "log2 for ln": Fault("E = np.log(", "E = np.log2("),
    },
    quick=True,
)
CASES = [CASE]
