"""The rules in PyTorch and in Keras: an Embedding layer gives the gradient, the library's own optimizer the step."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from compare.cases.optimizers import KERAS
from compare.cases.optimizers.rules.oracle import STEPS

Tensors = Mapping[str, Any]
Arguments = Callable[[Tensors], dict[str, Any]]
Slots = Mapping[str, tuple[str, str]]  # name in the case -> (key of torch's state, attribute of Keras' optimizer)


def pair(torch: tuple[str, Arguments], keras: tuple[str, Arguments], slots: Slots | None = None) -> dict[str, Any]:
    """Return the implementations of every engine, from (name of the optimizer, its arguments) in each library."""
    return {
        "torch": partial(run_torch, *torch, slots or {}),
        **dict.fromkeys(KERAS, partial(run_keras, *keras, slots or {})),
    }


def run_torch(name: str, arguments: Arguments, slots: Slots, x: Tensors) -> dict[str, Any]:
    """torch.nn.Embedding and torch.optim."""
    import torch

    layer = torch.nn.Embedding.from_pretrained(x["table"].clone(), freeze=False)
    optimizer = getattr(torch.optim, name)(layer.parameters(), **arguments(x))
    for _ in range(STEPS):
        optimizer.zero_grad()
        layer(x["ids"]).backward(x["upstream"])
        optimizer.step()
    state = optimizer.state[layer.weight]
    return {"table": layer.weight} | {slot: state[key] for slot, (key, _) in slots.items()}


def run_keras(name: str, arguments: Arguments, slots: Slots, x: Tensors) -> dict[str, Any]:
    """tf_emb.layers.Embedding and keras.optimizers, eagerly on whichever backend runs."""
    import keras

    layer, gradient = embedding(x)
    optimizer = keras_optimizer(getattr(keras.optimizers, name), arguments(x))
    optimizer.build([layer.embeddings])
    for _ in range(STEPS):
        optimizer.apply([gradient], [layer.embeddings])
    return {"table": layer.embeddings.value} | {
        slot: getattr(optimizer, attribute)[0].value for slot, (_, attribute) in slots.items()
    }


def embedding(x: Tensors) -> tuple[Any, Any]:
    """Return an Embedding of tf_emb that holds the table, and the gradient that it gives."""
    import keras

    from tf_emb.layers import Embedding
    from tf_emb.parity.engines.pullback import pull_back

    table = keras.ops.convert_to_numpy(x["table"])
    layer = Embedding(*table.shape, weights=table, dtype=table.dtype.name)
    return layer, pull_back(lambda: layer(x["ids"]), [layer.embeddings], x["upstream"])[1][0]


def keras_optimizer(kind: Any, arguments: Mapping[str, Any]) -> Any:
    """Make an optimizer from `arguments`, and from its own defaults where they are silent.

    At float64 Keras on TensorFlow rounds Python floats to float32 on their way (cases keras-adam-float64 and
    keras-adagrad-float64). NumPy scalars keep their digits, so every number is made one here.
    """
    import keras
    import numpy as np

    scalar = np.float64 if keras.config.floatx() == "float64" else float
    defaults = {k: p.default for k, p in inspect.signature(kind.__init__).parameters.items()}
    numbers = {k: v for k, v in (defaults | dict(arguments)).items() if type(v) is float}
    return kind(**{**arguments, **{k: scalar(v) for k, v in numbers.items()}})


def momentum_torch(x: Tensors) -> dict[str, Any]:
    """torch.optim.SGD with a rate for each step; its buffer times the last rate is the velocity."""
    import torch

    layer = torch.nn.Embedding.from_pretrained(x["table"].clone(), freeze=False)
    optimizer = torch.optim.SGD(layer.parameters(), momentum=x["momentum"])
    for rate in x["rates"].tolist():
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        layer(x["ids"]).backward(x["upstream"])
        optimizer.step()
    return {"table": layer.weight, "velocity": -rate * optimizer.state[layer.weight]["momentum_buffer"]}


def momentum_keras(x: Tensors) -> dict[str, Any]:
    """keras.optimizers.SGD with a rate for each step."""
    import keras

    layer, gradient = embedding(x)
    optimizer = keras_optimizer(keras.optimizers.SGD, {"momentum": x["momentum"]})
    optimizer.build([layer.embeddings])
    for t in range(STEPS):
        optimizer.learning_rate.assign(x["rates"][t])
        optimizer.apply([gradient], [layer.embeddings])
    return {"table": layer.embeddings.value, "velocity": optimizer.momentums[0].value}
