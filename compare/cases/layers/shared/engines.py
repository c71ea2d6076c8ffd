"""Models that read a table several times, and one step of `fit` of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.cases.layers.shared.oracle import BATCH, DEFAULT, DIM, TIME, VOCAB

RULES = ("sgd, clipnorm", "adagrad", "rmsprop", "adam")


def twice(layer: Any, x: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """A layer that is called twice."""
    import keras

    first, second = (keras.Input((TIME,), dtype="int32") for _ in range(2))
    ids = keras.ops.convert_to_numpy(x["ids"])
    return keras.Model([first, second], layer(first) + layer(second)), [ids, ids[:, ::-1].copy()]


def by_time(layer: Any, x: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """A layer that is called once per time step."""
    import keras

    ids = keras.Input((TIME, 1), dtype="int32")
    rows = keras.layers.Reshape((TIME, DIM))(keras.layers.TimeDistributed(layer)(ids))
    return keras.Model(ids, rows), [keras.ops.convert_to_numpy(x["ids"])[..., None]]


def nested(layer: Any, x: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """A layer that is in two models, one inside the other."""
    import keras

    inner_ids, first, second = (keras.Input((TIME,), dtype="int32") for _ in range(3))
    inner = keras.Model(inner_ids, layer(inner_ids))
    ids = keras.ops.convert_to_numpy(x["ids"])
    return keras.Model([first, second], inner(first) + layer(second)), [ids, ids[:, ::-1].copy()]


def bags(layer: Any, x: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """Bags that name a row, and empty ones that get it by default."""
    import keras

    ids = keras.Input((TIME,), dtype="int32")
    return keras.Model(ids, layer(ids)), [keras.ops.convert_to_numpy(x["bags"])]


def once(layer: Any, x: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """A layer that is called once."""
    import keras

    ids = keras.Input((TIME,), dtype="int32")
    return keras.Model(ids, layer(ids)), [keras.ops.convert_to_numpy(x["ids"])]


def optimizer(x: Mapping[str, Any], name: str) -> Any:
    """Keras' optimizer; NumPy betas keep their digits, which Python's lose on the way through float32."""
    import keras

    number = np.dtype(keras.config.floatx()).type
    rate, eps, rho, beta_1, beta_2 = (x[key] for key in ("rate", "epsilon", "rho", "beta_1", "beta_2"))
    if name == "sgd, clipnorm":
        return keras.optimizers.SGD(rate, clipnorm=x["clip"])
    if name == "adagrad":
        return keras.optimizers.Adagrad(rate, initial_accumulator_value=number(x["start"]), epsilon=eps)
    if name == "rmsprop":
        return keras.optimizers.RMSprop(rate, rho=number(rho), epsilon=eps)
    return keras.optimizers.Adam(rate, number(beta_1), number(beta_2), epsilon=eps)


@dataclass(frozen=True)
class Trained:
    """One step of `fit` of `model` with each optimizer, run as the engine runs."""

    model: Callable[[Any, Mapping[str, Any]], tuple[Any, list[Any]]]
    bag: bool = False
    replicas: int = 1

    def __call__(self, x: Mapping[str, Any]) -> dict[str, Any]:
        """Return the table after the step, by optimizer."""
        # Keras clips the gradient of each replica by itself.
        return {name: self._table(x, name) for name in RULES if self.replicas == 1 or name != "sgd, clipnorm"}

    def _table(self, x: Mapping[str, Any], name: str) -> Any:
        import contextlib

        import keras

        from tf_emb.parity.engines import pullback

        scope: Any = contextlib.nullcontext()
        if self.replicas > 1:
            import tensorflow as tf

            devices = [f"CPU:{i}" for i in range(self.replicas)]
            scope = tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice()).scope()
        with scope:
            layer = self._layer(x)
            model, inputs = self.model(layer, x)
            how = {"eager": {"run_eagerly": True}, "xla": {"jit_compile": True}}.get(
                pullback.MODE, {"jit_compile": False}
            )
            model.compile(optimizer(x, name), "mse", **(how if keras.backend.backend() == "tensorflow" else {}))
        target = keras.ops.convert_to_numpy(x["target"])
        model.fit(inputs, target[:, 0] if self.bag else target, batch_size=BATCH, shuffle=False, verbose=0)
        return layer.embeddings.value if self.replicas == 1 else layer.embeddings.numpy()

    def _layer(self, x: Mapping[str, Any]) -> Any:
        import keras

        from tf_emb.layers import Embedding, EmbeddingBag

        weights = keras.ops.convert_to_numpy(x["table"])
        if self.bag:
            own = {"combiner": "sum", "padding_idx": 0, "default_id": DEFAULT}
            return EmbeddingBag(VOCAB, DIM, weights=weights, dtype=weights.dtype.name, **own)
        return Embedding(VOCAB, DIM, weights=weights, dtype=weights.dtype.name)
