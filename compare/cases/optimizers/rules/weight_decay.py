"""`weight_decay` of optimizers that are not AdamW: decoupled from the gradient in Keras, added to it in PyTorch.

Both move rows whose gradient is 0. Decoupled, a row shrinks by lr wd each step, whatever the optimizer; coupled, its
decay passes through velocity and moments, and Adam moves it by almost lr, however small the decay.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import parameters
from compare.cases.optimizers.rules import bounds, engines
from compare.cases.optimizers.rules.oracle import ROWS, STEPS, draw
from tf_emb.parity.case import Arrays, Bound, Case, Divergence, Fault

IDLE = ROWS - 3  # rows from here on have no gradient
DECOUPLED = 'decoupled, coupled = x["weight decay"], 0.0'
COUPLED = 'decoupled, coupled = 0.0, x["weight decay"]'


def draw_flat(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Gradients of one size, at least twice any decay, or 0; an epsilon so small that its place does not matter."""
    return draw(rng, np.ones(3)) | parameters({"rate": 0.01, "epsilon": 1e-30})


def gradient(x: Arrays) -> np.ndarray:
    """Sum of the upstream gradients over the places of each row."""
    total = np.zeros_like(x["table"])
    np.add.at(total, x["ids"], x["upstream"])
    return total


def outputs(w: np.ndarray) -> dict[str, np.ndarray]:
    """The whole table, and the rows without a gradient once more."""
    return {"table": w, "rows without gradient": w[IDLE:]}


def sgd(x: Arrays) -> dict[str, np.ndarray]:
    """Without velocity and moments both are the same: w -= lr (g + wd w)."""
    w, g = x["table"], gradient(x)
    for _ in range(STEPS):
        w = w - x["rate"] * x["weight decay"] * w - x["rate"] * g
    return outputs(w)


def momentum(x: Arrays) -> dict[str, np.ndarray]:
    """The decay beside the velocity, or in it."""
    w, g, u = x["table"], gradient(x), np.zeros_like(x["table"])
    decoupled, coupled = x["weight decay"], 0.0
    for _ in range(STEPS):
        u = x["momentum"] * u - x["rate"] * (g + coupled * w)
        w = w - x["rate"] * decoupled * w + u
    return outputs(w)


def adam(x: Arrays) -> dict[str, np.ndarray]:
    """The decay beside the moments, or in them."""
    w, g, b1, b2 = x["table"], gradient(x), x["beta_1"], x["beta_2"]
    m, v = np.zeros_like(w), np.zeros_like(w)
    decoupled, coupled = x["weight decay"], 0.0
    for t in range(1, STEPS + 1):
        pull = g + coupled * w
        m = b1 * m + (1 - b1) * pull
        v = b2 * v + (1 - b2) * pull**2
        rate = x["rate"] * np.sqrt(1 - b2**t) / (1 - b1**t)
        w = w - x["rate"] * decoupled * w - rate * m / (np.sqrt(v) + x["epsilon"])
    return outputs(w)


def pull_size(x: Arrays) -> np.ndarray:
    """P = lr (|g| + wd (|w0| + 1)): the most that one step adds to a velocity, since no weight moves by 1."""
    return x["rate"] * (np.abs(gradient(x)) + x["weight decay"] * (np.abs(x["table"]) + 1))


def sgd_scale(x: Arrays) -> np.ndarray:
    """A decay (3 roundings), a gradient (3) and a weight, T times."""
    return STEPS * 4 * (np.abs(x["table"]) + STEPS * pull_size(x))


def momentum_scale(x: Arrays) -> np.ndarray:
    """|u| <= T P, off by at most 3 T + 8 of it; T of them, and T weights rounded 3 times, at most |w0| + T^2 P."""
    velocity = STEPS * pull_size(x)
    return 3 * STEPS * (np.abs(x["table"]) + STEPS * velocity) + STEPS * (3 * STEPS + 8) * velocity


def adam_scale(x: Arrays) -> np.ndarray:
    """C of T steps, of at most 1.1 lr each, and T weights rounded 3 times; the whole twice.

    Twice, because a coupled pull is off by what the weight is: with r its relative error, |w| >= 0.4 and T lr = 0.05,
    r <= 3 + 2.5 (3 T (|w0| + T lr) + 0.055 (C + 2 r)) gives r < C / 4 + 100, and C + 2 r < 2 C.
    """
    moved = 1.1 * STEPS * x["rate"]
    return 2 * (3 * STEPS * (np.abs(x["table"]) + moved) + bounds.adam(0.9, 0.99) * moved)


