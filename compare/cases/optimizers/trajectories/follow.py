"""What every engine does with its stepper: the free run, then one step from each injected state."""

from collections.abc import Callable, Mapping
from typing import Any


def run(stepper: Callable[..., Any], name: str, x: Mapping[str, Any]) -> dict[str, Any]:
    """Return the case's outputs.

    Args:
        stepper: called with `name` and `x`; has `tables`, initial(), set(state, t), step(*batch), read() and
            stack(arrays, axis).
        name: the optimizer's name.
        x: the engine's tensors.
    """
    engine, snapshots, after = stepper(name, x), [], []
    state, recorded = engine.initial(), {int(t) for t in x["recorded"]}
    batch = [x[part] for part in (("ids", "target") if "target" in x else ("center", "context", "noise"))]
    engine.set(state, 0)
    for t in range(len(batch[0])):
        engine.step(*(part[t] for part in batch))
        if t + 1 in recorded:
            snapshots.append(engine.read())
    out = {f"{k}, free run": v for k, v in engine.read().items()}
    out |= {f"{table}, free run": engine.stack([s[table] for s in snapshots], 1) for table in engine.tables}
    for i, t in enumerate(x["state step"]):
        engine.set({k: x[f"state {k}"][i] for k in state}, int(t))
        engine.step(*(part[int(t)] for part in batch))
        after.append(engine.read())
    return out | {f"{k}, one step": engine.stack([s[k] for s in after], 0) for k in state}


def start(name: str, x: Mapping[str, Any]) -> float:
    """Return the value with which the slots of the optimizer `name` start."""
    return x["initial accumulator"] if name == "adagrad" else 0.0


def slot_name(table: str, slot: str) -> str:
    """Return the case's name of a table's slot: the layer has one table, which goes without saying."""
    return slot if table == "table" else f"{table} {slot}"
