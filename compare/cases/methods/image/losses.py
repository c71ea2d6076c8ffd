"""The supervised contrastive loss (Khosla et al. 2020, equation 2), and the softmax of cosines (Wang et al. 2017).

Contrastive: y = z / |z|, u = y y^T / t, E = mean_i (log sum_{k != i} exp u_ik - mean_{p in P(i)} u_ip); with
D_ik = (softmax_k(u_i) - [k in P(i)] / |P(i)|) / rows,  dE/dy = (D + D^T) y / t,  dE/dz = (dE/dy - y (y . dE/dy)) / |z|

Cosines (equation 5): y = z / |z|, v = w / |w|, u = y v / t, E = mean_i (log sum_c exp u_ic - u_i(class of i)); with
D = (softmax(u) - one-hot) / rows,  dE/dy = D v^T / t,  dE/dz = (dE/dy - y (y . dE/dy)) / |z|, and w alike.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, contract, gamma


def draw_contrastive(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Classes of 1 to 5 rows: the row that is alone counts among the others, and has no loss."""
    classes = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3])
    return {"z": rng.normal(size=(len(classes), 6)), "classes": rng.permutation(classes), "temperature": np.array(0.5)}


def contrastive(x: Arrays) -> dict[str, np.ndarray]:
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


def contrastive_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.image.network.supervised_contrastive."""
    import tensorflow as tf

    from tf_emb.methods.image.network import supervised_contrastive

    with tf.GradientTape() as tape:
        tape.watch(x["z"])
        value = supervised_contrastive(x["classes"], x["z"], x["temperature"])
    return {"loss": tf.reshape(value, [1]), "gradient": tape.gradient(value, x["z"])}


def contrastive_torch(x: Mapping[str, Any]) -> dict[str, Any]:
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


def contrastive_envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The closed form in numbers that carry errors."""
    y, length = direction(x["z"], u)
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
    return {"loss": value.error[None], "gradient": backwards(y, length, to_y).error}


def draw_cosine(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Eleven rows, four classes."""
    z, w = rng.normal(size=(11, 6)), rng.normal(size=(6, 4))
    return {"z": z, "w": w, "classes": rng.integers(0, 4, 11), "temperature": np.array(0.25)}


def cosine(x: Arrays) -> dict[str, np.ndarray]:
    """Scores, E, dE/dz and dE/dw."""
    z_length = np.sqrt((x["z"] ** 2).sum(axis=1, keepdims=True))
    w_length = np.sqrt((x["w"] ** 2).sum(axis=0, keepdims=True))
    y, v = x["z"] / z_length, x["w"] / w_length
    u = y @ v / x["temperature"]
    e = np.exp(u)
    total = e.sum(axis=1)
    right = x["classes"][:, None] == np.arange(len(v.T))
    value = (np.log(total) - u[right]).mean()
    D = (e / total[:, None] - right) / np.array(len(u), u.dtype)
    to_y, to_v = D @ v.T / x["temperature"], y.T @ D / x["temperature"]
    to_z = (to_y - y * (y * to_y).sum(axis=1, keepdims=True)) / z_length
    to_w = (to_v - v * (v * to_v).sum(axis=0, keepdims=True)) / w_length
    return {"scores": u, "loss": np.array([value], u.dtype), "z gradient": to_z, "w gradient": to_w}


def cosine_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.image.network.CosineLogits, and Keras' cross-entropy."""
    import keras
    import tensorflow as tf

    from tf_emb.methods.image.network import CosineLogits

    layer = CosineLogits(x["w"].shape[1], x["temperature"], dtype=x["z"].dtype.name)
    layer.build(x["z"].shape)
    layer.kernel.assign(x["w"])
    with tf.GradientTape() as tape:
        tape.watch(x["z"])
        scores = layer(x["z"])
        entropy = keras.losses.sparse_categorical_crossentropy(x["classes"], scores, from_logits=True)
        value = tf.reduce_mean(entropy)
    to_z, to_w = tape.gradient(value, [x["z"], layer.kernel.value])
    return {"scores": scores, "loss": tf.reshape(value, [1]), "z gradient": to_z, "w gradient": to_w}


def cosine_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """cosine_similarity, cross_entropy, autograd."""
    import torch
    from torch.nn.functional import cosine_similarity, cross_entropy

    z, w = x["z"].clone().requires_grad_(), x["w"].clone().requires_grad_()
    scores = cosine_similarity(z[:, :, None], w[None], dim=1) / x["temperature"]
    value = cross_entropy(scores, x["classes"])
    to_z, to_w = torch.autograd.grad(value, [z, w])
    return {"scores": scores.detach(), "loss": value.detach().reshape(1), "z gradient": to_z, "w gradient": to_w}


def cosine_envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The closed form in numbers that carry errors, of rows and of classes alike."""
    (y, z_length), (v, w_length) = direction(x["z"], u), direction(x["w"].T, u)
    sharp, count = 1 / float(x["temperature"]), len(x["z"])
    scores = contract("id,cd->ic", y, v) * sharp
    right = np.eye(len(v.value))[x["classes"]]
    e = np.exp(scores.value)
    # exp of shifted scores, their sum, log: K each at the scale of the largest score, and what the scores bring.
    brought = scores.error.max(1)
    own = gamma(4 * FUNCTION + 2 * e.shape[1], u) * (1 + np.abs(scores.value).max(1))
    every = Rounded(np.log(e.sum(1)), brought + own, u)
    value = (every - (scores * right).sum(1)).sum(0) * (1 / count)
    p = e / e.sum(1, keepdims=True)
    D = (Rounded(p, p * np.expm1(2 * (brought + own))[:, None], u) - right) * (1 / count)
    to_y, to_v = contract("ic,cd->id", D, v) * sharp, contract("ic,id->cd", D, y) * sharp
    back = {"z gradient": backwards(y, z_length, to_y).error, "w gradient": backwards(v, w_length, to_v).error.T}
    return {"scores": scores.error, "loss": value.error[None], **back}


def direction(rows: np.ndarray, u: float) -> tuple[Rounded, Rounded]:
    """Rows over their lengths, and the lengths; 1e-12 under the root moves |z| by less than 1e-12 / (2 |z|)."""
    z = Rounded.exact(rows, u)
    square = (z * z).sum(1)
    length = Rounded(square.value, square.error + 1e-12, u).sqrt()
    return z / length[:, None], length


def backwards(y: Rounded, length: Rounded, to_y: Rounded) -> Rounded:
    """The gradient of the rows from that of their directions."""
    along = (y * to_y).sum(1)
    return (to_y - y * along[:, None]) / length[:, None]
