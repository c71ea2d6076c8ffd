"""The residual block and the supervised contrastive loss of tf_emb.methods.image.

Block: relu(S x + C2 relu(C1 x)), S a 1 x 1 convolution with the stride of C1 (He et al. 2016, equation 2). Inputs and
kernels are small integers, so forward, gradients and a step of rate 1 are integers, exact in every order.

Loss: y = z / |z|, u = y y^T / t, E = mean_i (log sum_{k != i} exp u_ik - mean_{p in P(i)} u_ip); with
D_ik = (softmax_k(u_i) - [k in P(i)] / |P(i)|) / rows,  dE/dy = (D + D^T) y / t,  dE/dz = (dE/dy - y (y . dE/dy)) / |z|
(Khosla et al. 2020, equation 2).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.case import EXACT, Arrays, Case, Fault, running
from compare.rounding import FUNCTION, Rounded, contract, gamma

KERNELS = ("first", "second", "shortcut")


def draw_block(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Integers from -2 to 2; 5 x 5 pictures, where padding is the same on both sides."""
    shapes = {"x": (2, 5, 5, 3), "upstream": (2, 3, 3, 4)}
    shapes |= {"first": (3, 3, 3, 4), "second": (3, 3, 4, 4), "shortcut": (1, 1, 3, 4)}
    return {name: rng.integers(-2, 3, shape).astype(np.float64) for name, shape in shapes.items()}


def block(x: Arrays) -> dict[str, np.ndarray]:
    """Forward, gradients, and the kernels after a step."""
    one = conv(x["x"], x["first"], 2)
    hidden = np.maximum(one, 0)
    total = conv(x["x"], x["shortcut"], 2) + conv(hidden, x["second"], 1)
    g = x["upstream"] * (total > 0)
    to_hidden, of_second = conv_back(hidden, x["second"], g, 1)
    to_x, of_first = conv_back(x["x"], x["first"], to_hidden * (one > 0), 2)
    around, of_shortcut = conv_back(x["x"], x["shortcut"], g, 2)
    slopes = {"first": of_first, "second": of_second, "shortcut": of_shortcut}
    out = {"forward": np.maximum(total, 0), "x gradient": to_x + around}
    out |= {f"{name} gradient": slope for name, slope in slopes.items()}
    return out | {f"{name} after": x[name] - slope for name, slope in slopes.items()}