def both(run: Any) -> Any:
    """Return an implementation whose outputs are the table, and the rows without a gradient."""

    def implementation(x: Mapping[str, Any]) -> dict[str, Any]:
        table = run(x)["table"]
        return {"table": table, "rows without gradient": table[IDLE:]}

    return implementation


def case(
    name: str,
    claim: str,
    cite: str,
    oracle: Any,
    scale: Any,
    impls: dict[str, Any],
    faults: dict[str, Fault],
    **more: Any,
) -> Case:
    """Put one optimizer's case together."""
    why = " ".join(scale.__doc__.split())
    return Case(
        name=f"weight-decay-{name}",
        claim=claim,
        cite=cite,
        inputs=draw_flat,
        oracle=oracle,
        impls={engine: both(run) for engine, run in impls.items()},
        bounds={
            "table": Bound(1, why, lambda x, want: scale(x)),
            "rows without gradient": Bound(1, why, lambda x, want: scale(x)[IDLE:]),
        },
        faults=faults,
        **more,
    )


KERAS_CITE = "keras/src/optimizers/base_optimizer.py, _apply_weight_decay"
CASES = [
    case(
        "sgd", "Without momentum, coupled and decoupled weight decay are one rule: w -= lr (g + wd w), every row.",
        f"Loshchilov and Hutter 2019, proposition 1; {KERAS_CITE}; torch.optim.SGD", sgd, sgd_scale,
        engines.pair(
            ("SGD", lambda x: {"lr": x["rate"], "weight_decay": x["weight decay"]}),
            ("SGD", lambda x: {"learning_rate": x["rate"], "weight_decay": x["weight decay"]}),
        ),
        {
            "decay without the rate": Fault('x["rate"] * x["weight decay"] * w', 'x["weight decay"] * w'),
            "decay of rows with a gradient only": Fault('decay"] * w', 'decay"] * np.where(g == 0, 0, w)'),
        },
    ),
    case(
        "momentum", "Keras' weight decay passes the velocity by: every row shrinks by lr wd.",
        f"Loshchilov and Hutter 2019, algorithm 1 (SGDW); {KERAS_CITE}", momentum, momentum_scale,
        engines.pair(
            ("SGD", lambda x: {"lr": x["rate"], "momentum": x["momentum"], "weight_decay": x["weight decay"]}),
            ("SGD", lambda x: {"learning_rate": x["rate"], "momentum": x["momentum"],
                               "weight_decay": x["weight decay"]}),
        ),
        {
            "decay without the rate": Fault('x["rate"] * decoupled * w', "decoupled * w"),
            "decay of rows with a gradient only": Fault("decoupled * w", "decoupled * np.where(g == 0, 0, w)"),
            "no decay": Fault(DECOUPLED, "decoupled, coupled = 0.0, 0.0"),
        },
        diverges={
            "torch": Divergence(
                "PyTorch adds wd w to the gradient, so the decay is accelerated by the momentum",
                "torch/optim/sgd.py, _single_tensor_sgd", DECOUPLED, COUPLED,
            )
        },
    ),
    case(
        "adam", "Keras' weight decay in Adam is AdamW's: every row shrinks by lr wd, moments know nothing of it.",
        f"Loshchilov and Hutter 2019, algorithm 2; {KERAS_CITE}", adam, adam_scale,
        engines.pair(
            ("Adam", lambda x: {"lr": x["rate"], "betas": (x["beta_1"], x["beta_2"]), "eps": x["epsilon"],
                                "weight_decay": x["weight decay"]}),
            ("Adam", lambda x: {"learning_rate": x["rate"], "beta_1": x["beta_1"], "beta_2": x["beta_2"],
                                "epsilon": x["epsilon"], "weight_decay": x["weight decay"]}),
        ),
        {
            "decay without the rate": Fault('x["rate"] * decoupled * w', "decoupled * w"),
            "decay of rows with a gradient only": Fault("decoupled * w", "decoupled * np.where(g == 0, 0, w)"),
            "no decay": Fault(DECOUPLED, "decoupled, coupled = 0.0, 0.0", at=("float64",)),
        },
        diverges={
            "torch": Divergence(
                "PyTorch adds wd w to the gradient, and moves a row without a gradient by almost lr a step",
                "torch/optim/adam.py, _single_tensor_adam, unless decoupled_weight_decay", DECOUPLED, COUPLED,
            )
        },
    ),
]  # fmt: skip
