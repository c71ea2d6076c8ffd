"""Draws of a trajectory: batches of real text, targets, and states from which one step is taken."""

import numpy as np

from compare.cases import text
from compare.cases.optimizers.lazy.oracle import RULES, initial, take_step
from tf_emb.parity.case import Arrays

VOCAB, DIM, STEPS, PLACES = 150, 6, 200, 12


def draw(rng: np.random.Generator, name: str) -> dict[str, np.ndarray]:
    """Consecutive batches of text, a target for each place, and states of the trajectory to take one step from."""
    tokens = np.concatenate([text.vocabulary(max_vocab=VOCAB).encode(document) for document in text.lee()])
    start = int(rng.integers(len(tokens) - STEPS * PLACES))
    ids = tokens[start : start + STEPS * PLACES].reshape(STEPS, PLACES)
    ids[0, 0] = ids[-1, 0] = VOCAB  # looked up in the first batch and in the last
    x = {
        "start table": rng.normal(size=(VOCAB + 2, DIM)),  # the last row is never looked up
        "ids": ids,
        "target": rng.normal(size=(*ids.shape, DIM)),
        "zero": np.array(0.0),
        "initial accumulator": np.array(0.1),
        "rate": np.array({"sgd": 0.02, "adam": 0.01, "adagrad": 0.1}[name]),
        "epsilon": np.array(1e-3),
        "beta_1": np.array(0.9),
        "beta_2": np.array(0.999),
        "state step": np.array([0, 1, STEPS // 2, STEPS - 1]),
    }
    return x | states(x, name)


def states(x: Arrays, name: str) -> dict[str, np.ndarray]:
    """States of the oracle's trajectory, rounded to float32, so that every dtype starts from the same numbers."""
    state, before = initial(x, name), []
    for t in range(STEPS):
        if t in x["state step"]:
            before.append(dict(state))
        take_step(x, RULES[name], state, t)
    return {f"state {k}": np.stack([s[k] for s in before]).astype(np.float32).astype(np.float64) for k in state}
