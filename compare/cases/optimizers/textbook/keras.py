"""The trajectories in Keras: two Embedding layers, negative_sampling_loss and Keras' own optimizers."""

from collections.abc import Mapping
from typing import Any

from compare.cases.optimizers.textbook.follow import outputs

TABLES = ("center", "context")
SLOTS = {
    "sgd": {},
    "adagrad": {"accumulator": "_accumulators"},
    "adam": {"m": "_momentums", "v": "_velocities"},
}


def run(name: str, x: Mapping[str, Any]) -> dict[str, Any]:
    """Follow the trajectory with the optimizer `name`."""
    return outputs(Stepper(name, x), x)


class Stepper:
    """A model and its optimizer, whose state can be set, stepped and read."""

    def __init__(self, name: str, x: Mapping[str, Any]) -> None:
        import tensorflow as tf

        from tf_emb.layers import Embedding

        self.name, self.x, self.tf = name, x, tf
        vocab, dim = x["center table"].shape
        self.layers = {table: Embedding(vocab, dim, dtype=x["center table"].dtype.name) for table in TABLES}
        for layer in self.layers.values():
            layer.build()
        self.tables = {table: layer.embeddings for table, layer in self.layers.items()}
        self.optimizer = optimizer(name, x)
        self.optimizer.build(list(self.tables.values()))
        self.graph = tf.function(self._step)

    def initial(self) -> dict[str, Any]:
        """Return the state before the first step."""
        # Given to the slots here: Keras' own initial value passes through float32 (case keras-adagrad-float64).
        fill = self.x["initial accumulator"] if self.name == "adagrad" else 0.0
        slots = {name: self.tf.fill(v.shape, self.tf.constant(fill, v.dtype)) for name, v in self.slots().items()}
        return {t: self.x[f"{t} table"] for t in self.tables} | slots

    def slots(self) -> dict[str, Any]:
        """Return the optimizer's variables by the names of the case."""
        return {
            f"{table} {slot}": getattr(self.optimizer, attribute)[i]
            for i, table in enumerate(self.tables)
            for slot, attribute in SLOTS[self.name].items()
        }

    def set(self, state: Mapping[str, Any], t: int) -> None:
        """Start from `state`, `t` steps done."""
        for name, variable in (self.tables | self.slots()).items():
            variable.assign(state[name])
        self.optimizer.iterations.assign(t)

    def step(self, center: Any, context: Any, noise: Any) -> None:
        """Take one step on one batch."""
        self.graph(center, context, noise)

    def _step(self, center: Any, context: Any, noise: Any) -> None:
        variables = list(self.tables.values())
        with self.tf.GradientTape() as tape:
            loss = self.tf.reduce_sum(self._loss(center, context, noise))
        self.optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)

    def _loss(self, center: Any, context: Any, noise: Any) -> Any:
        from tf_emb.layers import negative_sampling_loss

        keys = self.tf.concat([context[:, None], noise], 1)  # one lookup for both: a row gets one gradient
        u = self.tf.einsum("bd,bkd->bk", self.layers["center"](center), self.layers["context"](keys))
        return negative_sampling_loss(u[:, 0], u[:, 1:], noise != context[:, None])

    def read(self) -> dict[str, Any]:
        """Return the tables and slots as they are now."""
        return {name: self.tf.identity(v.value) for name, v in (self.tables | self.slots()).items()}

    def stack(self, arrays: list[Any], axis: int) -> Any:
        """Stack tensors."""
        return self.tf.stack(arrays, axis=axis)


def optimizer(name: str, x: Mapping[str, Any]) -> Any:
    """Return Keras' optimizer with every hyper-parameter explicit."""
    import keras
    import numpy as np

    if name == "sgd":
        return keras.optimizers.SGD(learning_rate=x["rate"], momentum=0.0)
    if name == "adagrad":
        return keras.optimizers.Adagrad(
            learning_rate=x["rate"], initial_accumulator_value=x["initial accumulator"], epsilon=x["epsilon"]
        )
    # A Python float goes through float32 on its way to the graph; a NumPy scalar keeps its digits.
    scalar = np.dtype(x["center table"].dtype.name).type
    return keras.optimizers.Adam(
        learning_rate=x["rate"], beta_1=scalar(x["beta_1"]), beta_2=scalar(x["beta_2"]), epsilon=x["epsilon"]
    )
