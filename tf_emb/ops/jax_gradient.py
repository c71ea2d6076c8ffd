"""JAX's side of tf_emb.ops.gradient: two custom_jvp, which serve both modes, and a primitive.

`without_nan` is linear in its rows, and its transpose is not what transposition of it would give. A custom_jvp has no
say in that, a custom_vjp has no forward mode, and jax.custom_derivatives.linear_call cannot be in vmap.
"""

import importlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from tf_emb.ops.types import Mask, Output, Rows, Tensor

jax = sys.modules["jax"]  # Keras has imported it
ad, batching, mlir = (importlib.import_module(f"jax.interpreters.{name}") for name in ("ad", "batching", "mlir"))
core = importlib.import_module("jax.extend.core")


@jax.custom_jvp
def scaled(rows: Rows, factor: Tensor) -> Rows:
    """See tf_emb.ops.gradient."""
    return rows


@scaled.defjvp
def _scaled_jvp(primals: tuple[Rows, Tensor], tangents: tuple[Rows, Tensor]) -> tuple[Rows, Rows]:
    rows, factor = primals
    tangent = tangents[0]
    return scaled(rows, factor), jax.numpy.where(factor == 0, jax.numpy.zeros_like(tangent), tangent * factor)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def straight_through(function: Callable[[Rows], Rows], rows: Rows) -> Rows:
    """See tf_emb.ops.gradient."""
    return function(rows)


@straight_through.defjvp
def _straight_jvp(function: Callable[[Rows], Rows], primals: tuple[Rows], tangents: tuple[Rows]) -> tuple[Rows, Rows]:
    return straight_through(function, *primals), tangents[0]


def without_nan(rows: Tensor, when: Mask) -> Tensor:
    """See tf_emb.ops.gradient."""
    return without_nan_p.bind(rows, jax.numpy.broadcast_to(when, rows.shape))


def _identity(rows: Tensor, when: Mask) -> Tensor:
    return rows


def _backward(upstream: Output, rows: Output, when: Mask) -> tuple[Any, None]:
    if type(upstream) is ad.Zero:
        return ad.Zero(rows.aval), None
    return jax.numpy.where(when & jax.numpy.isnan(upstream), jax.numpy.zeros_like(upstream), upstream), None


def _forward(primals: tuple[Output, Mask], tangents: tuple[Output, Output]) -> tuple[Any, Any]:
    rows, when = primals
    tangent = tangents[0]
    if type(tangent) is not ad.Zero:
        tangent = without_nan_p.bind(tangent, when)  # so that its transpose is `_backward`
    return without_nan_p.bind(rows, when), tangent


# Both operands have one shape, so that vmap has nothing to align but the axis it maps.
without_nan_p = core.Primitive("tf_emb_without_nan")
without_nan_p.def_impl(_identity)
without_nan_p.def_abstract_eval(_identity)
ad.primitive_jvps[without_nan_p] = _forward
ad.primitive_transposes[without_nan_p] = _backward
batching.defbroadcasting(without_nan_p)
mlir.register_lowering(without_nan_p, mlir.lower_fun(_identity, multiple_results=False))
