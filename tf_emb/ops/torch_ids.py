"""PyTorch: whether a program can look at ids while it runs, and what it does where it cannot.

Ids have values where they are a plain tensor, and under torch.func, whose wrappers hold one. They have none while
torch.compile or torch.export trace, nor as fake tensors or on the meta device; and what torch.jit.trace and make_fx
record, other ids will run through.
"""

import sys

import keras
import numpy as np

from tf_emb.ops.types import Ids, Index, Output

if keras.backend.backend() == "torch":
    torch = sys.modules["torch"]  # Keras has imported it
    from_functorch = torch._C._functorch


def traced() -> bool:
    """Return whether what runs now is recorded, to be run later with other values."""
    return bool(torch.compiler.is_compiling() or torch.jit.is_tracing() or _recorded())


def transformed() -> bool:
    """Return whether a tensor from outside must not be written: what runs is traced, or inside torch.func."""
    return traced() or from_functorch.peek_interpreter_stack() is not None


def readable(ids: Ids) -> bool:
    """Return whether `ids` have values now, which are also those that the program will meet."""
    if traced():
        return False
    if not isinstance(ids, torch.Tensor):
        return True
    plain = _unwrapped(ids)
    own = type(plain) in (torch.Tensor, torch.nn.Parameter)
    return own and not plain.is_meta and not torch._is_functional_tensor(plain)


def values(ids: Ids) -> np.ndarray:
    """Return `ids` that are `readable`, with an axis more for each torch.func.vmap around them."""
    if not isinstance(ids, torch.Tensor):
        return np.asarray(ids)
    plain = _unwrapped(ids)
    with torch._functorch.pyfunctorch.temporarily_clear_interpreter_stack():  # a copy to the host is no operation of it
        return np.asarray(plain.cpu().numpy())


def assert_all(holds: Output, rule: str) -> None:
    """In a program that torch.compile or torch.export traces for the CPU, stop it where `holds` does not.

    On a GPU such an assertion would leave the whole process without its device.
    """
    if torch.compiler.is_compiling() and holds.device.type == "cpu":
        torch._assert_async(torch.all(holds), rule)


def cannot_warn() -> bool:
    """Return whether to warn of what a program will do is impossible, or idle: it is neither under torch.jit.trace.

    torch.compile cannot follow a warning, and `assert_all` stops what it makes for the CPU; a fake tensor runs nothing.
    """
    return not torch.jit.is_tracing()


def constant(array: np.ndarray) -> Index:
    """Return an array of integers as a tensor."""
    result: Index = torch.from_numpy(array)
    return result


def searchsorted(rising: Index, values: Index, side: str) -> Index:
    """Return torch.searchsorted; Keras' takes the size of `rising` for a number, which a tracer's is not."""
    result: Index = torch.searchsorted(rising, values, side=side)
    return result


def _unwrapped(ids: Output) -> Output:
    while from_functorch.is_functorch_wrapped_tensor(ids):
        ids = from_functorch.get_unwrapped(ids)
    return ids


def _recorded() -> bool:
    """Return whether make_fx, or a mode of fake tensors, sees every operation."""
    stack = torch.utils._python_dispatch._get_current_dispatch_mode_stack()
    return any(type(mode).__name__ in ("FakeTensorMode", "ProxyTorchDispatchMode") for mode in stack)
