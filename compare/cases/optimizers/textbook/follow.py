"""What every engine does with its stepper: the free run, then one step from each injected state."""

from collections.abc import Mapping
from typing import Any


def outputs(stepper: Any, x: Mapping[str, Any]) -> dict[str, Any]:
    """Return the case's outputs.

    Args:
        stepper: has initial(), set(state, t), step(center, context, noise), read() and stack(arrays, axis).
        x: the engine's tensors.
    """
    state = stepper.initial()
    stepper.set(state, 0)
    recorded, snapshots = {int(t) for t in x["recorded"]}, []
    for t in range(len(x["center"])):
        stepper.step(x["center"][t], x["context"][t], x["noise"][t])
        if t + 1 in recorded:
            snapshots.append(stepper.read())
    out = {f"{name}, free run": array for name, array in stepper.read().items()}
    for table in ("center", "context"):
        out[f"{table}, free run"] = stepper.stack([s[table] for s in snapshots], 1)
    after = [_one_step(stepper, x, list(state), i) for i in range(len(x["state step"]))]
    return out | {f"{name}, one step": stepper.stack([s[name] for s in after], 0) for name in state}


def _one_step(stepper: Any, x: Mapping[str, Any], names: list[str], i: int) -> dict[str, Any]:
    t = int(x["state step"][i])
    stepper.set({name: x[f"state {name}"][i] for name in names}, t)
    stepper.step(x["center"][t], x["context"][t], x["noise"][t])
    return stepper.read()
