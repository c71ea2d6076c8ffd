"""The whole image network: three residual blocks, the embedding, a softmax of classes, and a short training by SGD.

x' = relu(S x + s + C2 relu(C1 x + c1) + c2),  with strides 1, 2 and 2 (He et al. 2016, equation 2)
z = V flat x + v,  y = W z + b,  E = mean over rows of -log softmax(y)_class,  dE/dy = (softmax(y) - onehot) / rows
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from compare.cases import parameters
from compare.cases.methods.image.block import KERNELS, conv, conv_back
from tf_emb.parity.case import Arrays

ROWS, SIDE, FILTERS, DIM, CLASSES, STEPS = 6, 5, 2, 5, 3, 3
STRIDES = (1, 2, 2)
LAYERS = (*(f"block {i} {of}" for i in range(3) for of in KERNELS), "embedding", "classes")
NAMES = tuple(f"{layer} {of}" for layer in LAYERS for of in ("kernel", "bias"))


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Pictures of 5 x 5, where padding is the same on both sides at every stride, and weights, biases among them."""
    pictures, known = rng.normal(size=(ROWS, SIDE, SIDE, 1)), rng.integers(0, CLASSES, ROWS)
    x = {"pictures": pictures, "known": known, **parameters({"rate": 0.1, "steps": STEPS})}
    return x | {name: _start(rng, shape) for name, shape in shapes().items()}


