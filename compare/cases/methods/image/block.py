"""A residual block: relu(S x + C2 relu(C1 x)), S a 1 x 1 convolution with the stride of C1 (He et al. 2016, eq. 2).

Inputs and kernels are small integers, so forward, gradients and a step of rate 1 are integers, exact in every order.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays

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
    """tf_emb.methods.image.network.ResidualBlock, and Keras' SGD."""
    import keras
    import tensorflow as tf

    from tf_emb.methods.image.network import ResidualBlock

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
