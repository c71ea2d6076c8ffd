"""PyTorch's side of tf_emb.ops.gradient: functions that torch.func can transform, in both modes, and vmap.

torch.compile takes no function that has a forward mode, so each class is there without one and with one.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from tf_emb.ops.types import Mask, Output, Rows, Tensor

torch = sys.modules["torch"]  # Keras has imported it
Context: TypeAlias = Any  # what autograd hands from forward to backward
Kind: TypeAlias = Any  # a subclass of torch.autograd.Function
Function: Kind = torch.autograd.Function


def scaled(rows: Rows, factor: Tensor) -> Rows:
    """See tf_emb.ops.gradient."""
    result: Rows = _for_now(_Scaled, _ScaledForward).apply(rows, factor)
    return result


def straight_through(function: Callable[[Rows], Rows], rows: Rows) -> Rows:
    """See tf_emb.ops.gradient."""
    image = function(rows.detach())  # type: ignore[attr-defined]
    result: Rows = _for_now(_StraightThrough, _StraightThroughForward).apply(rows, image)
    return result


def without_nan(rows: Tensor, when: Mask) -> Tensor:
    """See tf_emb.ops.gradient."""
    result: Tensor = _for_now(_WithoutNan, _WithoutNanForward).apply(rows, when)
    return result


def _for_now(kind: Kind, forward_too: Kind) -> Kind:
    return kind if torch.compiler.is_compiling() else forward_too


class _Scaled(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(rows: Output, factor: Tensor) -> Output:
        return rows.clone()

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Rows, Tensor], output: Rows) -> None:
        ctx.save_for_backward(inputs[1])
        ctx.save_for_forward(inputs[1])

    @staticmethod
    def backward(ctx: Context, upstream: Output) -> tuple[Output, None]:
        return _times(upstream, ctx.saved_tensors[0]), None


class _ScaledForward(_Scaled):
    @staticmethod
    def jvp(ctx: Context, tangent: Output, _: Output) -> Output:
        return _times(tangent, ctx.saved_tensors[0])


def _times(gradient: Output, factor: Output) -> Output:
    return torch.where(factor == 0, torch.zeros_like(gradient), gradient * factor)


class _StraightThrough(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(rows: Rows, image: Output) -> Output:
        return image.clone()

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Rows, Rows], output: Rows) -> None:
        """Keep nothing: the gradient is that of the identity."""

    @staticmethod
    def backward(ctx: Context, upstream: Output) -> tuple[Output, None]:
        return upstream.clone(), None


class _StraightThroughForward(_StraightThrough):
    @staticmethod
    def jvp(ctx: Context, tangent: Output, _: Output) -> Output:
        return tangent.clone()


class _WithoutNan(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(rows: Output, when: Mask) -> Output:
        return rows.clone()

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Tensor, Mask], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Context, upstream: Output) -> tuple[Output, None]:
        (when,) = ctx.saved_tensors
        return torch.where(when & torch.isnan(upstream), torch.zeros_like(upstream), upstream), None


class _WithoutNanForward(_WithoutNan):
    @staticmethod
    def jvp(ctx: Context, tangent: Output, _: Output) -> Output:
        return tangent.clone()
