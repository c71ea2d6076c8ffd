"""The trajectories in Keras, on TensorFlow, JAX and PyTorch: tf_emb.layers.Embedding and Keras' own optimizers."""

from collections.abc import Callable, Mapping
from typing import Any

from compare.cases.optimizers.trajectories.follow import start

SLOTS = {
    "sgd": {},
    "momentum": {"velocity": "momentums"},
    "adagrad": {"accumulator": "_accumulators"},
    "adam": {"m": "_momentums", "v": "_velocities"},
    "adamw": {"m": "_momentums", "v": "_velocities"},
    "rmsprop": {"v": "_velocities"},
}


class Stepper:
    """A layer and its optimizer, whose state can be set, stepped and read."""

    def __init__(self, name: str, x: Mapping[str, Any]) -> None:
        import keras

        from tf_emb.layers import Embedding

        self.name, self.x, self.ops = name, x, keras.ops
        table = keras.ops.convert_to_numpy(x["start table"])
        padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
        self.layer = Embedding(*table.shape, padding_idx=padding, weights=table, dtype=table.dtype.name)
        self.optimizer = optimizer(name, x, table.dtype.name)
        self.optimizer.build([self.layer.embeddings])
        slots = {slot: getattr(self.optimizer, attribute)[0] for slot, attribute in SLOTS[name].items()}
        self.variables = {"table": self.layer.embeddings, **slots}
        self.step = STEPS[keras.backend.backend()](self.layer, self.optimizer)

    def initial(self) -> dict[str, Any]:
        """Return the state before the first step."""
        # Given to the slots here: Keras' own initial value passes through float32 (case keras-adagrad-float64).
        table = self.x["start table"]
        return {"table": table} | {k: self.ops.full_like(table, start(self.name, self.x)) for k in SLOTS[self.name]}

    def set(self, state: Mapping[str, Any], t: int) -> None:
        """Start from `state`, `t` steps done."""
        for name, variable in self.variables.items():
            variable.assign(state[name])
        self.optimizer.iterations.assign(t)

    def read(self) -> dict[str, Any]:
        """Return the table and its slots as they are now."""
        return {name: self.ops.copy(variable.value) for name, variable in self.variables.items()}

    def stack(self, arrays: list[Any], axis: int) -> Any:
        """Stack tensors."""
        return self.ops.stack(arrays, axis=axis)


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


Step = Callable[[Any, Any], None]


def tensorflow_step(layer: Any, optimizer: Any) -> Step:
    """A tf.function, under XLA where the engine is: the layer's own gradient goes straight into the optimizer."""
    import tensorflow as tf

    from tf_emb.parity.engines import pullback

    @tf.function(jit_compile=pullback.MODE == "xla")
    def step(ids: Any, target: Any) -> None:
        with tf.GradientTape() as tape:
            off = layer(ids) - target
            loss = tf.reduce_sum(off * off) / 2
        optimizer.apply(tape.gradient(loss, [layer.embeddings.value]), [layer.embeddings])

    return step


def jax_step(layer: Any, optimizer: Any) -> Step:
    """jax.grad and stateless_apply under jax.jit."""
    import jax
    import keras

    variables = [layer.embeddings, *optimizer.variables]

    def loss(table: Any, ids: Any, target: Any) -> Any:
        with keras.StatelessScope(state_mapping=[(layer.embeddings, table)]):
            off = layer(ids) - target
            return (off * off).sum() / 2

    @jax.jit
    def pure(values: list[Any], ids: Any, target: Any) -> list[Any]:
        gradient = jax.grad(loss)(values[0], ids, target)
        table, slots = optimizer.stateless_apply(values[1:], [gradient], values[:1])
        return [*table, *slots]

    def step(ids: Any, target: Any) -> None:
        for variable, value in zip(variables, pure([v.value for v in variables], ids, target), strict=True):
            variable.assign(value)

    return step


def torch_step(layer: Any, optimizer: Any) -> Step:
    """Tensor.backward, and Keras' optimizer on PyTorch."""
    import torch

    def step(ids: Any, target: Any) -> None:
        layer.embeddings.value.grad = None
        off = layer(ids) - target
        ((off * off).sum() / 2).backward()
        with torch.no_grad():
            optimizer.apply([layer.embeddings.value.grad], [layer.embeddings])

    return step


STEPS: dict[str, Callable[[Any, Any], Step]] = {
    "tensorflow": tensorflow_step,
    "jax": jax_step,
    "torch": torch_step,
}
