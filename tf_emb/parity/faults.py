"""Planted faults: the oracle with one line of wrong maths, made by editing its source."""

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard


def parts(oracle: Callable[..., Any]) -> list[types.FunctionType]:
    """Return the oracle and the functions of its own module that it calls, directly or not."""
    found: list[types.FunctionType] = []
    queue = [oracle]
    while queue:
        function = queue.pop()
        if isinstance(function, types.FunctionType) and function not in found:
            found.append(function)
            called = (function.__globals__.get(name) for name in _names(function.__code__))
            queue += [thing for thing in called if _belongs(thing, oracle.__module__)]
    return found


def _names(code: types.CodeType) -> Iterator[str]:
    """Yield the names that a function uses, in its comprehensions and lambdas too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def mutate(oracle: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
    """Return `oracle` with `old`, which must occur once in its source, replaced by `new`.

    Raises:
        ValueError: `old` does not occur exactly once, so the edit would not be a single fault.
    """
    sources = {function.__name__: inspect.getsource(function) for function in parts(oracle)}
    found = sum(source.count(old) for source in sources.values())
    if found != 1:
        raise ValueError(
            f"`old` must occur once in the source of {oracle.__module__}.{oracle.__name__}; "
            f"{old!r} occurs {found} times. Quote more of the line."
        )
    namespace = dict(oracle.__globals__)
    for source in sources.values():
        exec(compile(source.replace(old, new), f"<{new}>", "exec"), namespace)
    planted: Callable[..., Any] = namespace[oracle.__name__]
    return planted


def _belongs(thing: Any, module: str) -> TypeGuard[types.FunctionType]:
    return isinstance(thing, types.FunctionType) and thing.__module__ == module
