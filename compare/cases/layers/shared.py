"""One table that is read several times in a step: one `fit`, and the optimizer must see one summed gradient.

Each case is a model whose output is linear in the table, y = R W with R the matrix that says which rows each output
reads. For the mean squared error over N numbers,

    G = R^T (2 / N) (R W - Y)

and G, not its pieces, is what Adagrad, Adam and RMSprop square and what `clipnorm` measures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from compare.cases import parameters, text
from tf_emb.parity.case import Arrays, Case, Divergence, Fault, running
from tf_emb.parity.dtypes import WIDE
from tf_emb.parity.engines import KERAS
from tf_emb.parity.rounding import Rounded, contract

VOCAB, DIM, BATCH, TIME = 30, 4, 8, 4
# All exact at float32, and so is 1 / N: Keras passes some of them through it (the case keras-adam-float64).
NUMBERS = {
    "rate": 2.0**-4,
    "epsilon": 2.0**-10,
    "clip": 2.0**-6,
    "start": 0.125,
    "rho": 0.75,
    "beta_1": 0.875,
    "beta_2": 1 - 2.0**-10,
}
Oracle: TypeAlias = Callable[[Arrays], dict[str, np.ndarray]]
Reads: TypeAlias = Callable[[np.ndarray], np.ndarray]  # from ids to R

DEFAULT = 3  # the row of empty bags; a frequent word


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Ids of real text, the same ones in both halves of a row; some bags are empty but for padding, which is 0."""
    ids = text.passage(rng, BATCH * TIME, VOCAB).reshape(BATCH, TIME)
    ids[1::2] = ids[::2, ::-1]  # so that each half of the batch, and each column, repeats what another reads
    ids[:, -1] = ids[:, 0]
    bags = ids.copy()
    bags[::3] = 0
    bags[1::3, 1] = DEFAULT
    table = rng.normal(size=(VOCAB, DIM))
    return {
        "table": table,
        "ids": ids,
        "bags": bags,
        "target": rng.normal(size=(BATCH, TIME, DIM)),
        **parameters(NUMBERS),
    }


def reads_twice(ids: np.ndarray) -> np.ndarray:
    """Return R of layer(ids) + layer(reversed ids), shape (BATCH * TIME, VOCAB)."""
    rows = np.eye(VOCAB)[ids] + np.eye(VOCAB)[ids[:, ::-1]]
    return rows.reshape(-1, VOCAB)


def reads_once(ids: np.ndarray) -> np.ndarray:
    """Return R of a lookup, shape (BATCH * TIME, VOCAB)."""
    return np.eye(VOCAB)[ids].reshape(-1, VOCAB)


def reads_bags(bags: np.ndarray) -> np.ndarray:
    """Return R of sums of bags without their padding, or the row DEFAULT, shape (BATCH, VOCAB)."""
    sums = (np.eye(VOCAB)[bags] * (bags != 0)[..., None]).sum(1)
    return np.where((bags == 0).all(1)[:, None], np.eye(VOCAB)[DEFAULT], sums)


def targets(x: Arrays, outputs: int) -> np.ndarray:
    """Return the target of every output, shape (outputs, DIM); those of bags are the first of each row."""
    return (x["target"] if outputs == BATCH * TIME else x["target"][:, 0]).reshape(-1, DIM)


def twice_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """A step of a model that adds two lookups."""
    return steps(x, reads_twice(x["ids"]))


def once_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """A step of a model that looks each id up."""
    return steps(x, reads_once(x["ids"]))


