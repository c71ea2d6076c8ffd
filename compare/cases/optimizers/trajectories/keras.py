"""The trajectories in Keras: the project's layers and models under Keras' own optimizers.

The layer's run on TensorFlow, JAX and PyTorch, skip-gram's on TensorFlow.
"""

from collections.abc import Callable, Mapping
from typing import Any

from compare.cases.optimizers.trajectories.follow import SLOTS, slot_name

Step = Callable[..., None]
Tables = dict[str, Any]


class Stepper:
    """Tables and their optimizer, whose state can be set, stepped and read."""

    def __init__(self, name: str, x: Mapping[str, Any]) -> None:
        import keras

        self.ops, self.full_like = keras.ops, keras.ops.full_like
        self.tables, loss = (embedding if "target" in x else skipgram)(x)
        variables = list(self.tables.values())
        self.optimizer = optimizer(name, x, variables[0].dtype)
        self.optimizer.build(variables)
        slots = {
            slot_name(table, slot): getattr(self.optimizer, attribute)[i]
            for i, table in enumerate(self.tables)
            for slot, (_, attribute) in SLOTS[name].items()
        }
        self.variables = {**self.tables, **slots}
        self.step = STEPS[keras.backend.backend()](loss, variables, self.optimizer)

    def set(self, state: Mapping[str, Any], t: int) -> None:
        """Start from `state`, `t` steps done."""
        for name, variable in self.variables.items():
            variable.assign(state[name])
        self.optimizer.iterations.assign(t)

    def read(self) -> dict[str, Any]:
        """Return the tables and their slots as they are now."""
        return {name: self.ops.copy(variable.value) for name, variable in self.variables.items()}

    def stack(self, arrays: list[Any], axis: int) -> Any:
        """Stack tensors."""
        return self.ops.stack(arrays, axis=axis)


def embedding(x: Mapping[str, Any]) -> tuple[Tables, Callable[..., Any]]:
    """Return the layer's table, and the loss that draws its rows towards targets."""
    from keras import ops

    from tf_emb.layers import Embedding

    table = ops.convert_to_numpy(x["start table"])
    padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
    layer = Embedding(*table.shape, padding_idx=padding, weights=table, dtype=table.dtype.name)

    def loss(ids: Any, target: Any) -> Any:
        off = layer(ids) - target
        return ops.sum(off * off) / 2

    return {"table": layer.embeddings}, loss


def skipgram(x: Mapping[str, Any]) -> tuple[Tables, Callable[..., Any]]:
    """Return the tables of two layers, and the negative-sampling loss of skip-gram between their rows."""
    from keras import ops

    from tf_emb.layers import Embedding, negative_sampling_loss

    vocab, dim = x["center table"].shape
    layers = {name: Embedding(vocab, dim, dtype=x["center table"].dtype.name) for name in ("center", "context")}
    for layer in layers.values():
        layer.build()

    def loss(center: Any, context: Any, noise: Any) -> Any:
        keys = ops.concatenate([context[:, None], noise], 1)  # one lookup for both: a row gets one gradient
        u = ops.einsum("bd,bkd->bk", layers["center"](center), layers["context"](keys))
        return ops.sum(negative_sampling_loss(u[:, 0], u[:, 1:], noise != context[:, None]))

    return {name: layer.embeddings for name, layer in layers.items()}, loss


def optimizer(name: str, x: Mapping[str, Any], dtype: str) -> Any:
    """Return Keras' optimizer with every hyper-parameter explicit."""
    import numpy as np
    from keras import optimizers

    # At float64 a Python float goes through float32 on its way to some operations; a NumPy scalar keeps its digits.
    scalar = np.float64 if dtype == "float64" else float
    betas = {"beta_1": scalar(x["beta_1"]), "beta_2": scalar(x["beta_2"]), "epsilon": x["epsilon"]}
    rate = x["rate"]
    return {
        "sgd": lambda: optimizers.SGD(rate, momentum=0.0),
        "momentum": lambda: optimizers.SGD(rate, momentum=scalar(x["momentum"]), nesterov=False),
        "adagrad": lambda: optimizers.Adagrad(rate, x["initial accumulator"], epsilon=x["epsilon"]),
        "adam": lambda: optimizers.Adam(rate, **betas, amsgrad=False),
        "adamw": lambda: optimizers.AdamW(rate, weight_decay=scalar(x["weight decay"]), **betas, amsgrad=False),
        "rmsprop": lambda: optimizers.RMSprop(
            rate, rho=scalar(x["rho"]), momentum=0.0, epsilon=x["epsilon"], centered=False
        ),
    }[name]()


def tensorflow_step(loss: Callable[..., Any], tables: list[Any], optimizer: Any) -> Step:
    """A tf.function, under XLA where the engine is: the tables' own gradients go straight into the optimizer."""
    import tensorflow as tf

    from tf_emb.parity.engines import pullback

    @tf.function(jit_compile=pullback.MODE == "xla")
    def step(*batch: Any) -> None:
        with tf.GradientTape() as tape:
            value = loss(*batch)
        optimizer.apply(tape.gradient(value, [table.value for table in tables]), tables)

    return step


def jax_step(loss: Callable[..., Any], tables: list[Any], optimizer: Any) -> Step:
    """jax.grad and stateless_apply under jax.jit."""
    import jax
    import keras

    variables = [*tables, *optimizer.variables]

    def stateless(values: list[Any], *batch: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(tables, values, strict=True))):
            return loss(*batch)

    @jax.jit
    def pure(values: list[Any], *batch: Any) -> list[Any]:
        start, slots = values[: len(tables)], values[len(tables) :]
        after, slots = optimizer.stateless_apply(slots, jax.grad(stateless)(start, *batch), start)
        return [*after, *slots]

    def step(*batch: Any) -> None:
        for variable, value in zip(variables, pure([v.value for v in variables], *batch), strict=True):
            variable.assign(value)

    return step


def torch_step(loss: Callable[..., Any], tables: list[Any], optimizer: Any) -> Step:
    """Tensor.backward, and Keras' optimizer on PyTorch."""
    import torch

    def step(*batch: Any) -> None:
        for table in tables:
            table.value.grad = None
        loss(*batch).backward()
        with torch.no_grad():
            optimizer.apply([table.value.grad for table in tables], tables)

    return step


STEPS: dict[str, Callable[[Callable[..., Any], list[Any], Any], Step]] = {
    "tensorflow": tensorflow_step,
    "jax": jax_step,
    "torch": torch_step,
}
