"""Planted faults: the oracle with one line of wrong maths, made by editing its source."""

import inspect
import types
from collections.abc import Callable
from typing import Any


def parts(oracle: Callable[..., Any]) -> list[types.FunctionType]:
    """Return the oracle and the functions of its own module that it calls, directly or not."""
    found: list[types.FunctionType] = []
    queue = [oracle]
    while queue:
        function = queue.pop()
        if isinstance(function, types.FunctionType) and function not in found:
            found.append(function)
            queue += [function.__globals__[name] for name in function.__code__.co_names
                      if _belongs(function.__globals__.get(name), oracle.__module__)]  # fmt: skip
    return found


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


def _belongs(thing: Any, module: str) -> bool:
    return isinstance(thing, types.FunctionType) and thing.__module__ == module
