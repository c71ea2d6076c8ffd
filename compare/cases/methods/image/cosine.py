"""Softmax of cosines (Wang et al. 2017, equation 5).

y = z / |z|, v = w / |w|, u = y v / t, E = mean_i (log sum_c exp u_ic - u_i(class of i)); with
D = (softmax(u) - one-hot) / rows,  dE/dy = D v^T / t,  dE/dz = (dE/dy - y (y . dE/dy)) / |z|, and w alike.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, contract, gamma


def draw_loss(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Eleven rows, four classes."""
    z, w = rng.normal(size=(11, 6)), rng.normal(size=(6, 4))
    return {"z": z, "w": w, "classes": rng.integers(0, 4, 11), "temperature": np.array(0.25)}


def loss(x: Arrays) -> dict[str, np.ndarray]:
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


def loss_keras(x: Mapping[str, Any]) -> dict[str, Any]:
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


def loss_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """cosine_similarity, cross_entropy, autograd."""
    import torch
    from torch.nn.functional import cosine_similarity, cross_entropy

    z, w = x["z"].clone().requires_grad_(), x["w"].clone().requires_grad_()
    scores = cosine_similarity(z[:, :, None], w[None], dim=1) / x["temperature"]
    value = cross_entropy(scores, x["classes"])
    to_z, to_w = torch.autograd.grad(value, [z, w])
    return {"scores": scores.detach(), "loss": value.detach().reshape(1), "z gradient": to_z, "w gradient": to_w}


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
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
