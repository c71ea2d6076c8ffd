"""The trajectories in NumPy: the gradients of both tasks, six update rules, and the draws.

Drawn are batches of real text, initial tables, and states from which one step is taken.
"""

from collections.abc import Callable

import numpy as np

from compare.cases import parameters, text
from tf_emb.parity.case import Arrays

SLOTS: dict[str, tuple[str, ...]] = {
    "sgd": (), "momentum": ("velocity",), "adagrad": ("accumulator",),
    "adam": ("m", "v"), "adamw": ("m", "v"), "rmsprop": ("v",),
}  # fmt: skip
State = dict[str, np.ndarray]
Gradients = dict[str, tuple[np.ndarray, np.ndarray]]
Rule = Callable[[Arrays, State, np.ndarray, np.ndarray, int], State]


def sgd_trajectory(x: Arrays) -> State:
    """Follow SGD."""
    return outputs(x, sgd)


def momentum_trajectory(x: Arrays) -> State:
    """Follow SGD with momentum."""
    return outputs(x, momentum)


def adagrad_trajectory(x: Arrays) -> State:
    """Follow Adagrad."""
    return outputs(x, adagrad)


def adam_trajectory(x: Arrays) -> State:
    """Follow Adam."""
    return outputs(x, adam)


def adamw_trajectory(x: Arrays) -> State:
    """Follow AdamW."""
    return outputs(x, adamw)


def rmsprop_trajectory(x: Arrays) -> State:
    """Follow RMSprop."""
    return outputs(x, rmsprop)


def tables(x: Arrays) -> tuple[str, ...]:
    """The tables that are trained: that of the layer, or those of skip-gram."""
    return ("table",) if "target" in x else ("center", "context")


def key(table: str, slot: str = "table") -> str:
    """The name of a table or of one of its slots: "table", "m", "center", "center m"."""
    return " ".join(part for part in (table, slot) if part != "table") or "table"


def initial(x: Arrays, name: str) -> State:
    """The drawn tables, and slots filled with their initial values."""
    start = {table: x["start table" if table == "table" else f"{table} table"] for table in tables(x)}
    fill = {"accumulator": x["initial accumulator"]}
    slots = {key(t, slot): np.full_like(start[t], fill.get(slot, 0.0)) for t in start for slot in SLOTS[name]}
    return start | slots


def outputs(x: Arrays, rule: Rule) -> State:
    """The free run, and one step from each injected state."""
    state, snapshots = initial(x, rule.__name__), []
    for t in range(steps(x)):
        state = take_step(x, rule, state, t)
        if t + 1 in x["recorded"]:
            snapshots.append(state)
    after = [take_step(x, rule, {k: x[f"state {k}"][i] for k in state}, int(t)) for i, t in enumerate(x["state step"])]
    free = {f"{k}, free run": state[k] for k in state}
    free |= {f"{table}, free run": np.stack([s[table] for s in snapshots], axis=1) for table in tables(x)}
    return free | {f"{k}, one step": np.stack([s[k] for s in after]) for k in state}


def steps(x: Arrays) -> int:
    """The number of batches."""
    return len(x["ids"] if "target" in x else x["center"])


def take_step(x: Arrays, rule: Rule, state: State, t: int) -> State:
    """Apply `rule` to every row of every table, with the gradient of each row."""
    after: State = {}
    for table, (ids, updates) in (towards_targets(x, state, t) if "target" in x else skipgram(x, state, t)).items():
        own = {slot: state[key(table, slot)] for slot in ("table", *SLOTS[rule.__name__])}
        g = coalesce(x, own, ids, updates)
        squares = g**2
        new = rule(x, own, g, squares, t + 1)
        after |= {key(table, slot): new[slot] for slot in new}
    return after


def towards_targets(x: Arrays, state: State, t: int) -> Gradients:
    """row - target for each place; not yet summed over equal ids."""
    ids = x["ids"][t]
    return {"table": (ids, state["table"][ids] - x["target"][t])}


def skipgram(x: Arrays, state: State, t: int) -> Gradients:
    """The gradients of skip-gram with negative sampling for each place where a row is used; not yet summed."""
    center, context, noise = x["center"][t], x["context"][t], x["noise"][t]
    keys = np.concatenate([context[:, None], noise], axis=1)
    h = state["center"][center]
    v = state["context"][keys]
    s = 1 / (1 + np.exp(-np.einsum("bd,bkd->bk", h, v)))
    target = np.zeros_like(s)
    target[:, 0] = 1
    counted = np.ones_like(s)
    counted[:, 1:] = noise != context[:, None]
    error = counted * (s - target)
    return {
        "center": (center, np.einsum("bk,bkd->bd", error, v)),
        "context": (keys, error[:, :, None] * h[:, None, :]),
    }


def coalesce(x: Arrays, own: State, ids: np.ndarray, updates: np.ndarray) -> np.ndarray:
    """Sum the gradients of equal ids into a dense gradient, which is 0 for the padding row."""
    total = np.zeros_like(own["table"])
    np.add.at(total, ids, updates)
    if x.get("padding_idx", -1) >= 0:
        total[x["padding_idx"]] = 0
    return total


