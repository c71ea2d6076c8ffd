"""A made-up result with every kind of verdict, for the tests of the reports."""

import math
from dataclasses import replace

import numpy as np

from tf_emb.parity.check import Row, verdict
from tf_emb.parity.dtypes import as_numpy
from tf_emb.parity.result import Cost, Curve, EngineResult, FaultResult, Result

KERAS = "keras-tensorflow"
EVIL = "[bold]not markup[/bold] <script>alert(1)</script> & \x1b[31mred\x00"
LONG = "a_very_long_output_name_that_no_table_of_eighty_columns_has_room_for"


def judged(case, output, engine, dtype, error=0.12, allowed=1e-7, **changes):
    """One row from the real check; `error` is the share of the bound that one element uses."""
    want = np.linspace(0.5, 1.0, 12).reshape(3, 4)
    got = want.copy()
    got[2, 1] += error * (allowed or 1.0)
    baseline = (want + 1e-8).astype(as_numpy(dtype))
    row = verdict(case, output, engine, "float64", got, want, np.full(want.shape, allowed), baseline)
    return replace(row, dtype=dtype, **changes)


def rows():
    lines = [
        *(
            judged("lookup", "out", e, d, error=0.0, allowed=0.0)
            for e in ("torch", KERAS)
            for d in ("float64", "float32")
        ),
        judged("lookup", "out", "numpy", "float32", error=0.0, allowed=0.0),
        judged("bag", "out", "torch", "float64"),
        judged("bag", "out", "torch", "float32", error=0.5),
        judged("bag", "out", KERAS, "float64", error=3.4e5),
        judged("bag", "out", KERAS, "float32", error=0.99),
        judged("bag", LONG, "torch", "float64", error=1e-4),
        judged("bag", LONG, KERAS, "float32", error=2e-4),
        Row("bag", LONG, "numpy", "float32", "fail", "shape must be (3, 4); got (4, 3)"),
        Row("bag", LONG, "torch", "float32", "error", EVIL),
        Row("bag", LONG, KERAS, "float64", "n/a"),
        judged("adagrad", "accumulator", KERAS, "float64", error=4e7, status="diverges", message=""),
        judged("adagrad", "accumulator", KERAS, "float32", error=4.0, status="healed", message=""),
        judged("adagrad", "accumulator", "torch", "float64", error=1.0 - 1e-6),
        Row("adagrad", "accumulator", "jax", "float64", "absent", "No module named 'jax'"),
        Row("adagrad [red]", "", "torch", "float64", "error", "Traceback\n  RuntimeError: " + "x" * 150),
    ]
    return lines


def cases():
    declared = {
        "what": "It never coalesces <repeated> ids.",
        "cite": "keras/src/optimizers/adagrad.py",
        "old": "a += s**2",
        "new": "a += q",
    }
    told = {
        "lookup": ("A lookup copies rows.", {}),
        "bag": ("A bag averages rows; padding does not count.", {}),
        "adagrad": ("The accumulator sums the squares of whole gradients.", {KERAS: declared}),
    }
    return [
        {
            "name": name,
            "claim": claim,
            "cite": "Mikolov et al. 2013, eq. 4",
            "inputs": {
                "table": {"shape": (10, 4), "dtype": "float64"},
                "ids": {"shape": (3,), "dtype": "int64"},
            },
            "hashes": {"float64": "9f86d081", "float32": "60303ae2"},
            "bounds": {"out": "gamma(n) sum|x| / n: n - 1 additions and a division"},
            "diverges": diverges,
        }
        for name, (claim, diverges) in told.items()
    ]


def curve():
    steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    t = np.array(steps)
    return Curve(
        "adagrad",
        "accumulator",
        steps,
        envelope={"float64": list(2e-14 * t), "float32": list(1e-5 * t)},
        errors={
            "numpy float32": list(3e-8 * np.sqrt(t)),
            "torch float64": [0.0, 0.0, *(1e-16 * t[2:])],
            "torch float32": list(4e-8 * np.sqrt(t)),
            f"{KERAS} float64": list(2e-15 * t**1.6),
            f"{KERAS} float32": [*(5e-8 * t[:-2]), math.inf, math.nan],
        },
        first_outside={f"{KERAS} float64": 50, f"{KERAS} float32": 500},
    )


def sample():
    return Result(
        started="2026-01-31T12:00:00",
        seed=7,
        device="cpu",
        dtypes=["float64", "float32"],
        platform={"python": "3.11.7", "numpy": "2.3.5"},
        seconds=41.5,
        command="python -m compare parity --seed 7",
        engines=[
            EngineResult("numpy", "ran", device="cpu", versions={"numpy": "2.3.5"}, seconds=0.8),
            EngineResult("torch", "recorded", "from compare/references, torch 2.13", "cpu", {"torch": "2.13"}),
            EngineResult(KERAS, "ran", device="cpu", versions={"keras": "3.15.1", "tensorflow": "2.21"}, seconds=9),
            EngineResult("jax", "absent", "No module named 'jax'"),
            EngineResult("paddle", "error", EVIL),
        ],
        cases=cases(),
        rows=rows(),
        curves=[curve(), replace(curve(), case="bag", output="out")],
        faults=[
            FaultResult(
                "bag",
                "mean over padding",
                "n = (ids != pad).sum()",
                "n = ids.size",
                {"float64": 8e14, "float32": math.inf},
                caught=True,
            ),
            FaultResult("bag", "sum < mean", "s / n", "s  # <script>", {"float64": 0.3, "float32": 0.1}, False),
            FaultResult("adagrad", "epsilon inside", "sqrt(a) + eps", "sqrt(a + eps)", {"float64": 2e6}, True),
        ],
        costs=[Cost("lookup", "torch", "float32", "one-hot", 2.1e-3, "lookup", 6e-5, 31)],
    )
