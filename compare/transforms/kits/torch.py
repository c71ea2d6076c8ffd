"""What PyTorch can do to a layer."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from compare.transforms.kits.kit import (
    Do,
    Kit,
    Parts,
    Results,
    Tensor,
    applied,
    direction,
    numpy,
    oracles,
    whole,
)
from compare.transforms.modes import Mode, calls
from compare.transforms.verdict import Numbers


class Torch(Kit):
    """torch.compile, torch.export, torch.func and autograd."""

    name, writes = "torch", True

    def tensor(self, array: np.ndarray) -> Tensor:
        """Return a tensor of the array's values."""
        return torch.tensor(array)

    def ways(self) -> dict[str, Do]:
        """Return the transformations of this backend by their names."""
        return {
            "eager": self._eager,
            "compiled": self._compiled,
            "torch.export": self._exported,
            "map": self._map,
            "vectorized_map": self._vectorized,
            "jacobian": self._jacobian,
            "second derivative": self._second,
            "forward mode": self._forward,
            "per-example gradients": self._per_example,
            "functional_call": self._functional,
            "recomputation": self._recomputed,
        }

    def function(self, layer: keras.Layer, mode: Mode) -> Callable[..., Tensor]:
        """Return the output as a function of the trained table and the parts, by Keras' `stateless_call`."""
        fixed = [variable.value for variable in layer.non_trainable_variables]

        def run(table: Tensor, *parts: Tensor) -> Tensor:
            def call(*args: Tensor, **options: Tensor) -> Tensor:
                return layer.stateless_call([table], fixed, *args, **options)[0]

            return applied(call, mode, parts)

        return run

    def swapped(self, layer: keras.Layer, mode: Mode) -> Callable[..., Tensor]:
        """Return the same function by PyTorch's `functional_call`."""
        table = layer.trainable_variables[0].value
        name = next(name for name, parameter in layer.named_parameters() if parameter is table)

        def run(given: Tensor, *parts: Tensor) -> Tensor:
            def call(*args: Tensor, **options: Tensor) -> Tensor:
                return torch.func.functional_call(layer, {name: given}, args, options)

            return applied(call, mode, parts)

        return run

    def gradients(self, function: Callable[..., Tensor], mode: Mode) -> Callable[..., Results]:
        """Return a function of the table, parts and an upstream that returns output and gradients, by torch.func."""

        def loss(table: Tensor, weights: Tensor, parts: Parts, u: Tensor) -> tuple[Tensor, Tensor]:
            given = [*parts[:-1], weights] if mode.weighted else parts
            out = function(table, *given)
            return (out * u).sum(), out

        def run(table: Tensor, *given: Tensor) -> Results:
            *parts, u = given
            sources = (0, 1) if mode.weighted else (0,)
            grads, out = torch.func.grad(loss, sources, has_aux=True)(table, parts[-1], parts, u)
            return [out, *grads]

        return run

    def differentiated(self, layer: keras.Layer, mode: Mode) -> Callable[..., Results]:
        """Return a function of parts and an upstream that returns output and gradients, by autograd."""
        return self._by_autograd(lambda *parts: applied(layer, mode, parts), layer, mode)

    def _by_autograd(self, function: Callable[..., Tensor], layer: keras.Layer, mode: Mode) -> Callable[..., Results]:
        table = layer.trainable_variables[0].value

        def run(*given: Tensor) -> Results:
            *parts, u = given
            if mode.weighted:
                parts[-1] = parts[-1].detach().clone().requires_grad_()
            out = function(*parts)
            return [out, *torch.autograd.grad((out * u).sum(), [table, parts[-1]] if mode.weighted else [table])]

        return run

    def _eager(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = self.differentiated(layer, mode)
        self.eachwise(mode, numbers, lambda parts, u: run(*parts, u))

    def _compiled(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        torch.compiler.reset()
        traced = torch.compile(lambda *parts: applied(layer, mode, parts), backend="aot_eager")
        run = self._by_autograd(traced, layer, mode)
        self.eachwise(mode, numbers, lambda parts, u: run(*parts, u))

    def _exported(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        class Module(torch.nn.Module):
            """The layer as a module of plain arrays."""

            def __init__(self) -> None:
                super().__init__()
                self.layer = layer

            def forward(self, *parts: Tensor) -> Tensor:
                return applied(self.layer, mode, parts)

        program = torch.export.export(Module(), tuple(self.parts(calls(mode)[0]))).module()
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, True), strict=True)):
            numbers.hold(f"out{n}", numpy(program(*self.parts(call))), oracle.forward())

    def _map(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        self._mapped(layer, mode, numbers, keras.ops.map)

    def _vectorized(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        self._mapped(layer, mode, numbers, keras.ops.vectorized_map)

    def _mapped(self, layer: keras.Layer, mode: Mode, numbers: Numbers, mapper: Callable[..., Any]) -> None:
        def mapped(*parts: Tensor) -> Tensor:
            return mapper(lambda given: applied(layer, mode, given), tuple(parts))

        run = self._by_autograd(mapped, layer, mode)
        self.together(mode, numbers, run(*self.stacked(mode), self.upstreams(mode)))

    def _jacobian(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        function, table = self.function(layer, mode), _table(layer)
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, True), strict=True)):
            got = torch.func.jacrev(function)(table, *self.parts(call))
            numbers.hold(f"jacobian{n}", numpy(got), oracle.jacobian()[..., mode.trained, :])

    def _second(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        table = layer.trainable_variables[0].value
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, True), strict=True)):
            parts, (of_table, of_weights) = self.parts(call), oracle.second()
            if mode.weighted:
                parts[-1].requires_grad_()
            loss = (applied(layer, mode, parts) ** 2).sum() / 2
            (once,) = torch.autograd.grad(loss, table, create_graph=True)
            got = torch.autograd.grad((once**2).sum(), [table, parts[-1]] if mode.weighted else [table])
            numbers.hold(f"table{n}, twice", numpy(got[0]), of_table[mode.trained])
            if of_weights is not None:
                numbers.hold(f"weights{n}, twice", numpy(got[1]), of_weights)

    def _forward(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        function, moved = self.function(layer, mode), direction(mode)
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, True), strict=True)):
            parts = self.parts(call)
            got = torch.func.jvp(lambda t, parts=parts: function(t, *parts), (_table(layer),), (self.tensor(moved),))
            numbers.hold(f"tangent{n}", numpy(got[1]), oracle.tangent(whole(mode, moved)))

    def _per_example(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run, table = self.gradients(self.function(layer, mode), mode), _table(layer)
        got = torch.func.vmap(lambda *given: run(table, *given))(*self.stacked(mode), self.upstreams(mode))
        self.apiece(mode, numbers, got)

    def _functional(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run, table = self.gradients(self.swapped(layer, mode), mode), _table(layer)
        got = torch.func.vmap(lambda *given: run(table, *given))(*self.stacked(mode), self.upstreams(mode))
        self.apiece(mode, numbers, got)

    def _recomputed(self, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
        run = self._by_autograd(
            lambda *parts: checkpoint(lambda *given: applied(layer, mode, given), *parts, use_reentrant=False),
            layer,
            mode,
        )
        self.eachwise(mode, numbers, lambda parts, u: run(*parts, u))


def _table(layer: keras.Layer) -> Tensor:
    return layer.trainable_variables[0].value.detach().clone()


KIT = Torch()