def conv(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Convolve with zeros around, tap by tap."""
    pad, size = len(kernel) // 2, -(-x.shape[1] // stride)
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    taps = [(i, j) for i in range(len(kernel)) for j in range(len(kernel))]
    reach = stride * (size - 1) + 1
    return sum(padded[:, i : i + reach : stride, j : j + reach : stride] @ kernel[i, j] for i, j in taps)


def conv_back(x: np.ndarray, kernel: np.ndarray, g: np.ndarray, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of input and kernel."""
    pad, reach = len(kernel) // 2, stride * (g.shape[1] - 1) + 1
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    to_x, of_kernel = np.zeros_like(padded), np.zeros_like(kernel)
    for i in range(len(kernel)):
        for j in range(len(kernel)):
            part = (slice(None), slice(i, i + reach, stride), slice(j, j + reach, stride))
            to_x[part] += g @ kernel[i, j].T
            of_kernel[i, j] = np.einsum("bijc,bijd->cd", padded[part], g)
    return to_x[:, pad : pad + x.shape[1], pad : pad + x.shape[2]], of_kernel


def block_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.image.ResidualBlock, and Keras' SGD."""
    import keras
    import tensorflow as tf

    from tf_emb.methods.image import ResidualBlock

    layer = ResidualBlock(4, 2, dtype=x["x"].dtype.name)
    layer.build(x["x"].shape)
    kernels = [getattr(layer, name).kernel for name in KERNELS]
    for name, kernel in zip(KERNELS, kernels, strict=True):
        kernel.assign(x[name])
    with tf.GradientTape() as tape:
        tape.watch(x["x"])
        forward = layer(x["x"])
    to_x, *slopes = tape.gradient(forward, [x["x"], *(kernel.value for kernel in kernels)], x["upstream"])
    keras.optimizers.SGD(1.0).apply(slopes, kernels)
    out = {"forward": forward, "x gradient": to_x}
    out |= {f"{name} gradient": slope for name, slope in zip(KERNELS, slopes, strict=True)}
    return out | {f"{name} after": kernel.value for name, kernel in zip(KERNELS, kernels, strict=True)}


def block_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """conv2d and torch.optim.SGD; channels come second there."""
    import torch
    from torch.nn.functional import conv2d, relu

    start = x["x"].clone().requires_grad_()
    kernels = {name: x[name].clone().requires_grad_() for name in KERNELS}
    first, second, shortcut = (kernel.permute(3, 2, 0, 1) for kernel in kernels.values())
    pictures = start.permute(0, 3, 1, 2)
    hidden = conv2d(relu(conv2d(pictures, first, stride=2, padding=1)), second, padding=1)
    forward = relu(conv2d(pictures, shortcut, stride=2) + hidden).permute(0, 2, 3, 1)
    forward.backward(x["upstream"])
    out = {"forward": forward.detach(), "x gradient": start.grad}
    out |= {f"{name} gradient": kernel.grad for name, kernel in kernels.items()}
    torch.optim.SGD(kernels.values(), 1.0).step()
    return out | {f"{name} after": kernel.detach() for name, kernel in kernels.items()}


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
    """tf_emb.methods.image.supervised_contrastive."""
    import tensorflow as tf

    from tf_emb.methods.image import supervised_contrastive

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


CASES = [
    Case(
        name="residual-block",
        claim="A residual block with a stride: forward, gradients of input and kernels, and kernels after a step.",
        cite="He, Zhang, Ren and Sun 2016, equations 1 and 2",
        inputs=draw_block,
        oracle=block,
        impls={"torch": block_torch, "keras-tensorflow": block_keras},
        bounds=dict.fromkeys(
            ("forward", "x gradient", *(f"{k} {of}" for of in ("gradient", "after") for k in KERNELS)), EXACT
        ),
        faults={
            "shortcut left out": Fault('conv(x["x"], x["shortcut"], 2) + conv', "conv"),
            "no bend between": Fault("hidden = np.maximum(one, 0)", "hidden = one"),
            "gradient through the bend": Fault("to_hidden * (one > 0)", "to_hidden"),
            "gradient of the shortcut left out": Fault("to_x + around", "to_x"),
            "kernel turned around": Fault("@ kernel[i, j] for", "@ kernel[-1 - i, -1 - j] for"),
            "step of ascent": Fault("x[name] - slope", "x[name] + slope"),
        },
        quick=True,
    ),
    Case(
        name="supervised-contrastive",
        claim="The supervised contrastive loss and its gradient, rows without a partner among them.",
        cite="Khosla et al. 2020, equation 2",
        inputs=draw_loss,
        oracle=loss,
        impls={"torch": loss_torch, "keras-tensorflow": loss_keras},
        bounds=dict.fromkeys(
            ("loss", "gradient"), running("running error analysis of the closed form; exp and log K u at |u| + 1")
        ),
        faults={
            "a row among its own others": Fault("np.exp(u[rows]) * others[rows]", "np.exp(u[rows])"),
            "sum over the partners": Fault("alike[rows] / count[rows, None].astype(u.dtype)", "alike[rows] * 1.0"),
            "mean over all rows": Fault("- share) / len(rows)", "- share) / len(u)"),
            "one side of the gradient": Fault("(D + D.T)", "(2 * D)"),
            "length not differentiated": Fault("to_y - y * along", "to_y"),
            "temperature forgotten": Fault("y @ y.T / x[\"temperature\"]", "y @ y.T"),
        },
        envelope=envelope,
        quick=True,
    ),
]  # fmt: skip
