"""The linear autoencoder as `tf_emb.methods.autoencoder.Autoencoder`, trained by Keras' `fit`, and in PyTorch."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def short_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients by a tape, the steps by `fit`."""
    import keras
    import tensorflow as tf

    model = _model(x, bias=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.mean_squared_error(x["rows"], model(x["rows"])))
    slopes = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    out = {"code": model.encoder(x["rows"]), "loss": tf.reshape(loss, [1])}
    out |= {f"dE/d{name}": slope for name, slope in zip("AaBb", slopes, strict=True)}
    _fit(model, x)
    return out | {f"{name} after": w.value for name, w in zip("AaBb", model.trainable_weights, strict=True)}


def short_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Two nn.Linear."""
    import torch

    encoder, decoder, weights = _modules(x)
    code = encoder(x["rows"])
    loss = torch.nn.functional.mse_loss(decoder(code), x["rows"])
    slopes = torch.autograd.grad(loss, list(weights.values()))
    out = {"code": code, "loss": loss.reshape(1)}
    out |= {f"dE/d{name}": _upright(name, slope) for name, slope in zip(weights, slopes, strict=True)}
    _descend(x, encoder, decoder, weights)
    return out | {f"{name} after": _upright(name, w.detach()) for name, w in weights.items()}


def converged_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """Fit, and the projector onto what the decoder spans."""
    import tensorflow as tf

    model = _model(x, bias=False)
    _fit(model, x)
    kernel = model.decoder.layers[0].kernel.numpy()
    return {"projector": tf.constant(_projector(kernel), x["rows"].dtype)}


def converged_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """The same in PyTorch."""
    import torch

    encoder, decoder, weights = _modules(x)
    _descend(x, encoder, decoder, weights)
    kernel = weights["B"].detach().cpu().numpy().T
    return {"projector": torch.tensor(_projector(kernel), dtype=x["rows"].dtype)}


def _projector(kernel: np.ndarray) -> np.ndarray:
    Q = np.linalg.qr(kernel.astype(np.float64).T)[0]
    return Q @ Q.T


def _model(x: Mapping[str, Any], bias: bool) -> Any:
    import keras

    from tf_emb.methods.autoencoder import Autoencoder

    model = Autoencoder(*x["A"].shape, bias=bias, dtype=x["A"].dtype.name)
    for weight, value in zip(model.trainable_weights, [x[name] for name in "AaBb" if name in x], strict=True):
        weight.assign(value)
    model.compile(keras.optimizers.SGD(x["rate"]), "mse")
    return model


def _fit(model: Any, x: Mapping[str, Any]) -> None:
    rows = np.tile(x["rows"].numpy(), (x["steps"], 1))  # every batch is all rows
    model.fit(rows, rows, batch_size=len(x["rows"]), shuffle=False, verbose=0)


def _modules(x: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    import torch

    bias, dtype = "a" in x, x["rows"].dtype
    (features, dim), linear = x["A"].shape, torch.nn.Linear
    encoder, decoder = linear(features, dim, bias, dtype=dtype), linear(dim, features, bias, dtype=dtype)
    weights = {"A": encoder.weight, "B": decoder.weight}
    if bias:
        weights = {"A": encoder.weight, "a": encoder.bias, "B": decoder.weight, "b": decoder.bias}
    for name, weight in weights.items():
        weight.data = _upright(name, x[name]).clone()
    return encoder, decoder, weights


def _upright(name: str, of: Any) -> Any:
    """Transpose what PyTorch keeps the other way."""
    return of.T.contiguous() if name in "AB" else of


def _descend(x: Mapping[str, Any], encoder: Any, decoder: Any, weights: Mapping[str, Any]) -> None:
    import torch

    optimizer = torch.optim.SGD(weights.values(), lr=x["rate"])
    for _ in range(x["steps"]):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(decoder(encoder(x["rows"])), x["rows"]).backward()
        optimizer.step()
