"""The supervised contrastive loss (Khosla et al. 2020, equation 2).

y = z / |z|, u = y y^T / t, E = mean_i (log sum_{k != i} exp u_ik - mean_{p in P(i)} u_ip); with
D_ik = (softmax_k(u_i) - [k in P(i)] / |P(i)|) / rows,  dE/dy = (D + D^T) y / t,  dE/dz = (dE/dy - y (y . dE/dy)) / |z|
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, contract, gamma


def draw_loss(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Classes of 1 to 5 rows: the row that is alone counts among the others, and has no loss."""
    classes = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3])
    return {"z": rng.normal(size=(len(classes), 6)), "classes": rng.permutation(classes), "temperature": np.array(0.5)}


def loss(x: Arrays) -> dict[str, np.ndarray]:
    """E and dE/dz."""
    y = x["z"] / np.sqrt((x["z"] ** 2).sum(axis=1, keepdims=True))
    u = y @ y.T / x["temperature"]
    others = ~np.eye(len(u), dtype=bool)
    alike = (x["classes"][:, None] == x["classes"]) & others
    count = alike.sum(axis=1)
    rows = np.flatnonzero(count > 0)
    share = alike[rows] / count[rows, None].astype(u.dtype)
    e = np.exp(u[rows]) * others[rows]
    value = (np.log(e.sum(axis=1)) - (share * u[rows]).sum(axis=1)).mean()
    D = np.zeros_like(u)
    D[rows] = (e / e.sum(axis=1, keepdims=True) - share) / len(rows)
    to_y = (D + D.T) @ y / x["temperature"]
    along = (y * to_y).sum(axis=1, keepdims=True)
    to_z = (to_y - y * along) / np.sqrt((x["z"] ** 2).sum(axis=1, keepdims=True))
    return {"loss": np.array([value], u.dtype), "gradient": to_z}


def loss_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.image.network.supervised_contrastive."""
    import tensorflow as tf

    from tf_emb.methods.image.network import supervised_contrastive

    with tf.GradientTape() as tape:
        tape.watch(x["z"])
        value = supervised_contrastive(x["classes"], x["z"], x["temperature"])
    return {"loss": tf.reshape(value, [1]), "gradient": tape.gradient(value, x["z"])}


def loss_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """normalize, log_softmax without the diagonal, autograd."""
    import torch
    from torch.nn.functional import log_softmax, normalize

    z = x["z"].clone().requires_grad_()
    y = normalize(z)
    itself = torch.eye(len(z), dtype=torch.bool)
    logits = log_softmax((y @ y.T / x["temperature"]).masked_fill(itself, -torch.inf), dim=1).masked_fill(itself, 0)
    alike = (x["classes"][:, None] == x["classes"][None]) & ~itself
    some = alike.any(1)
    value = -((logits * alike).sum(1)[some] / alike.sum(1)[some]).mean()
    value.backward()
    return {"loss": value.detach().reshape(1), "gradient": z.grad}


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The closed form in numbers that carry errors; 1e-12 under the root moves |z| by less than 1e-12 / (2 |z|)."""
    z = Rounded.exact(x["z"], u)
    square = (z * z).sum(1)
    length = Rounded(square.value, square.error + 1e-12, u).sqrt()
    y = z / length[:, None]
    logits = contract("id,kd->ik", y, y) * (1 / float(x["temperature"]))
    others = ~np.eye(len(x["z"]), dtype=bool)
    alike = (x["classes"][:, None] == x["classes"]) & others
    rows = alike.any(1)
    share = alike / np.maximum(alike.sum(1), 1)[:, None]
    e = np.exp(logits.value) * others
    # exp of shifted logits, their sum, log: K each at the scale of the largest logit, and what the logits bring.
    brought = logits.error.max(1)
    own = gamma(4 * FUNCTION + 2 * len(e), u) * (1 + np.abs(logits.value).max(1))
    every = Rounded(np.log(e.sum(1)), brought + own, u)
    terms = every - (logits * share).sum(1)
    value = terms.where(rows).sum(0) * (1 / rows.sum())
    p = e / e.sum(1, keepdims=True)
    D = (Rounded(p, p * np.expm1(2 * (brought + own))[:, None], u) - share) * (rows / rows.sum())[:, None]
    both = D + Rounded(D.value.T, D.error.T, u)
    to_y = contract("ik,kd->id", both, y) * (1 / float(x["temperature"]))
    along = (y * to_y).sum(1)
    return {"loss": value.error[None], "gradient": ((to_y - y * along[:, None]) / length[:, None]).error}
