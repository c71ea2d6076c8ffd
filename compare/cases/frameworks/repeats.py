"""Keras on TensorFlow, with repeated ids, under optimizers that square the gradient.

Each case holds the right maths. The engine that differs must do so exactly as declared; once it agrees, the
report says `healed`. None of this touches `tf_emb.layers.Embedding`: see the cases adagrad and adam.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import parameters, text
from tf_emb.parity.case import Arrays, Bound, Case, Divergence, Fault
from tf_emb.parity.rounding import FUNCTION

VOCAB, DIM, PLACES = 200, 12, 60


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Ids of real text, some of them repeated, an upstream gradient for each place, and hyper-parameters."""
    ids = text.passage(rng, PLACES, VOCAB)
    numbers = {"rate": 0.05, "epsilon": 1e-3, "initial accumulator": 0.1, "beta_1": 0.9, "beta_2": 0.999}
    table, upstream = rng.normal(size=(VOCAB, DIM)), rng.normal(size=(PLACES, DIM))
    return {"table": table, "ids": ids, "upstream": upstream, **parameters(numbers)}


def summed(x: Arrays, values: np.ndarray) -> np.ndarray:
    """Sum of `values` into the rows of their ids."""
    total = np.zeros_like(x["table"])
    np.add.at(total, x["ids"], values)
    return total


def adagrad(x: Arrays) -> dict[str, np.ndarray]:
    """One step of Adagrad on a lookup."""
    g = summed(x, x["upstream"])
    a = x["initial accumulator"] + g**2
    return {"accumulator": a, "table": x["table"] - x["rate"] * g / np.sqrt(a + x["epsilon"])}


def adam(x: Arrays) -> dict[str, np.ndarray]:
    """The first step of Adam on a lookup."""
    g = summed(x, x["upstream"])
    m = (1 - x["beta_1"]) * g
    v = (1 - x["beta_2"]) * g**2
    rate = x["rate"] * np.sqrt(1 - x["beta_2"]) / (1 - x["beta_1"])
    return {"m": m, "v": v, "table": x["table"] - rate * m / (np.sqrt(v) + x["epsilon"])}


