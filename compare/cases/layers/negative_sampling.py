"""The negative-sampling output layer on real targets and noise: logits, losses, gradients.

E = -log sigmoid(u_o) - sum_k log sigmoid(-u_k), u_j = v'_j . h; dE/du = sigmoid(u) - t; dE/dv'_j = dE/du_j h;
dE/dh = sum_j dE/du_j v'_j. Mikolov et al. 2013b, equation 4; Rong 2014, equations 55 to 61.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import text
from tf_emb.parity.case import Arrays, Case, Fault, running
from tf_emb.parity.dtypes import DTYPES, WIDE
from tf_emb.parity.engines import KERAS
from tf_emb.parity.rounding import Rounded, contract, scatter_add

VOCAB, DIM, BATCH = 300, 8, 96


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Consecutive targets, so they repeat; noise that meets the target; a table as if trained.

    Two losses are large beside what rounding at 8 bits explains: one vector is like its target, which is among its
    noise, and one is like its noise and unlike its target.
    """
    pairs = text.batch(rng, BATCH, VOCAB, every=12, column=1)
    hidden, table = rng.normal(size=(BATCH, DIM)), rng.normal(size=(VOCAB, DIM))
    like = table[pairs.context[0]], table[pairs.noise[1]].sum(axis=0) - table[pairs.context[1]]
    hidden[:2] = [3 * of / np.sqrt((of**2).mean()) for of in like]
    return {"hidden": hidden, "table": table, "targets": pairs.context, "noise": pairs.noise}


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
    loss = (counted * np.logaddexp(0, sign * u)).sum(axis=1)
    error = counted * sign / (1 + np.exp(-sign * u))
    table_gradient = np.zeros_like(table)
    np.add.at(table_gradient, keys, error[:, :, None] * h[:, None, :])
    hidden_gradient = (error[:, :, None] * table[keys]).sum(axis=1)
    return {"logits": every, "loss": loss, "hidden gradient": hidden_gradient, "table gradient": table_gradient}


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
    """tf_emb's NegativeSampling on whichever backend runs."""
    import keras

    from tf_emb.layers import NegativeSampling
    from tf_emb.parity.engines.pullback import evaluate, pull_back

    dtype = keras.backend.standardize_dtype(x["table"].dtype)
    layer = NegativeSampling(VOCAB, dtype=dtype)
    layer.build((None, DIM))
    layer.embeddings.assign(x["table"])
    hidden = keras.Variable(x["hidden"], dtype=dtype)
    loss, (hidden_gradient, table_gradient) = pull_back(
        lambda targets, noise: layer.loss(hidden.value, targets, noise),
        [hidden, layer.embeddings],
        None,
        x["targets"],
        x["noise"],
    )
    return {
        "logits": evaluate(layer, x["hidden"]),
        "loss": loss,
        "hidden gradient": hidden_gradient,
        "table gradient": table_gradient,
    }


def envelope(x: Arrays, u: float) -> Arrays:
    """The oracle again, in numbers that carry the error of every operation."""
    h, table = (Rounded.exact(x[name], u) for name in ("hidden", "table"))
    keys = np.concatenate([x["targets"][:, None], x["noise"]], axis=1)
    counted = keys != x["targets"][:, None]
    counted[:, 0] = True
    logits = contract("bd,bkd->bk", h, table[keys])
    target = (np.arange(keys.shape[1]) == 0).astype(np.float64)
    error = (logits.sigmoid() - target).where(counted)
    return {
        "logits": contract("bd,vd->bv", h, table).error,
        "loss": (logits * (1 - 2 * target)).softplus().where(counted).sum(axis=1).error,
        "hidden gradient": contract("bk,bkd->bd", error, table[keys]).error,
        "table gradient": scatter_add(VOCAB, keys, error[:, :, None] * h[:, None, :], counted).error,
    }


WHY = "running error analysis (tf_emb/parity/rounding.py): {}"
CASES = [
    Case(
        name="negative-sampling",
        claim="The negative-sampling layer: logits of every word, the loss, and the gradients of hidden and table.",
        cite="Mikolov et al. 2013b, equation 4; Rong 2014, equations 55 to 61; word2vec.c, lines 520 to 540",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
        bounds={
            "logits": running(WHY.format("a dot product of d terms, gamma(d) sum |h| |v|")),
            "loss": running(WHY.format("softplus has slope at most 1, 2 K (|u| + 1) of its own; a sum of 1 + n")),
            "hidden gradient": running(WHY.format("sigmoid has slope at most 1/4, K of its own; a sum of 1 + n")),
            "table gradient": running(WHY.format("the same error times h, and c - 1 additions into a row")),
        },
        faults={
            "noise equal to the target kept": Fault('x["noise"] != x["targets"][:, None]', "True"),
            "target treated as noise": Fault("sign[:, 0] = -1", "sign[:, 0] = 1"),
            "mean over the noise words": Fault("sign * u)).sum(axis=1)", "sign * u)).mean(axis=1)"),
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
            "sigmoid cut off at 6, as by a table": Fault(
                "np.exp(-sign * u)", "np.exp(-np.clip(sign * u, -6, 6))", at=WIDE
            ),
            "logits of the shifted table": Fault("every = h @ table.T", "every = h @ np.roll(table, 1, axis=0).T"),
        },
        envelope=envelope,
        quick=True,
        dtypes=DTYPES,
    )
]
