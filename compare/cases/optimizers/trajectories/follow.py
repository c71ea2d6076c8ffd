"""What every engine does with its stepper: the free run, then one step from each injected state."""

from collections.abc import Callable, Mapping
from typing import Any

# Of each optimizer the slots, in the case, in torch's state and as an attribute of Keras' optimizer.
SLOTS: dict[str, dict[str, tuple[str, str]]] = {
    "sgd": {},
    "momentum": {"velocity": ("momentum_buffer", "momentums")},
    "adagrad": {"accumulator": ("sum", "_accumulators")},
    "adam": {"m": ("exp_avg", "_momentums"), "v": ("exp_avg_sq", "_velocities")},
    "adamw": {"m": ("exp_avg", "_momentums"), "v": ("exp_avg_sq", "_velocities")},
    "rmsprop": {"v": ("square_avg", "_velocities")},
}


def run(stepper: Callable[..., Any], name: str, x: Mapping[str, Any]) -> dict[str, Any]:
    """Return the case's outputs.

    Args:
        stepper: called with `name` and `x`; has `tables`, set(state, t), step(*batch), read(), stack(arrays, axis) and
            full_like(array, value).
        name: the optimizer's name.
        x: the engine's tensors.
    """
    engine, snapshots, after = stepper(name, x), [], []
    state, recorded = initial(engine, name, x), {int(t) for t in x["recorded"]}
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


def initial(engine: Any, name: str, x: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state before the first step: the drawn tables, and their slots."""
    # Given to the slots here: Keras' own initial value passes through float32 (case keras-adagrad-float64).
    fill = x["initial accumulator"] if name == "adagrad" else 0.0
    drawn = {t: x["start table" if t == "table" else f"{t} table"] for t in engine.tables}
    return drawn | {slot_name(t, slot): engine.full_like(of, fill) for t, of in drawn.items() for slot in SLOTS[name]}


def slot_name(table: str, slot: str) -> str:
    """Return the case's name of a table's slot: the layer has one table, which goes without saying."""
    return slot if table == "table" else f"{table} {slot}"
