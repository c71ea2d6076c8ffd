"""Clipping by global norm: the gradients of all tables, times min(1, limit / norm of all of them together).

Gradients are small integers times a power of two: their sums over repeated ids, and the sums of their squares, are
exact in any order. One step of gradient descent from 0 at rate 1 shows what the rule made of them, its sign changed.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from compare.cases.optimizers import KERAS
from tf_emb.parity.case import Arrays, Bound, Case, Divergence, Fault

TABLES = {"a": 9, "b": 6}
DIM, PLACES = 3, 20
LIMITS = {"clipped": "low limit", "within": "high limit"}


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Two tables, ids with repeats; a limit at half of the norm, and one at twice the norm, or nearly."""
    x: dict[str, np.ndarray] = {}
    for name, rows in TABLES.items():
        x[f"{name} table"] = np.zeros((rows, DIM))
        x[f"{name} ids"] = np.append(rng.integers(0, rows - 1, PLACES - 2), [0, 0])
        x[f"{name} upstream"] = rng.choice([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], (PLACES, DIM)) * 2.0**-12
    norm = np.sqrt(sum((summed(x, name) ** 2).sum() for name in TABLES))
    return x | {"low limit": norm * rng.uniform(0.4, 0.6), "high limit": norm * rng.uniform(1.5, 2.5)}


def summed(x: Arrays, name: str) -> np.ndarray:
    """Gradient of a table: the sum over the places of each row."""
    total = np.zeros_like(x[f"{name} table"])
    np.add.at(total, x[f"{name} ids"], x[f"{name} upstream"])
    return total


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Both gradients, under a limit below their norm and under one above it."""
    gradients = {}
    for name in TABLES:
        gradients[name] = summed(x, name)
    norm = np.sqrt(sum((gradients[name] ** 2).sum() for name in TABLES))
    out: dict[str, Any] = {}
    for what, limit in LIMITS.items():
        share = np.minimum(1, x[limit] / norm)
        out |= {f"{name}, {what}": g * share for name, g in gradients.items()}
    return out


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.utils.clip_grad_norm_ on the gradients of two layers."""
    import torch

    out: dict[str, Any] = {}
    for what, limit in LIMITS.items():
        layers = {name: torch.nn.Embedding.from_pretrained(x[f"{name} table"], freeze=False) for name in TABLES}
        for name, layer in layers.items():
            layer(x[f"{name} ids"]).backward(x[f"{name} upstream"])
        torch.nn.utils.clip_grad_norm_([layer.weight for layer in layers.values()], x[limit])
        out |= {f"{name}, {what}": layer.weight.grad for name, layer in layers.items()}
    return out


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """Two tf_emb.layers.Embedding and `global_clipnorm`."""
    import keras

    from tf_emb.layers import Embedding
    from tf_emb.parity.engines.pullback import pull_back

    layers: dict[str, Any] = {n: Embedding(rows, DIM, dtype=keras.config.floatx()) for n, rows in TABLES.items()}
    gradients = []
    for name, layer in layers.items():
        layer.build()
        forward = partial(layer, x[f"{name} ids"])
        gradients += pull_back(forward, [layer.embeddings], x[f"{name} upstream"])[1]
    return descend(x, layers, gradients)


def run_keras_layer(x: Mapping[str, Any]) -> dict[str, Any]:
    """Two keras.layers.Embedding and `global_clipnorm`, with the gradients as those layers give them."""
    import keras
    import tensorflow as tf

    layers = {name: keras.layers.Embedding(rows, DIM, dtype=keras.config.floatx()) for name, rows in TABLES.items()}
    gradients = []
    for name, layer in layers.items():
        layer.build()
        with tf.GradientTape() as tape:
            rows = layer(x[f"{name} ids"])
        gradients.append(tape.gradient(rows, layer.embeddings.value, x[f"{name} upstream"]))
    return descend(x, layers, gradients)


