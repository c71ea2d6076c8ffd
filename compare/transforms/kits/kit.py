"""What the three backends have in common: a layer made from a mode, and its calls."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from compare.transforms.kits.heads import HeadOracle
from compare.transforms.modes import DIM, TABLE, VOCAB, Call, Mode, calls, upstream
from compare.transforms.oracle import Oracle
from compare.transforms.verdict import AbsentError, Numbers

Tensor: TypeAlias = Any  # of the backend that is running
Parts: TypeAlias = Sequence[Tensor]  # ids, then offsets and weights where there are any
Results: TypeAlias = Sequence[Tensor]  # the output, the gradient of the trained table, that of weights if there are any
AnyOracle: TypeAlias = Oracle | HeadOracle
Do: TypeAlias = Callable[[keras.Layer, Mode, Numbers], None]


def make(mode: Mode, **options: Any) -> keras.Layer:
    """Return a built layer of a mode, which holds the table."""
    import tf_emb.layers

    if mode.form == "ragged" and keras.backend.backend() != "tensorflow":
        raise AbsentError("ragged tensors are TensorFlow's")
    if mode.head:
        if options:
            raise AbsentError("computed at the dtype of the table")
        return _scored(mode)
    home = keras.layers if mode.keras else tf_emb.layers
    layer = getattr(home, mode.layer)(VOCAB, DIM, **mode.options, **options)
    layer.build()
    layer.set_weights([TABLE.astype(np.float32)])
    return layer


def _scored(mode: Mode) -> keras.Layer:
    from compare.transforms.kits.heads import Scored

    layer = Scored(mode.head)
    layer.build(tuple(calls(mode)[0].parts[0].shape))
    layer.built = True
    layer.set_weights([TABLE.astype(np.float32)])
    return layer


def held(layer: keras.Layer) -> np.ndarray:
    """Return the whole table of a layer."""
    if hasattr(layer, "matrix"):
        return np.asarray(layer.matrix())
    return np.asarray(keras.ops.convert_to_numpy(layer.weights[0]))


def applied(layer: Callable[..., Tensor], mode: Mode, parts: Parts) -> Tensor:
    """Return the output of a layer for the arrays of a call."""
    ids, *rest = parts
    if mode.head:
        return layer(ids, *rest)
    if mode.form == "ragged":
        import tensorflow as tf

        # Offsets are starts: the end of the last bag is the number of ids.
        splits = tf.concat([rest[0], [tf.shape(ids)[0]]], 0)
        return layer(tf.RaggedTensor.from_row_splits(ids, splits))
    given = (ids, rest[0]) if mode.form == "offsets" else ids
    return layer(given, per_sample_weights=rest[-1]) if mode.weighted else layer(given)


def oracles(mode: Mode, writes: bool) -> list[AnyOracle]:
    """Return the oracles of both calls, each from the same table."""
    return [oracle_of(mode, call, TABLE, writes) for call in calls(mode)]


def oracle_of(mode: Mode, call: Call, table: np.ndarray, writes: bool) -> AnyOracle:
    """Return the oracle of a call with a table."""
    return (HeadOracle if mode.head else Oracle)(mode, call, table, writes)


class Kit(ABC):
    """A backend.

    Attributes:
        name: Keras' name for it.
        writes: whether a forward pass under `max_norm` writes the table.
    """

    name: str
    writes: bool

    @abstractmethod
    def tensor(self, array: np.ndarray) -> Tensor:
        """Return a tensor of the array's values."""

    @abstractmethod
    def ways(self) -> dict[str, Do]:
        """Return the transformations of this backend by their names."""

    @abstractmethod
    def differentiated(self, layer: keras.Layer, mode: Mode) -> Callable[..., Results]:
        """Return a function of parts and an upstream that returns output and gradients."""

    def tidy(self) -> None:  # noqa: B027 (a backend may have nothing to forget)
        """Forget compiled programs, which are of no use to the next transformation."""

    def parts(self, call: Call) -> list[Tensor]:
        """Return the tensors of a call."""
        return [self.tensor(part) for part in call.parts]

    def stacked(self, mode: Mode) -> list[Tensor]:
        """Return the tensors of both calls, one above the other."""
        if mode.form == "ragged":
            raise AbsentError("ragged batches do not stack")
        return [self.tensor(np.stack(pair)) for pair in zip(*(call.parts for call in calls(mode)), strict=True)]

    def upstreams(self, mode: Mode) -> Tensor:
        """Return dE/dout of both calls."""
        return self.tensor(np.stack([upstream(mode, n) for n in range(2)]).astype(np.float32))

    def eachwise(self, mode: Mode, numbers: Numbers, got: Callable[[Parts, Tensor], Results]) -> None:
        """Hold a function of one call, applied to both in turn, to its oracle."""
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, self.writes), strict=True)):
            u = upstream(mode, n)
            self.hold(numbers, mode, str(n), got(self.parts(call), self.tensor(u.astype(np.float32))), oracle, u)

    def hold(self, numbers: Numbers, mode: Mode, tag: str, got: Results, oracle: AnyOracle, u: np.ndarray) -> None:
        """Hold output and gradients to an oracle."""
        want = [oracle.forward(), oracle.gradient(u)[mode.trained]]
        want += [oracle.weights_gradient(u)] if isinstance(oracle, Oracle) and mode.weighted else []
        for name, tensor, number in zip(("out", "table", "weights"), got, want, strict=False):
            numbers.hold(name + tag, numpy(tensor), number)

    def together(self, mode: Mode, numbers: Numbers, got: Results) -> None:
        """Hold stacked outputs, and the one gradient of both calls, to the oracles."""
        both = oracles(mode, self.writes)
        out, table, *weights = (numpy(tensor) for tensor in got)
        for n, oracle in enumerate(both):
            numbers.hold(f"out{n}", out[n], oracle.forward())
            if weights and isinstance(oracle, Oracle):
                numbers.hold(f"weights{n}", weights[0][n], oracle.weights_gradient(upstream(mode, n)))
        first, second = (oracle.gradient(upstream(mode, n))[mode.trained] for n, oracle in enumerate(both))
        numbers.hold("table", table, first + second)

    def apiece(self, mode: Mode, numbers: Numbers, got: Results) -> None:
        """Hold stacked outputs and gradients, one per call, to the oracles."""
        for n, oracle in enumerate(oracles(mode, self.writes)):
            mine = [tensor[n] for tensor in got]
            self.hold(numbers, mode, str(n), mine, oracle, upstream(mode, n))


def numpy(tensor: Tensor) -> np.ndarray:
    """Return the values of a tensor."""
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def direction(mode: Mode) -> np.ndarray:
    """Return a direction of the trained table: small integers."""
    draws = np.random.default_rng(20).integers(-3, 4, TABLE.shape)
    return np.asarray(draws, np.float32)[mode.trained]


def whole(mode: Mode, trained: np.ndarray) -> np.ndarray:
    """Return a direction of the whole table, 0 in the rows that are not trained."""
    found = np.zeros_like(TABLE)
    found[mode.trained] = trained
    return found