def torch_adagrad(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.Embedding and torch.optim.Adagrad, which adds eps outside the root: here eps is in the accumulator."""
    import torch

    layer = torch.nn.Embedding.from_pretrained(x["table"].clone(), freeze=False)
    start = x["initial accumulator"] + x["epsilon"]
    optimizer = torch.optim.Adagrad(layer.parameters(), x["rate"], initial_accumulator_value=start, eps=0.0)
    layer(x["ids"]).backward(x["upstream"])
    optimizer.step()
    return {"accumulator": optimizer.state[layer.weight]["sum"] - x["epsilon"], "table": layer.weight}


def torch_adam(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.Embedding and torch.optim.Adam, which adds eps after the bias correction."""
    import torch

    layer = torch.nn.Embedding.from_pretrained(x["table"].clone(), freeze=False)
    eps = x["epsilon"] / (1 - x["beta_2"]) ** 0.5
    optimizer = torch.optim.Adam(layer.parameters(), x["rate"], betas=(x["beta_1"], x["beta_2"]), eps=eps)
    layer(x["ids"]).backward(x["upstream"])
    optimizer.step()
    state = optimizer.state[layer.weight]
    return {"m": state["exp_avg"], "v": state["exp_avg_sq"], "table": layer.weight}


def keras_adagrad(x: Mapping[str, Any]) -> dict[str, Any]:
    """keras.layers.Embedding and keras.optimizers.Adagrad."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adagrad(x["rate"], epsilon=x["epsilon"])
    layer = keras_layer(x, optimizer)
    accumulator = optimizer._accumulators[0]
    accumulator.assign(tf.fill(accumulator.shape, tf.constant(x["initial accumulator"], accumulator.dtype)))
    keras_step(x, layer, optimizer)
    return {"accumulator": accumulator.value, "table": layer.embeddings.value}


def keras_adam(x: Mapping[str, Any]) -> dict[str, Any]:
    """keras.layers.Embedding and keras.optimizers.Adam; NumPy betas keep the case keras-float64 out of this one."""
    import keras

    scalar = np.dtype(x["table"].dtype.name).type
    optimizer = keras.optimizers.Adam(x["rate"], scalar(x["beta_1"]), scalar(x["beta_2"]), epsilon=x["epsilon"])
    layer = keras_layer(x, optimizer)
    keras_step(x, layer, optimizer)
    m, v = optimizer._momentums[0], optimizer._velocities[0]
    return {"m": m.value, "v": v.value, "table": layer.embeddings.value}


def keras_layer(x: Mapping[str, Any], optimizer: Any) -> Any:
    """Keras' own layer, holding the table."""
    import keras

    layer = keras.layers.Embedding(VOCAB, DIM, dtype=x["table"].dtype.name)
    layer.build()
    layer.embeddings.assign(x["table"])
    optimizer.build([layer.embeddings])
    return layer


def keras_step(x: Mapping[str, Any], layer: Any, optimizer: Any) -> None:
    """One step, with the gradient as Keras' layer gives it."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        rows = layer(x["ids"])
    optimizer.apply([tape.gradient(rows, layer.embeddings.value, x["upstream"])], [layer.embeddings])


# In units of u, to first order. S = sum |g| over the places of a row, c = how many places.
def places(x: Arrays) -> np.ndarray:
    """c, shape (vocab, 1)."""
    return np.bincount(x["ids"], minlength=VOCAB)[:, None]


def magnitude(x: Arrays) -> np.ndarray:
    """S, which bounds |sum g|, and S^2, which bounds both (sum g)^2 and sum(g^2)."""
    return summed(x, np.abs(x["upstream"]))


def accumulator_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """A square of a sum of c terms, and additions at the size of a + eps."""
    return (2 * places(x) + 5) * (x["initial accumulator"] + x["epsilon"] + magnitude(x) ** 2)


def adagrad_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """d(g a^-1/2) <= dg a^-1/2 + g a^-3/2 da / 2, five roundings, and one of the row for every place it has.

    The last because a program may write the row back once for each of its c slices.
    """
    S, root = magnitude(x), np.sqrt(want["accumulator"] + x["epsilon"])
    step = (places(x) + 5) * S / root + S * accumulator_scale(x, want) / (2 * root**3)
    written = np.maximum(places(x), 1) * (np.abs(want["table"]) + x["rate"] * S / root)
    return written + x["rate"] * step


def moment_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """(1 - b1) of a sum of c terms."""
    return (places(x) + 4) * (1 - x["beta_1"]) * magnitude(x)


def velocity_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """(1 - b2) of a square of a sum of c terms."""
    return (2 * places(x) + 5) * (1 - x["beta_2"]) * magnitude(x) ** 2


def adam_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """d(m / (r + eps)) <= dm / (r + eps) + m dv / (2 r (r + eps)^2); K b / (1 - b) for each correction."""
    r = np.sqrt(want["v"])
    whole = r + x["epsilon"]
    rate = x["rate"] * np.sqrt(1 - x["beta_2"]) / (1 - x["beta_1"])
    m = (1 - x["beta_1"]) * magnitude(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        dr = np.where(r > 0, velocity_scale(x, want) / (2 * r), 0.0)
    corrections = FUNCTION * sum(beta / (1 - beta) for beta in (x["beta_1"], x["beta_2"])) + 12
    return np.abs(want["table"]) + rate * (moment_scale(x, want) / whole + m * dr / whole**2 + corrections * m / whole)


SUM_OF_SQUARES = (
    "Keras on TensorFlow hands repeated ids over one by one, so squared gradients add up as sum(g^2), not (sum g)^2"
)
SPARSE_CITE = (
    "keras/src/backend/tensorflow/sparse.py (element-wise operations keep IndexedSlices as they are); "
    "keras/src/optimizers/optimizer_sparse_test.py tests distinct indices only"
)

CASES = [
    Case(
        name="keras-adagrad-repeats",
        claim="Adagrad accumulates the square of a row's whole gradient.",
        cite="Duchi, Hazan and Singer 2011, figure 1",
        inputs=draw,
        oracle=adagrad,
        impls={"torch": torch_adagrad, "keras-tensorflow": keras_adagrad},
        bounds={
            "accumulator": Bound(1, "square of a sum of c terms: (2 c + 5) (a0 + eps + S^2)", accumulator_scale),
            "table": Bound(1, "c (|w| + lr S a^-1/2) + lr ((c + 5) S a^-1/2 + S da a^-3/2 / 2)", adagrad_scale),
        },
        faults={
            "accumulator starts at 0": Fault('x["initial accumulator"] + g**2', "g**2"),
            "epsilon outside the root": Fault('np.sqrt(a + x["epsilon"])', '(np.sqrt(a) + x["epsilon"])'),
        },
        diverges={
            "keras-tensorflow": Divergence(
                SUM_OF_SQUARES, SPARSE_CITE, '["initial accumulator"] + g**2',
                '["initial accumulator"] + summed(x, x["upstream"] ** 2)',
            )
        },
        quick=True,
    ),
    Case(
        name="keras-adam-repeats",
        claim="Adam averages the square of a row's whole gradient.",
        cite="Kingma and Ba 2015, algorithm 1",
        inputs=draw,
        oracle=adam,
        impls={"torch": torch_adam, "keras-tensorflow": keras_adam},
        bounds={
            "m": Bound(1, "(1 - b1) of a sum of c terms: (c + 4) (1 - b1) S", moment_scale),
            "v": Bound(1, "(1 - b2) of a square: (2 c + 5) (1 - b2) S^2", velocity_scale),
            "table": Bound(1, "dm, dv and the bias corrections, K b / (1 - b) each, through the quotient", adam_scale),
        },
        faults={
            "no bias correction": Fault('np.sqrt(1 - x["beta_2"]) / (1 - x["beta_1"])', "1"),
            "betas exchanged": Fault('m = (1 - x["beta_1"])', 'm = (1 - x["beta_2"])'),
        },
        diverges={
            "keras-tensorflow": Divergence(
                SUM_OF_SQUARES, SPARSE_CITE, '(1 - x["beta_2"]) * g**2',
                '(1 - x["beta_2"]) * summed(x, x["upstream"] ** 2)',
            )
        },
    ),
]  # fmt: skip