def replicas_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The same, without the clipping, which Keras does in each replica by itself."""
    tables = once_oracle(x)
    del tables["sgd, clipnorm"]
    return tables


def bags_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """A step of a model of bags."""
    return steps(x, reads_bags(x["bags"]))


def steps(x: Arrays, reads: np.ndarray) -> dict[str, np.ndarray]:
    """Return the table after one step of each optimizer, from a model whose outputs are reads @ table."""
    matrix = reads.astype(x["table"].dtype)
    target = targets(x, len(matrix))
    upstream = 2 * (matrix @ x["table"] - target) / target.size
    g, w = matrix.T @ upstream, x["table"]
    clipped = g * np.minimum(1, x["clip"] / np.sqrt((g**2).sum()))
    accumulator = x["start"] + g**2
    velocity = (1 - x["rho"]) * g**2
    m, v = (1 - x["beta_1"]) * g, (1 - x["beta_2"]) * g**2
    rate = x["rate"] * np.sqrt(1 - x["beta_2"]) / (1 - x["beta_1"])
    return {
        "sgd, clipnorm": w - x["rate"] * clipped,
        "adagrad": w - x["rate"] * g / np.sqrt(accumulator + x["epsilon"]),
        "rmsprop": w - x["rate"] * g / np.sqrt(velocity + x["epsilon"]),
        "adam": w - rate * m / (np.sqrt(v) + x["epsilon"]),
    }


def envelope_of(reads: Reads, ids: str) -> Callable[[Arrays, float], Arrays]:
    """Return the running error analysis of the steps of a model that reads `reads(x[ids])`."""

    def envelope(x: Arrays, u: float) -> Arrays:
        matrix = reads(x[ids])
        target = targets(x, len(matrix))
        exact, w = Rounded.exact(matrix, u), Rounded.exact(x["table"], u)
        # The loss is a mean of squares: its gradient takes a division by N, a product with 2, and in the engines one
        # product with the 1 that arrives.
        upstream = (contract("ov,vd->od", exact, w) - target) * 2 * (Rounded.exact(1, u) / target.size) * 1.0
        g = contract("ov,od->vd", exact, upstream)
        squared = g * g
        n = squared.sum(0).sum(0).sqrt()
        rate, eps = Rounded.exact(x["rate"], u) * 1.0, float(x["epsilon"])
        power = [Rounded.exact(x[name], u) * 1.0 for name in ("beta_1", "beta_2")]
        m, v = g * (1 - power[0]), squared * (1 - power[1])
        bias = rate * (1 - power[1]).sqrt() / (1 - power[0])
        out = {
            "sgd, clipnorm": w - rate * (g * (Rounded.exact(x["clip"], u) / n)),
            "adagrad": w - rate * g / ((squared + x["start"]) + eps).sqrt(),
            "rmsprop": w - rate * g / (squared * (1 - Rounded.exact(x["rho"], u)) + eps).sqrt(),
            "adam": w - bias * m / (v.sqrt() + eps),
        }
        return {name: value.error for name, value in out.items()}

    return envelope


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


FAULTS = {
    "squares of the pieces": Fault(
        'accumulator = x["start"] + g**2', 'accumulator = x["start"] + (matrix**2).T @ upstream**2'
    ),
    "norm of the pieces": Fault(
        "np.sqrt((g**2).sum())", "np.sqrt((matrix**2 @ np.ones((VOCAB, DIM)) * upstream**2).sum())"
    ),
    "the last read alone": Fault("matrix.T @ upstream,", "matrix[-1:].T @ upstream[-1:],"),
    "mean of the reads": Fault("matrix.T @ upstream,", "matrix.T @ upstream / np.maximum(matrix.sum(0), 1)[:, None],"),
    "second moment of the pieces": Fault(
        '(1 - x["beta_2"]) * g**2', '(1 - x["beta_2"]) * ((matrix**2).T @ upstream**2)'
    ),
    "RMSprop of the pieces": Fault('(1 - x["rho"]) * g**2', '(1 - x["rho"]) * ((matrix**2).T @ upstream**2)'),
}
WHY = "running error analysis of the two products, the loss' gradient, and the optimizer's formula"


RULES = ("sgd, clipnorm", "adagrad", "rmsprop", "adam")
FLOAT32_NORM = Divergence(
    "Keras on PyTorch takes the norm at float32, at every dtype: there float64 and a Python float make float32",
    "keras/src/optimizers/base_optimizer.py, _clip_by_norm: ops.maximum(l2norm, self.clipnorm)",
    "np.sqrt((g**2).sum())",
    "np.float64(np.float32(np.sqrt((g**2).sum())))",
    at=("float64",),
)


def case(name: str, claim: str, impl: Trained, oracle: Oracle, reads: Reads, ids: str = "ids") -> Case:
    """Return the case of a model."""
    return Case(
        name=name,
        claim=claim,
        cite="tensorflow#28090; Duchi, Hazan and Singer 2011, figure 1; Kingma and Ba 2015, algorithm 1",
        inputs=draw,
        oracle=oracle,
        impls=dict.fromkeys(KERAS, impl),
        bounds=dict.fromkeys(RULES, running(WHY)),
        faults=FAULTS,
        envelope=envelope_of(reads, ids),
        diverges={"keras-torch": FLOAT32_NORM},
        dtypes=WIDE,
        quick=name == "shared-twice",
    )


def replicated(of: Case) -> Case:
    """Return the case without what replicas do not do: XLA, other backends, and clipping of the whole gradient."""
    engines = ("keras-tensorflow", "keras-graph")
    faults = {name: fault for name, fault in of.faults.items() if name != "norm of the pieces"}

    impls = {name: of.impls[name] for name in engines}
    bounds = {name: bound for name, bound in of.bounds.items() if name != "sgd, clipnorm"}
    return replace(of, impls=impls, bounds=bounds, faults=faults, diverges={})


CASES = [
    case(
        "shared-twice",
        "A layer that is called twice in a model: its optimizer sees one sum, and is held to its formula.",
        Trained(twice),
        twice_oracle,
        reads_twice,
    ),
    case(
        "shared-nested",
        "A layer inside a model and beside it: its optimizer sees one sum, and is held to its formula.",
        Trained(nested),
        twice_oracle,
        reads_twice,
    ),
    case(
        "shared-time",
        "A layer under TimeDistributed: its optimizer sees one sum, and is held to its formula.",
        Trained(by_time),
        once_oracle,
        reads_once,
    ),
    case(
        "shared-default",
        "A row that bags name, and that stands for empty ones: its optimizer is held to its formula.",
        Trained(bags, bag=True),
        bags_oracle,
        reads_bags,
        "bags",
    ),
    replicated(
        case(
            "shared-replicas",
            "Two replicas of MirroredStrategy: the optimizer is held to its formula.",
            Trained(once, replicas=2),
            replicas_oracle,
            reads_once,
        )
    ),
]