def sgd(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """w -= lr g."""
    return {"table": state["table"] - x["rate"] * g}


def momentum(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """u = mu u - lr g; w += u."""
    u = x["momentum"] * state["velocity"] - x["rate"] * g
    return {"table": state["table"] + u, "velocity": u}


def adagrad(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """a += g^2; w -= lr g / sqrt(a + eps)."""
    a = state["accumulator"] + squares
    return {"table": state["table"] - x["rate"] * g / np.sqrt(a + x["epsilon"]), "accumulator": a}


def adam(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """Moving averages of g and g^2 over every row, and a bias-corrected step."""
    b1, b2 = x["beta_1"], x["beta_2"]
    m = b1 * state["m"] + (1 - b1) * g
    v = b2 * state["v"] + (1 - b2) * squares
    rate = x["rate"] * np.sqrt(1 - b2**t) / (1 - b1**t)
    return {"table": state["table"] - rate * m / (np.sqrt(v) + x["epsilon"]), "m": m, "v": v}


def adamw(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """Every row shrinks by lr times the decay, with a gradient or without; then Adam."""
    decayed = state["table"] - x["rate"] * x["weight decay"] * state["table"]
    return adam(x, {**state, "table": decayed}, g, squares, t)


def rmsprop(x: Arrays, state: State, g: np.ndarray, squares: np.ndarray, t: int) -> State:
    """v = rho v + (1 - rho) g^2; w -= lr g / sqrt(v + eps)."""
    v = x["rho"] * state["v"] + (1 - x["rho"]) * squares
    return {"table": state["table"] - x["rate"] * g / np.sqrt(v + x["epsilon"]), "v": v}


RULES: dict[str, Rule] = {rule.__name__: rule for rule in (sgd, momentum, adagrad, adam, adamw, rmsprop)}


# Small on purpose: PyTorch's outputs are recorded. Row 0 is the padding row, or is never looked up; the last row is
# looked up in the first batch and in the last; between them are words.
WORDS, DIM, STEPS, PLACES = 30, 3, 1000, 8
# A row's error may grow by 1 + rate * count in a step (/ sqrt(v) in the adaptive rules, / (1 - momentum) with
# momentum): the rates keep the product over 1,000 steps far below 1 / u at float32.
RATES = {"sgd": 5e-3, "momentum": 5e-4, "adagrad": 0.05, "adam": 2e-3, "adamw": 2e-3, "rmsprop": 2e-3}
VOCAB, SIZE, BATCH = 400, 16, 8  # of skip-gram
NUMBERS = {"initial accumulator": 0.1, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-3}


def draw_layer(rng: np.random.Generator, name: str, padding: bool) -> dict[str, np.ndarray]:
    """Consecutive batches of text, a target for each place, and states of the trajectory from which to take a step."""
    ids = 1 + text.passage(rng, STEPS * PLACES, WORDS).reshape(STEPS, PLACES)
    ids[0, 0] = ids[-1, 0] = WORDS + 1
    if padding:
        ids[np.arange(PLACES) >= rng.integers(PLACES // 2, PLACES + 1, STEPS)[:, None]] = 0
    x = {
        "start table": rng.normal(size=(WORDS + 2, DIM)),
        "ids": ids,
        "target": rng.normal(size=(*ids.shape, DIM)),
        **parameters({"padding_idx": 0 if padding else -1, "rate": RATES[name], **NUMBERS}),
        **parameters({"momentum": 0.9, "rho": 0.9, "weight decay": 0.1}),
        "recorded": np.array([1, 10, 100, 400, STEPS]),
        "state step": np.array([1, STEPS // 2, STEPS - 1]),
    }
    return x | states(x, name)


def draw_skipgram(rng: np.random.Generator, name: str, steps: int, rate: float) -> dict[str, np.ndarray]:
    """Consecutive pairs of the corpus, in batches most of which hold the same centre several times."""
    draws = text.draws(rng, max_vocab=VOCAB, window=2)
    pairs = slice(0, steps * BATCH)
    x = {
        "center table": rng.normal(size=(VOCAB, SIZE)) / 5,
        "context table": rng.normal(size=(VOCAB, SIZE)) / 5,
        "center": draws.center[pairs].reshape(steps, BATCH),
        "context": draws.context[pairs].reshape(steps, BATCH),
        "noise": draws.noise[pairs].reshape(steps, BATCH, -1),
        "recorded": np.unique(np.geomspace(1, steps, 20).astype(np.int64)),
        **parameters({"rate": rate, **NUMBERS}),
        "state step": np.array([0, steps // 4, steps - 1]),
    }
    return x | states(x, name)


def states(x: Arrays, name: str) -> dict[str, np.ndarray]:
    """States of the oracle's trajectory before the steps `state step`.

    Rounded to float32, so that every dtype starts from the same numbers, and a last bit in which two machines' `exp`
    differ does not show in the inputs. Row 0 of the layer's slots gets what row 1 has, as if the table had been
    trained before without a padding row.
    """
    state, before = initial(x, name), []
    for t in range(steps(x)):
        if t in x["state step"]:
            before.append({k: v.copy() for k, v in state.items()})
            for k in set(state) - {"table"} if "target" in x else ():
                before[-1][k][0] = state[k][1]
        state = take_step(x, RULES[name], state, t)
    return {f"state {k}": np.stack([s[k] for s in before]).astype(np.float32).astype(np.float64) for k in state}
