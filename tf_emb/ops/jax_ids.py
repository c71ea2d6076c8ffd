"""JAX: ids on their way through a program that cannot raise, told to the host where one names no row.

A primitive, because only its lowering knows two things that tracing does not: that the program is being compiled,
which is when to warn, and whether it is for export, where there is no host to tell. It is the identity on integers:
no effect that a transformation could refuse. vmap gives it all ids at once.
"""

import importlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from tf_emb.ops.ids import raise_values
from tf_emb.ops.types import Ids, Output

jax = sys.modules["jax"]  # Keras has imported it
batching, mlir = (importlib.import_module(f"jax.interpreters.{name}") for name in ("batching", "mlir"))
core = importlib.import_module("jax.extend.core")


Lowering: TypeAlias = Any  # JAX's context of a lowering


class Witness(Protocol):
    """Whom to tell; it must be hashable, as a parameter of a primitive is."""

    def compiled(self) -> None:
        """Hear that a program is compiled which cannot raise."""

    def saw(self, value: int, position: tuple[int, ...]) -> None:
        """Hear of an id that names no row."""


def watched(ids: Ids, vocab: int, witness: Witness) -> Ids:
    """Return `ids`; the first outside 0..vocab-1 raises where they have values after all, else `witness` hears of it.

    Args:
        ids: a tracer of integers.
        vocab: how many rows there are.
        witness: see there.
    """
    result: Ids = watch_p.bind(ids, vocab=vocab, witness=witness)
    return result


def _with_values(ids: Ids, *, vocab: int, witness: Witness) -> Ids:
    """Under vmap or grad without jit."""
    raise_values(np.asarray(ids), vocab)
    return ids


def _lower(ctx: Output, ids: Output, *, vocab: int, witness: Witness) -> list[Any]:
    witness.compiled()
    if ctx.module_context.lowering_parameters.for_export:
        return [ids]
    lowered: list[Any] = mlir.lower_fun(partial(_tell, vocab=vocab, witness=witness), multiple_results=False)(ctx, ids)
    return lowered


def _tell(ids: Output, *, vocab: int, witness: Witness) -> Any:
    np_like = jax.numpy
    end = np_like.ones(1, bool)  # so that there is a first one always, of no ids too
    first = np_like.argmax(np_like.concatenate([(ids.ravel() < 0) | (ids.ravel() >= vocab), end]))
    value = np_like.concatenate([ids.ravel(), np_like.zeros(1, ids.dtype)])[first]
    told: Callable[..., None] = partial(_hear, shape=ids.shape, witness=witness)
    jax.lax.cond(first < ids.size, lambda: jax.debug.callback(told, value, first), lambda: None)
    return ids


def _hear(value: Output, first: Output, *, shape: tuple[int, ...], witness: Witness) -> None:
    witness.saw(int(value), tuple(int(i) for i in np.unravel_index(int(first), shape)))


watch_p = core.Primitive("tf_emb_watch_ids")
watch_p.def_impl(_with_values)
watch_p.def_abstract_eval(lambda ids, **_: ids)
batching.defvectorized(watch_p)
mlir.register_lowering(watch_p, _lower)
