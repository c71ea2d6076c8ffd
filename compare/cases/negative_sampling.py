"""The negative-sampling output layer on real targets and noise: logits, losses, gradients.

E = -log sigmoid(u_o) - sum_k log sigmoid(-u_k), u_j = v'_j . h; dE/du = sigmoid(u) - t; dE/dv'_j = dE/du_j h;
dE/dh = sum_j dE/du_j v'_j. Mikolov et al. 2013b, equation 4; Rong 2014, equations 55 to 61.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare import text
from compare.case import Arrays, Bound, Case, Fault
from compare.rounding import FUNCTION

VOCAB, DIM, BATCH = 300, 24, 96


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Consecutive targets, so they repeat; noise that meets the target; a table as if trained."""
    draws = text.draws(rng, max_vocab=VOCAB)
    start = int(rng.integers(len(draws) - BATCH))
    batch = slice(start, start + BATCH)
    noise = draws.noise[batch].copy()
    noise[::12, 1] = draws.context[batch][::12]  # a collision is rare, so some are made
    return {
        "hidden": rng.normal(size=(BATCH, DIM)) * 0.75,
        "table": rng.normal(size=(VOCAB, DIM)) * 0.75,
        "targets": draws.context[batch],
        "noise": noise,
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Logits of every word, losses of the targets, and the gradients of their sum."""
    h, table = x["hidden"], x["table"]
    keys = np.concatenate([x["targets"][:, None], x["noise"]], axis=1)
    every = h @ table.T
    u = np.take_along_axis(every, keys, axis=1)
    sign = np.ones_like(u)
    sign[:, 0] = -1
    counted = np.ones_like(u)
    counted[:, 1:] = x["noise"] != x["targets"][:, None]
    loss = (counted * np.log1p(np.exp(sign * u))).sum(axis=1)
    error = counted * sign / (1 + np.exp(-sign * u))
    table_gradient = np.zeros_like(table)
    np.add.at(table_gradient, keys, error[:, :, None] * h[:, None, :])
    hidden_gradient = (error[:, :, None] * table[keys]).sum(axis=1)
    return {
        "logits": every, "loss": loss,
        "hidden gradient": hidden_gradient, "table gradient": table_gradient,
    }  # fmt: skip


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of a table and binary_cross_entropy_with_logits, whose weight leaves noise out."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, embedding

    h, table = (x[k].clone().requires_grad_() for k in ("hidden", "table"))
    keys = torch.cat([x["targets"][:, None], x["noise"]], 1)
    u = torch.einsum("bd,bkd->bk", h, embedding(keys, table))
    label = torch.zeros_like(u)
    label[:, 0] = 1
    counted = (keys != x["targets"][:, None]).to(u.dtype)
    counted[:, 0] = 1
    loss = binary_cross_entropy_with_logits(u, label, weight=counted, reduction="none").sum(1)
    loss.sum().backward()
    return {"logits": h @ table.T, "loss": loss, "hidden gradient": h.grad, "table gradient": table.grad}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb's NegativeSampling under a GradientTape."""
    import tensorflow as tf

    from tf_emb.layers.negative_sampling import NegativeSampling

    layer = NegativeSampling(VOCAB, dtype=x["table"].dtype.name)
    layer.build((None, DIM))
    layer.embeddings.assign(x["table"])
    with tf.GradientTape() as tape:
        tape.watch(x["hidden"])
        loss = layer.loss(x["hidden"], x["targets"], x["noise"])
    hidden, table = tape.gradient(loss, [x["hidden"], layer.embeddings.value])
    return {"logits": layer(x["hidden"]), "loss": loss, "hidden gradient": hidden, "table gradient": table}


# In units of u, to first order; d = DIM, K = FUNCTION, n = negatives.
def keys_of(x: Arrays) -> np.ndarray:
    """Ids of the target and the noise, shape (batch, 1 + n)."""
    return np.concatenate([x["targets"][:, None], x["noise"]], axis=1)


def counted_of(x: Arrays) -> np.ndarray:
    """0 where noise is the target, else 1, shape (batch, 1 + n)."""
    first = np.ones((BATCH, 1))
    return np.concatenate([first, x["noise"] != x["targets"][:, None]], axis=1)


def logit_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """d sum |h| |v|, shape (batch, vocab)."""
    return DIM * (np.abs(x["hidden"]) @ np.abs(x["table"]).T)


def loss_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """softplus has slope at most 1 and is 2 K-accurate relative to |u| + 1; then 1 + n terms are summed."""
    du, u = (np.take_along_axis(a, keys_of(x), axis=1) for a in (logit_scale(x, want), np.abs(want["logits"])))
    return (counted_of(x) * (du + (2 * FUNCTION + u.shape[1]) * (u + 1))).sum(axis=1)


def error_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """sigmoid has slope at most 1/4; K for itself whichever of s - 1 and -sigmoid(-u) is computed, 1 to multiply."""
    return np.take_along_axis(logit_scale(x, want), keys_of(x), axis=1) / 4 + FUNCTION + 1


def hidden_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """sum_k |v_k| (de_k + (1 + n) |e_k|), |e| <= 1."""
    keys = keys_of(x)
    e = counted_of(x) * (error_scale(x, want) + keys.shape[1])
    return np.einsum("bk,bkd->bd", e, np.abs(x["table"][keys]))


def table_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum over the places of a row of |h| (de + (1 + places) |e|), |e| <= 1."""
    keys = keys_of(x)
    places = np.bincount(keys.ravel(), minlength=VOCAB)[keys]
    e = counted_of(x) * (error_scale(x, want) + 1 + places)
    total = np.zeros_like(want["table gradient"])
    np.add.at(total, keys, e[:, :, None] * np.abs(x["hidden"])[:, None, :])
    return total


CASES = [
    Case(
        name="negative-sampling",
        claim="The negative-sampling layer: logits of every word, the loss, and the gradients of hidden and table.",
        cite="Mikolov et al. 2013b, equation 4; Rong 2014, equations 55 to 61; word2vec.c, lines 520 to 540",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, "keras-tensorflow": run_keras},
        bounds={
            "logits": Bound(1, "a dot product of d terms: d sum |h| |v|", logit_scale),
            "loss": Bound(
                1, "softplus: slope at most 1, so du; 2 K (|u| + 1) of its own in any form; 1 + n terms", loss_scale
            ),
            "hidden gradient": Bound(1, "sum over k of |v_k| (du / 4 + K + 2 + n)", hidden_scale),
            "table gradient": Bound(1, "sum over places of |h| (du / 4 + K + 2 + places)", table_scale),
        },
        faults={
            "noise equal to the target kept": Fault('x["noise"] != x["targets"][:, None]', "True"),
            "target treated as noise": Fault("sign[:, 0] = -1", "sign[:, 0] = 1"),
            "mean over the noise words": Fault("sign * u))).sum(axis=1)", "sign * u))).mean(axis=1)"),
            "softplus for sigmoid in the gradient": Fault(
                "sign / (1 + np.exp(-sign * u))", "sign * np.log1p(np.exp(sign * u))"
            ),
            "repeated words counted once": Fault(
                "np.add.at(table_gradient, keys, error[:, :, None] * h[:, None, :])",
                "table_gradient[keys] = error[:, :, None] * h[:, None, :]",
            ),
            "gradient of hidden from the target only": Fault(
                "(error[:, :, None] * table[keys]).sum(axis=1)", "error[:, :1] * table[keys[:, 0]]"
            ),
            "last noise word dropped": Fault('x["noise"]], axis=1)', 'x["noise"][:, [0, 1, 2, 3, 3]]], axis=1)'),
            "sigmoid cut off at 6, as by a table": Fault("np.exp(-sign * u)", "np.exp(-np.clip(sign * u, -6, 6))"),
            "logits of the shifted table": Fault("every = h @ table.T", "every = h @ np.roll(table, 1, axis=0).T"),
        },
    )
]
