"""exp, log, pow, sigmoid, softplus: how accurate they are, which every other bound takes for granted.

No standard makes them correctly rounded, and few libraries say how far off they are. Every bound that contains K
(`tf_emb.parity.rounding.FUNCTION`) rests on this case.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays, Bound, Case, Fault
from tf_emb.parity.dtypes import DTYPES, WIDE
from tf_emb.parity.engines import KERAS
from tf_emb.parity.rounding import FUNCTION


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Where the other cases use them, and beyond: logits to 40, sums to 10,000, powers to 1,000."""
    return {
        "logits": np.concatenate([np.linspace(-40, 40, 4001), rng.normal(size=4000) * 4, rng.normal(size=999) / 50]),
        "sums": 1 + 10.0 ** rng.uniform(-8, 4, 4000),
        "betas": np.repeat([0.5, 0.9, 0.999], 1000),
        "steps": np.tile(np.arange(1.0, 1001.0), 3),
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Each function, in the form that loses nothing."""
    z = x["logits"]
    small = np.exp(-np.abs(z))
    return {
        "exp": np.exp(-np.abs(z)),
        "log": np.log(x["sums"]),
        "pow": x["betas"] ** x["steps"],
        "sigmoid": np.where(z >= 0, 1 / (1 + small), small / (1 + small)),
        "softplus": np.maximum(z, 0) + np.log1p(small),
    }


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """As the other cases call them."""
    import torch

    z = x["logits"]
    return {
        "exp": torch.exp(-z.abs()),
        "log": torch.log(x["sums"]),
        "pow": x["betas"] ** x["steps"],
        "sigmoid": torch.sigmoid(z),
        "softplus": -torch.nn.functional.logsigmoid(-z),
    }


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """As the layers call them: softplus as -log_sigmoid(-z), since PyTorch's own loses log1p(exp(-z)) from 20 on."""
    from keras import ops

    from tf_emb.parity.engines.pullback import evaluate

    out = evaluate(
        lambda z, sums, betas, steps: (
            ops.exp(-ops.abs(z)),
            ops.log(sums),
            ops.power(betas, steps),
            ops.sigmoid(z),
            -ops.log_sigmoid(-z),
        ),
        *(x[name] for name in ("logits", "sums", "betas", "steps")),
    )
    return dict(zip(("exp", "log", "pow", "sigmoid", "softplus"), out, strict=True))


RELATIVE = f"K = {FUNCTION} roundings, relative to the value: 8 units in the last place"

CASES = [
    Case(
        name="functions",
        claim="exp, log, pow, sigmoid and softplus are as accurate as every other bound assumes.",
        cite="tf_emb/parity/rounding.py: FUNCTION",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
        bounds={
            "exp": Bound(FUNCTION, RELATIVE, lambda x, want: want["exp"]),
            "log": Bound(FUNCTION, RELATIVE, lambda x, want: np.abs(want["log"])),
            "pow": Bound(
                FUNCTION,
                "b^t = exp(t log b): K roundings of the value, and of the exponent |t log b|",
                lambda x, want: want["pow"] * (1 + np.abs(x["steps"] * np.log(x["betas"]))),
            ),
            "sigmoid": Bound(FUNCTION, "K roundings at the scale of 1", lambda x, want: np.ones_like(want["sigmoid"])),
            "softplus": Bound(
                2 * FUNCTION, "2 K roundings at the scale of |z| + 1", lambda x, want: np.abs(x["logits"]) + 1
            ),
        },
        faults={
            "natural for binary exponential": Fault('"exp": np.exp(', '"exp": np.exp2('),
            "logarithm of 1 + x": Fault("np.log(x", "np.log1p(x"),
            "step off by one": Fault('x["betas"] ** x["steps"]', 'x["betas"] ** (x["steps"] + 1)'),
            "sigmoid from a table of 1,000 steps": Fault(
                "small / (1 + small))", "1 / (1 + np.exp(-np.round(z * 1000 / 12) * 12 / 1000)))", at=WIDE
            ),
            "softplus cut to a ramp": Fault(
                "+ np.log1p(small)", "+ np.where(np.abs(z) < 6, np.log1p(small), 0)", at=WIDE
            ),
        },
        quick=True,
        dtypes=DTYPES,
    )
]