def _start(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Kernels whose absolute values sum to about 1.2 per unit, since a worst case grows by that sum in every layer."""
    if len(shape) == 1:
        return rng.normal(size=shape) / 8 + 0.25  # most units bend some pictures and not others
    return rng.normal(size=shape) * 1.5 / np.prod(shape[:-1])


def shapes() -> dict[str, tuple[int, ...]]:
    """The shape of every weight."""
    out: dict[str, tuple[int, ...]] = {}
    before = 1
    for i in range(3):
        wide = FILTERS * 2**i
        sizes = {"first": (3, 3, before, wide), "second": (3, 3, wide, wide), "shortcut": (1, 1, before, wide)}
        out |= {f"block {i} {of} kernel": size for of, size in sizes.items()}
        before = wide
    out |= {"embedding kernel": (2 * 2 * before, DIM), "classes kernel": (DIM, CLASSES)}
    return out | {name.replace("kernel", "bias"): shape[-1:] for name, shape in out.items()}


def network(x: Arrays) -> dict[str, np.ndarray]:
    """Embedding and gradients of the first step, the loss of every row at every step, the weights after all."""
    w = {name: x[name] for name in NAMES}
    losses: list[np.ndarray] = []
    first: dict[str, np.ndarray] = {}
    for _ in range(int(x["steps"])):
        z, loss, slopes = backward(w, x)
        first = first or {"embedding": z, **{f"{name} gradient": slope for name, slope in slopes.items()}}
        losses.append(loss)
        w = {name: value - x["rate"] * slopes[name] for name, value in w.items()}
    return {"loss": np.stack(losses), **first, **{f"{name} after": value for name, value in w.items()}}


def backward(w: Arrays, x: Arrays) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The embedding, the loss of every row, and the gradients of their mean."""
    inputs, ones, sums, out = [], [], [], x["pictures"]
    for i, stride in enumerate(STRIDES):
        kernels = [w[f"block {i} {of} kernel"] for of in KERNELS]
        biases = [w[f"block {i} {of} bias"] for of in KERNELS]
        inputs.append(out)
        ones.append(conv(out, kernels[0], stride) + biases[0])
        around = conv(out, kernels[2], stride) + biases[2]
        sums.append(around + conv(np.maximum(ones[i], 0), kernels[1], 1) + biases[1])
        out = np.maximum(sums[i], 0)
    flat = out.reshape(len(out), -1)
    z = flat @ w["embedding kernel"] + w["embedding bias"]
    y = z @ w["classes kernel"] + w["classes bias"]
    shifted = y - y.max(axis=1, keepdims=True)
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    right = x["known"][:, None] == np.arange(CLASSES)
    loss = np.log(total[:, 0]) - shifted[right]
    e = (np.exp(shifted) / total - right) / np.array(len(y), y.dtype)
    back = e @ w["classes kernel"].T
    slopes = {"classes kernel": z.T @ e, "classes bias": e.sum(axis=0)}
    slopes |= {"embedding kernel": flat.T @ back, "embedding bias": back.sum(axis=0)}
    g = (back @ w["embedding kernel"].T).reshape(out.shape)
    for i in reversed(range(3)):
        kernels = [w[f"block {i} {of} kernel"] for of in KERNELS]
        g = g * (sums[i] > 0)
        to_hidden, of_second = conv_back(np.maximum(ones[i], 0), kernels[1], g, 1)
        to_one = to_hidden * (ones[i] > 0)
        to_x, of_first = conv_back(inputs[i], kernels[0], to_one, STRIDES[i])
        past, of_shortcut = conv_back(inputs[i], kernels[2], g, STRIDES[i])
        for of, kernel, end in zip(KERNELS, (of_first, of_second, of_shortcut), (to_one, g, g), strict=True):
            slopes |= {f"block {i} {of} kernel": kernel, f"block {i} {of} bias": end.sum(axis=(0, 1, 2))}
        g = to_x + past
    return z, loss, slopes


def network_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.image.network.image_network, a layer of classes, and Keras' SGD."""
    import keras

    from tf_emb.methods.image import image_network
    from tf_emb.parity.engines.pullback import evaluate, pull_back

    dtype = x["pictures"].dtype.name
    trunk = image_network((SIDE, SIDE, 1), DIM, filters=FILTERS, dtype=dtype)
    model = keras.Model(trunk.input, keras.layers.Dense(CLASSES, dtype=dtype)(trunk.output))
    variables = dict(zip(NAMES, _weights(model), strict=True))
    for name, variable in variables.items():
        variable.assign(x[name])
    optimizer = keras.optimizers.SGD(x["rate"])

    def entropy(pictures: Any, known: Any) -> Any:
        return keras.losses.sparse_categorical_crossentropy(known, model(pictures), from_logits=True)

    losses: list[Any] = []
    first = {"embedding": evaluate(lambda pictures: trunk(pictures), x["pictures"])}
    for _ in range(x["steps"]):
        mean = keras.ops.ones_like(x["pictures"][:, 0, 0, 0]) / ROWS
        loss, slopes = pull_back(entropy, list(variables.values()), mean, x["pictures"], x["known"])
        if len(first) == 1:
            first |= {f"{name} gradient": slope for name, slope in zip(variables, slopes, strict=True)}
        losses.append(loss)
        optimizer.apply(slopes, list(variables.values()))
    after = {f"{name} after": variable.value for name, variable in variables.items()}
    return {"loss": keras.ops.stack(losses), **first, **after}


def _weights(model: Any) -> Iterator[Any]:
    """Yield the weights in the order of NAMES."""
    from tf_emb.methods.image.network import ResidualBlock

    for layer in model.layers:
        parts = [getattr(layer, of) for of in KERNELS] if isinstance(layer, ResidualBlock) else [layer]
        for part in parts:
            if part.weights:
                yield from (part.kernel, part.bias)


def network_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """conv2d, linear, cross_entropy and torch.optim.SGD; channels come second there."""
    import torch

    w = {name: x[name].clone().requires_grad_() for name in NAMES}
    optimizer = torch.optim.SGD(w.values(), lr=x["rate"])
    losses: list[Any] = []
    first: dict[str, Any] = {}
    for _ in range(x["steps"]):
        optimizer.zero_grad()
        z = _torch_embedding(w, x["pictures"])
        y = z @ w["classes kernel"] + w["classes bias"]
        loss = torch.nn.functional.cross_entropy(y, x["known"], reduction="none")
        loss.mean().backward()
        first = first or {"embedding": z, **{f"{name} gradient": of.grad.clone() for name, of in w.items()}}
        losses.append(loss)
        optimizer.step()
    return {"loss": torch.stack(losses), **first, **{f"{name} after": of for name, of in w.items()}}


def _torch_embedding(w: Mapping[str, Any], pictures: Any) -> Any:
    from torch.nn.functional import conv2d, relu

    def conv(of: Any, name: str, stride: int) -> Any:
        kernel = w[f"{name} kernel"].permute(3, 2, 0, 1)
        return conv2d(of, kernel, w[f"{name} bias"], stride, padding=kernel.shape[-1] // 2)

    out = pictures.permute(0, 3, 1, 2)
    for i, stride in enumerate(STRIDES):
        hidden = relu(conv(out, f"block {i} first", stride))
        out = relu(conv(out, f"block {i} shortcut", stride) + conv(hidden, f"block {i} second", 1))
    return out.permute(0, 2, 3, 1).flatten(1) @ w["embedding kernel"] + w["embedding bias"]
