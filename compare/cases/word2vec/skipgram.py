"""Skip-gram with negative sampling on one batch of real text: logits, losses, gradients of both tables.

E = -log sigmoid(u_o) - sum_k log sigmoid(-u_k); dE/du = sigmoid(u) - t. Mikolov et al. 2013, "Distributed
Representations of Words and Phrases", equation 4; Rong 2014, equations 55 to 61.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import text
from tf_emb.parity.case import Arrays, Bound, Case, Fault
from tf_emb.parity.engines import KERAS_TENSORFLOW
from tf_emb.parity.rounding import FUNCTION

VOCAB, DIM, BATCH = 300, 24, 96


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Consecutive pairs, so centres repeat; noise that meets the context word; tables as if trained."""
    pairs = text.batch(rng, BATCH, VOCAB, every=16, column=0)
    return {
        "center_table": rng.normal(size=(VOCAB, DIM)) * 0.75,
        "context_table": rng.normal(size=(VOCAB, DIM)) * 0.75,
        "center": pairs.center,
        "context": pairs.context,
        "noise": pairs.noise,
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Losses of the pairs, and the gradients of their sum."""
    keys = np.concatenate([x["context"][:, None], x["noise"]], axis=1)
    h, v = x["center_table"][x["center"]], x["context_table"][keys]
    u = np.einsum("bd,bkd->bk", h, v)
    target = np.zeros_like(u)
    target[:, 0] = 1
    counted = np.ones_like(u)
    counted[:, 1:] = x["noise"] != x["context"][:, None]
    loss = (counted * np.log1p(np.exp((1 - 2 * target) * u))).sum(axis=1)
    error = counted * (1 / (1 + np.exp(-u)) - target)
    center_gradient = np.zeros_like(x["center_table"])
    np.add.at(center_gradient, x["center"], np.einsum("bk,bkd->bd", error, v))
    context_gradient = np.zeros_like(x["context_table"])
    np.add.at(context_gradient, keys, error[:, :, None] * h[:, None, :])
    return {"logits": u, "loss": loss, "center gradient": center_gradient, "context gradient": context_gradient}


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Two nn.Embedding tables and logsigmoid."""
    import torch
    from torch.nn.functional import embedding, logsigmoid

    center, context = (x[k].clone().requires_grad_() for k in ("center_table", "context_table"))
    h = embedding(x["center"], center)
    positive = (h * embedding(x["context"], context)).sum(1)
    negative = (embedding(x["noise"], context) @ h[:, :, None])[:, :, 0]
    counted = x["noise"] != x["context"][:, None]
    loss = -logsigmoid(positive) - (logsigmoid(-negative) * counted).sum(1)
    loss.sum().backward()
    logits = torch.cat([positive[:, None], negative], 1)
    return {"logits": logits, "loss": loss, "center gradient": center.grad, "context gradient": context.grad}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """Two Embedding layers and negative_sampling_loss, on TensorFlow: eagerly, in a graph, under XLA."""
    from keras import ops

    from tf_emb.layers import Embedding, negative_sampling_loss
    from tf_emb.parity.engines.pullback import evaluate, pull_back

    tables = x["center_table"], x["context_table"]
    centers, contexts = (Embedding(VOCAB, DIM, weights=t.numpy(), dtype=t.dtype.name) for t in tables)

    def score(center: Any, context: Any, noise: Any) -> Any:
        # One lookup for both, so that a word that is context here and noise there gets one gradient.
        return ops.einsum("bd,bkd->bk", centers(center), contexts(ops.concatenate([context[:, None], noise], 1)))

    def pair_loss(center: Any, context: Any, noise: Any) -> Any:
        u = score(center, context, noise)
        return negative_sampling_loss(u[:, 0], u[:, 1:], ops.not_equal(noise, context[:, None]))

    pairs = x["center"], x["context"], x["noise"]
    loss, (center, context) = pull_back(pair_loss, [centers.embeddings, contexts.embeddings], None, *pairs)
    logits = evaluate(score, *pairs)
    return {"logits": logits, "loss": loss, "center gradient": center, "context gradient": context}


# In units of u, to first order; d = DIM, K = FUNCTION, n = negatives.
def rows(x: Arrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """|h| (batch, dim), |v| (batch, 1 + n, dim), and the ids of v."""
    keys = np.concatenate([x["context"][:, None], x["noise"]], axis=1)
    return np.abs(x["center_table"][x["center"]]), np.abs(x["context_table"][keys]), keys


def logit_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """d sum |h| |v|, shape (batch, 1 + n)."""
    h, v, _ = rows(x)
    return DIM * np.einsum("bd,bkd->bk", h, v)


def loss_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """softplus has slope at most 1 and is K-accurate relative to |u| + 1; then a sum of 1 + n terms."""
    terms = np.abs(want["logits"]) + 1
    count = terms.shape[1]
    return (logit_scale(x, want) + (2 * FUNCTION + count) * terms).sum(axis=1)


def error_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """sigmoid has slope at most 1/4; K for itself whichever of s - 1 and -sigmoid(-u) is computed, 1 to multiply."""
    return logit_scale(x, want) / 4 + FUNCTION + 1


def center_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum over the places of a centre of sum_k |v_k| (de_k + (1 + n + places) |e_k|), |e| <= 1."""
    _, v, _ = rows(x)
    count = v.shape[1] + np.bincount(x["center"], minlength=VOCAB)[x["center"]]
    per_pair = np.einsum("bk,bkd->bd", error_scale(x, want) + count[:, None], v)
    total = np.zeros_like(want["center gradient"])
    np.add.at(total, x["center"], per_pair)
    return total


def context_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum over the places of an output row of |h| (de + (1 + places) |e|), |e| <= 1."""
    h, _, keys = rows(x)
    count = 1 + np.bincount(keys.ravel(), minlength=VOCAB)[keys]
    total = np.zeros_like(want["context gradient"])
    np.add.at(total, keys, (error_scale(x, want) + count)[:, :, None] * h[:, None, :])
    return total


CASES = [
    Case(
        name="skipgram",
        claim="Skip-gram with negative sampling: logits, the loss of every pair, and the gradients of both tables.",
        cite="Mikolov et al. 2013b, equation 4; Rong 2014, equations 55 to 61",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS_TENSORFLOW, run_keras)},
        bounds={
            "logits": Bound(1, "a dot product of d terms: d sum |h| |v|", logit_scale),
            "loss": Bound(
                1,
                "softplus: slope at most 1, so du; 2 K (|u| + 1) of its own in any form; then 1 + n terms",
                loss_scale,
            ),
            "center gradient": Bound(1, "sum of |v| (du / 4 + K + 1 + count), count = terms and places", center_scale),
            "context gradient": Bound(1, "sum of |h| (du / 4 + K + 2 + places)", context_scale),
        },
        faults={
            "noise equal to the context kept": Fault('x["noise"] != x["context"][:, None]', "True"),
            "wrong sign on the noise term": Fault("(1 - 2 * target) * u", "-u"),
            "error of the target forgotten": Fault("(1 / (1 + np.exp(-u)) - target)", "(1 / (1 + np.exp(-u)))"),
            "mean over the batch": Fault(
                "error[:, :, None] * h[:, None, :]", "error[:, :, None] * h[:, None, :] / len(h)"
            ),
            "repeated centres counted once": Fault(
                'np.add.at(center_gradient, x["center"], np.einsum("bk,bkd->bd", error, v))',
                'center_gradient[x["center"]] = np.einsum("bk,bkd->bd", error, v)',
            ),
            "last noise word dropped": Fault('x["noise"]], axis=1)', 'x["noise"][:, [0, 1, 2, 3, 3]]], axis=1)'),
            "sigmoid cut off at 6, as by a table": Fault("np.exp(-u)", "np.exp(-np.clip(u, -6, 6))"),
        },
        quick=True,
    )
]
