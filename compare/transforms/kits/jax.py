"""What JAX can do to a layer."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp

from compare.transforms.kits.kit import Do, Kit, Results, Tensor, applied, direction, numpy, oracles, whole
from compare.transforms.modes import Mode, calls
from compare.transforms.verdict import Numbers


class Jax(Kit):
    """jax.jit, vmap, lax.map, lax.scan, jacrev, jvp, checkpoint: of `stateless_call`."""

    name, writes = "jax", False

    def tensor(self, array: np.ndarray) -> Tensor:
        """Return a tensor of the array's values."""
        return jnp.asarray(array)

    def tidy(self) -> None:
        """Forget compiled programs."""
        jax.clear_caches()

    def ways(self) -> dict[str, Do]:
        """Return the transformations of this backend by their names."""
        return {
            "eager": self._eager,
            "compiled": self._jit,
            "map": self._map,
            "vectorized_map": self._vectorized,
            "while loop": self._scan,
            "jacobian": self._jacobian,
            "second derivative": self._second,
            "forward mode": self._forward,
            "per-example gradients": self._per_example,
            "recomputation": self._recomputed,
        }

    def function(self, layer: keras.Layer, mode: Mode) -> Callable[..., Tensor]:
        """Return the output as a function of the trained table and the parts."""
        fixed = [variable.value for variable in layer.non_trainable_variables]

        def run(table: Tensor, *parts: Tensor) -> Tensor:
            def call(*args: Tensor, **options: Tensor) -> Tensor:
                return layer.stateless_call([table], fixed, *args, **options)[0]

            return applied(call, mode, parts)

        return run

    def gradients(self, function: Callable[..., Tensor], mode: Mode) -> Callable[..., Results]:
        """Return a function of the table, parts and an upstream that returns output and gradients."""

        def loss(table: Tensor, weights: Tensor, parts: Sequence[Tensor], u: Tensor) -> tuple[Tensor, Tensor]:
            given = [*parts[:-1], weights] if mode.weighted else parts
            out = function(table, *given)
            return jnp.sum(out * u), out

        def run(table: Tensor, *given: Tensor) -> Results:
            *parts, u = given
            sources = (0, 1) if mode.weighted else (0,)
            grads, out = jax.grad(loss, sources, has_aux=True)(table, parts[-1], parts, u)
            return [out, *grads]

        return run

    def differentiated(self, layer: keras.Layer, mode: Mode) -> Callable[..., Results]:
        """Return a function of parts and an upstream that returns output and gradients."""
        run, table = self.gradients(self.function(layer, mode), mode), layer.trainable_variables[0].value
        return lambda *given: run(table, *given)

    def _eager(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = self.differentiated(layer, mode)
        self.eachwise(mode, numbers, lambda parts, u: run(*parts, u))

    def _jit(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = jax.jit(self.differentiated(layer, mode))
        self.eachwise(mode, numbers, lambda parts, u: run(*parts, u))

    def _mapped(self, layer: keras.Layer, mode: Mode, numbers: Numbers, mapper: Callable[..., Any]) -> None:
        function = self.function(layer, mode)

        def mapped(table: Tensor, *parts: Tensor) -> Tensor:
            return mapper(lambda given: function(table, *given), tuple(parts))

        table = layer.trainable_variables[0].value
        run = self.gradients(mapped, mode)
        self.together(mode, numbers, run(table, *self.stacked(mode), self.upstreams(mode)))

    def _map(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        self._mapped(layer, mode, numbers, jax.lax.map)

    def _vectorized(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        self._mapped(layer, mode, numbers, lambda f, x: jax.vmap(f)(x))

    def _scan(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        self._mapped(layer, mode, numbers, lambda f, x: jax.lax.scan(lambda _, given: (0, f(given)), 0, x)[1])

    def _jacobian(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        function, table = self.function(layer, mode), layer.trainable_variables[0].value
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, False), strict=True)):
            got = jax.jacrev(function)(table, *self.parts(call))
            numbers.hold(f"jacobian{n}", numpy(got), oracle.jacobian()[..., mode.trained, :])

    def _second(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        function = self.function(layer, mode)

        def penalty(table: Tensor, weights: Tensor, parts: Sequence[Tensor]) -> Tensor:
            given = [*parts[:-1], weights] if mode.weighted else parts
            return jnp.sum(jax.grad(lambda t: jnp.sum(function(t, *given) ** 2) / 2)(table) ** 2)

        table, sources = layer.trainable_variables[0].value, (0, 1) if mode.weighted else (0,)
        for tag, way in (("", penalty), (", compiled", jax.jit(penalty))):
            for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, False), strict=True)):
                parts, (of_table, of_weights) = self.parts(call), oracle.second()
                got = jax.grad(way, sources)(table, parts[-1], parts)
                numbers.hold(f"table{n}{tag}, twice", numpy(got[0]), of_table[mode.trained])
                if of_weights is not None:
                    numbers.hold(f"weights{n}{tag}, twice", numpy(got[1]), of_weights)

    def _forward(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        function, table, moved = self.function(layer, mode), layer.trainable_variables[0].value, direction(mode)
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, False), strict=True)):
            parts = self.parts(call)
            _, got = jax.jvp(lambda t, parts=parts: function(t, *parts), (table,), (jnp.asarray(moved),))
            numbers.hold(f"tangent{n}", numpy(got), oracle.tangent(whole(mode, moved)))

    def _per_example(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = jax.vmap(self.differentiated(layer, mode))
        self.apiece(mode, numbers, run(*self.stacked(mode), self.upstreams(mode)))

    def _recomputed(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = self.gradients(jax.checkpoint(self.function(layer, mode)), mode)
        table = layer.trainable_variables[0].value
        self.eachwise(mode, numbers, lambda parts, u: run(table, *parts, u))


KIT = Jax()
