"""What TensorFlow can do to a layer."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from compare.transforms.kits.kit import Do, Kit, Parts, Results, Tensor, applied, direction, numpy, oracles, whole
from compare.transforms.modes import Mode, calls
from compare.transforms.verdict import AbsentError, Numbers


class TensorFlow(Kit):
    """tf.function, XLA, tf.map_fn, tf.vectorized_map, tapes and accumulators."""

    name, writes = "tensorflow", True

    def tensor(self, array: np.ndarray) -> Tensor:
        """Return a tensor of the array's values."""
        return tf.constant(array)

    def ways(self) -> dict[str, Do]:
        """Return the transformations of this backend by their names."""
        return {
            "eager": self._eager,
            "compiled": self._graph,
            "XLA": self._xla,
            "unknown batch": self._unknown_batch,
            "unknown rank": self._unknown_rank,
            "map": self._map,
            "vectorized_map": self._vectorized,
            "while loop": self._loop,
            "jacobian": self._jacobian,
            "second derivative": self._second,
            "forward mode": self._forward,
            "per-example gradients": self._per_example,
            "recomputation": self._recomputed,
            "input pipeline": self._pipeline,
        }

    def differentiated(self, layer: keras.Layer, mode: Mode) -> Callable[..., Results]:
        """Return a function of parts and an upstream that returns output and gradients."""
        table = layer.trainable_variables[0].value

        def run(*given: Tensor) -> Results:
            *parts, u = given
            with tf.GradientTape() as tape:
                if mode.weighted:
                    tape.watch(parts[-1])
                out = applied(layer, mode, parts)
                loss = tf.reduce_sum(out * u)
            sources = [table, parts[-1]] if mode.weighted else [table]
            return [out, *map(tf.convert_to_tensor, tape.gradient(loss, sources))]

        return run

    def _eager(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = self.differentiated(layer, mode)
        self.eachwise(mode, numbers, lambda parts, u: run(*parts, u))

    def _graph(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = tf.function(self.differentiated(layer, mode))
        self.eachwise(mode, numbers, lambda parts, u: run(*parts, u))

    def _xla(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = tf.function(self.differentiated(layer, mode), jit_compile=True)
        self.eachwise(mode, numbers, lambda parts, u: run(*parts, u))

    def _specified(self, layer: keras.Layer, mode: Mode, numbers: Numbers, shape: Callable[[Any], Any]) -> None:
        parts = [*self.parts(calls(mode)[0]), self.upstreams(mode)[0]]
        signature = [tf.TensorSpec(shape(part.shape), part.dtype) for part in parts]
        run = tf.function(self.differentiated(layer, mode), input_signature=signature)
        self.eachwise(mode, numbers, lambda parts, u: run(*parts, u))

    def _unknown_batch(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        self._specified(layer, mode, numbers, lambda shape: [None] * len(shape))

    def _unknown_rank(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        self._specified(layer, mode, numbers, lambda shape: None)

    def _mapped(self, layer: keras.Layer, mode: Mode, numbers: Numbers, mapper: Callable[..., Tensor]) -> None:
        parts, u = self.stacked(mode), self.upstreams(mode)
        with tf.GradientTape() as tape:
            tape.watch(parts[-1])
            out = mapper(lambda given: applied(layer, mode, given), tuple(parts))
            loss = tf.reduce_sum(out * u)
        table = layer.trainable_variables[0].value
        sources = [table, parts[-1]] if mode.weighted else [table]
        self.together(mode, numbers, [out, *map(tf.convert_to_tensor, tape.gradient(loss, sources))])

    def _map(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        self._mapped(layer, mode, numbers, lambda f, x: tf.map_fn(f, x, fn_output_signature=tf.float32))

    def _vectorized(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        self._mapped(layer, mode, numbers, tf.vectorized_map)

    def _loop(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        """A loop in a graph, whose body is differentiated by TensorFlow's own rule for loops."""

        @tf.function
        def looped(f: Callable[..., Tensor], x: Sequence[Tensor]) -> Tensor:
            found = tf.TensorArray(tf.float32, 2)
            for n in tf.range(2):
                found = found.write(n, f([part[n] for part in x]))
            return found.stack()

        self._mapped(layer, mode, numbers, looped)

    def _jacobian(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, True), strict=True)):
            with tf.GradientTape() as tape:
                out = applied(layer, mode, self.parts(call))
            got = tf.convert_to_tensor(tape.jacobian(out, layer.trainable_variables[0].value))
            numbers.hold(f"jacobian{n}", numpy(got), oracle.jacobian()[..., mode.trained, :])

    def _second(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        table = layer.trainable_variables[0].value

        def run(parts: Parts) -> Results:
            sources = [table, parts[-1]] if mode.weighted else [table]
            with tf.GradientTape() as outer:
                if mode.weighted:
                    outer.watch(parts[-1])
                with tf.GradientTape() as inner:
                    loss = tf.reduce_sum(applied(layer, mode, parts) ** 2) / 2
                penalty = tf.reduce_sum(tf.convert_to_tensor(inner.gradient(loss, table)) ** 2)
            return [tf.convert_to_tensor(g) for g in outer.gradient(penalty, sources)]

        for tag, way in (("", run), (", compiled", tf.function(run))):
            for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, True), strict=True)):
                of_table, of_weights = oracle.second()
                got = [numpy(tensor) for tensor in way(self.parts(call))]
                numbers.hold(f"table{n}{tag}, twice", got[0], of_table[mode.trained])
                if of_weights is not None:
                    numbers.hold(f"weights{n}{tag}, twice", got[1], of_weights)

    def _forward(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        variable, moved = layer.trainable_variables[0].value, direction(mode)
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, True), strict=True)):
            with tf.autodiff.ForwardAccumulator(variable, tf.constant(moved)) as accumulator:
                out = applied(layer, mode, self.parts(call))
            numbers.hold(f"tangent{n}", numpy(accumulator.jvp(out)), oracle.tangent(whole(mode, moved)))

    def _per_example(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = self.differentiated(layer, mode)
        given = (*self.stacked(mode), self.upstreams(mode))
        self.apiece(mode, numbers, tf.vectorized_map(lambda parts: run(*parts), given))

    def _recomputed(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        table = layer.trainable_variables[0].value

        def run(parts: Parts, u: Tensor) -> Results:
            with tf.GradientTape() as tape:
                again = tf.recompute_grad(lambda: applied(layer, mode, parts))
                out = again()
                loss = tf.reduce_sum(out * u)
            return [out, tf.convert_to_tensor(tape.gradient(loss, table))]

        self.eachwise(mode, numbers, run)

    def _pipeline(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        if "max_norm" in mode.options:
            raise AbsentError("a pipeline may not write variables")
        data = tf.data.Dataset.from_tensor_slices(tuple(self.stacked(mode)))
        out = [row.numpy() for row in data.map(lambda *parts: applied(layer, mode, parts))]
        for n, oracle in enumerate(oracles(mode, True)):
            numbers.hold(f"out{n}", out[n], oracle.forward())


KIT = TensorFlow()