def descend(x: Mapping[str, Any], layers: Mapping[str, Any], gradients: list[Any]) -> dict[str, Any]:
    """One step from 0 at rate 1 under each limit; return it with its sign changed."""
    import keras

    out: dict[str, Any] = {}
    for what, limit in LIMITS.items():
        variables = [layer.embeddings for layer in layers.values()]
        for variable in variables:
            variable.assign(np.zeros(variable.shape))
        optimizer = keras.optimizers.SGD(1.0, global_clipnorm=x[limit])
        optimizer.build(variables)
        optimizer.apply(gradients, variables)
        out |= {f"{name}, {what}": -variable.value for name, variable in zip(layers, variables, strict=True)}
    return out


def bound(output: str) -> Bound:
    """Rounded: a norm of each table, squared and added, or one root of all; 1 / norm, 1 / limit, and three products.

    A program that scales every place before it adds them up rounds c - 1 times more, at the size of the sum of
    magnitudes S times the share; 20 places bound c.
    """
    name = output[0]

    def scale(x: Arrays, want: Arrays) -> np.ndarray:
        magnitude = summed({**x, f"{name} upstream": np.abs(x[f"{name} upstream"])}, name)
        return magnitude * np.linalg.norm(want[output]) / np.linalg.norm(summed(x, name))

    return Bound(10 + PLACES, "norm 4, its inverse, the limit's, three products; c - 1 sums; at S min(1, c / n)", scale)


OUTPUTS = [f"{name}, {what}" for what in LIMITS for name in TABLES]
SHARE = "x[limit] / norm"
TORCH = Divergence(
    "PyTorch divides by norm + 1e-6, so gradients come out shorter than the limit",
    "torch/nn/utils/clip_grad.py, _clip_grads_with_norm_",
    SHARE,
    "x[limit] / (norm + 1e-6)",
)
FAULTS = {
    "every table by its own norm": Fault("g * share", "g * np.minimum(1, x[limit] / np.sqrt((g**2).sum()))"),
    "gradients within the limit lengthened": Fault("np.minimum(1, x[limit] / norm)", "x[limit] / norm"),
    "the root left out": Fault("np.sqrt(sum((gradients[name] ** 2).sum() for name in TABLES))",
                               "sum((gradients[name] ** 2).sum() for name in TABLES)"),
    "last of repeated ids wins": Fault(
        'np.add.at(total, x[f"{name} ids"], x[f"{name} upstream"])', 'total[x[f"{name} ids"]] = x[f"{name} upstream"]'
    ),
}  # fmt: skip
CASES = [
    Case(
        name="clip-global-norm",
        quick=True,
        claim="Clipping by global norm scales all gradients by min(1, limit / norm), repeated ids summed first.",
        cite="Pascanu, Mikolov and Bengio 2013, algorithm 1; keras.optimizers, global_clipnorm",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
        bounds={output: bound(output) for output in OUTPUTS},
        faults=FAULTS,
        diverges={
            "torch": TORCH,
            "keras-torch": Divergence(
                "Keras on PyTorch takes limit and 1 / norm at float32, at every dtype: there float64 and a Python "
                "float make float32",
                "keras/src/optimizers/base_optimizer.py, clip_by_global_norm: ops.minimum(tensor, 1.0 / clip_norm)",
                "np.minimum(1, x[limit] / norm)",
                "float(np.float32(x[limit]) * np.minimum(np.float32(1 / norm), np.float32(1 / x[limit])))",
                at=("float64",),
            ),
        },
    ),
    Case(
        name="keras-clip-repeats",
        claim="A norm is that of a row's whole gradient.",
        cite="Pascanu, Mikolov and Bengio 2013, algorithm 1",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, "keras-tensorflow": run_keras_layer},
        bounds={output: bound(output) for output in OUTPUTS},
        faults=FAULTS,
        diverges={
            "torch": TORCH,
            "keras-tensorflow": Divergence(
                "Keras' own Embedding on TensorFlow hands repeated ids over one by one, and the norm is of the pieces",
                "keras/src/optimizers/base_optimizer.py, global_norm: ops.square of IndexedSlices that repeat an index",
                "gradients[name] ** 2", 'x[f"{name} upstream"] ** 2',
            ),
        },
    ),
]  # fmt: skip
