"""Draws of a trajectory: batches of real text, initial tables, and states to take one step from."""

from collections.abc import Callable

import numpy as np

from compare.cases import text
from tf_emb.parity.case import Arrays

VOCAB, DIM, BATCH = 400, 16, 8


def draw(
    rng: np.random.Generator, trajectory: Callable[..., dict[str, np.ndarray]], steps: int, rate: float
) -> dict[str, np.ndarray]:
    """Consecutive pairs of the corpus, in batches: most hold the same centre several times."""
    draws = text.draws(rng, max_vocab=VOCAB, window=2)
    pairs = slice(0, steps * BATCH)
    x = {
        "center table": rng.normal(size=(VOCAB, DIM)) / 5,
        "context table": rng.normal(size=(VOCAB, DIM)) / 5,
        "center": draws.center[pairs].reshape(steps, BATCH),
        "context": draws.context[pairs].reshape(steps, BATCH),
        "noise": draws.noise[pairs].reshape(steps, BATCH, -1),
        "recorded": np.unique(np.geomspace(1, steps, 20).astype(np.int64)),
        "rate": np.array(rate),
        "epsilon": np.array(1e-3),
        "initial accumulator": np.array(0.1),
        "beta_1": np.array(0.9),
        "beta_2": np.array(0.999),
    }
    return x | states(x, trajectory)


def states(x: Arrays, trajectory: Callable[..., dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """States of the oracle's trajectory at the start, on the way, and near the end.

    Rounded to float32, so that every dtype starts from the same numbers, and so that a last bit in
    which two machines' `exp` differ does not show in the inputs.
    """
    at = np.array([0, len(x["center"]) // 4, len(x["center"]) - 1])
    out = {"state step": at}
    for name, state in trajectory(x, states_at=at).items():
        out[f"state {name}"] = state.astype(np.float32).astype(np.float64)
    return out
