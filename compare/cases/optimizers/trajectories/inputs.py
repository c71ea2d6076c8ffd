"""Draws of a trajectory: batches of real text, initial tables, and states from which one step is taken."""

import numpy as np

from compare.cases import text
from compare.cases.optimizers.trajectories.oracle import RULES, initial, steps, take_step
from tf_emb.parity.case import Arrays

# Small on purpose: PyTorch's outputs are recorded. Row 0 is the padding row, or is never looked up; the last row is
# looked up in the first batch and in the last; between them are words.
WORDS, DIM, STEPS, PLACES = 30, 3, 1000, 8
# A row's error may grow by 1 + rate * count in a step (/ sqrt(v) in the adaptive rules, / (1 - momentum) with
# momentum): the rates keep the product over 1,000 steps far below 1 / u at float32.
RATES = {"sgd": 5e-3, "momentum": 5e-4, "adagrad": 0.05, "adam": 2e-3, "adamw": 2e-3, "rmsprop": 2e-3}
VOCAB, SIZE, BATCH = 400, 16, 8  # of skip-gram


def draw_layer(rng: np.random.Generator, name: str, padding: bool) -> dict[str, np.ndarray]:
    """Consecutive batches of text, a target for each place, and states of the trajectory from which to take a step."""
    tokens = np.concatenate([text.vocabulary(max_vocab=WORDS).encode(document) for document in text.lee()])
    start = int(rng.integers(len(tokens) - STEPS * PLACES))
    ids = 1 + tokens[start : start + STEPS * PLACES].reshape(STEPS, PLACES)
    ids[0, 0] = ids[-1, 0] = WORDS + 1
    if padding:
        ids[np.arange(PLACES) >= rng.integers(PLACES // 2, PLACES + 1, STEPS)[:, None]] = 0
    x = {
        "start table": rng.normal(size=(WORDS + 2, DIM)),
        "ids": ids,
        "target": rng.normal(size=(*ids.shape, DIM)),
        "padding_idx": np.array(0 if padding else -1),
        "rate": np.array(RATES[name]),
        "momentum": np.array(0.9),
        "initial accumulator": np.array(0.1),
        "beta_1": np.array(0.9),
        "beta_2": np.array(0.999),
        "rho": np.array(0.9),
        "epsilon": np.array(1e-3),
        "weight decay": np.array(0.1),
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
        "rate": np.array(rate),
        "epsilon": np.array(1e-3),
        "initial accumulator": np.array(0.1),
        "beta_1": np.array(0.9),
        "beta_2": np.array(0.999),
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
