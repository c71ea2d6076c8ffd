"""The image network as `tf_emb.methods.image.network.image_network`, and in PyTorch."""

from collections.abc import Iterator, Mapping
from typing import Any

from compare.cases.methods.image.block import KERNELS
from compare.cases.methods.image.network import CLASSES, DIM, FILTERS, NAMES, ROWS, SIDE, STRIDES


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
