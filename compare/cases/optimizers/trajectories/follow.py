"""What every engine does with its stepper: the free run, then one step from each injected state."""

from collections.abc import Callable, Mapping
from typing import Any


def run(stepper: Callable[..., Any], name: str, x: Mapping[str, Any]) -> dict[str, Any]:
    """Return the case's outputs.

    Args:
        stepper: called with `name` and `x`; has initial(), set(state, t), step(ids, target), read() and
            stack(arrays, axis).
        name: of the optimizer.
        x: the engine's tensors.
    """
    engine, tables, after = stepper(name, x), [], []
    state, recorded = engine.initial(), {int(t) for t in x["recorded"]}
    engine.set(state, 0)
    for t in range(len(x["ids"])):
        engine.step(x["ids"][t], x["target"][t])
        if t + 1 in recorded:
            tables.append(engine.read()["table"])
    out = {f"{k}, free run": v for k, v in engine.read().items()} | {"table, free run": engine.stack(tables, 1)}
    for i, t in enumerate(x["state step"]):
        engine.set({k: x[f"state {k}"][i] for k in state}, int(t))
        engine.step(x["ids"][int(t)], x["target"][int(t)])
        after.append(engine.read())
    return out | {f"{k}, one step": engine.stack([s[k] for s in after], 0) for k in state}


def start(name: str, x: Mapping[str, Any]) -> float:
    """Return what the slots of optimizer `name` start with."""
    return x["initial accumulator"] if name == "adagrad" else 0.0
