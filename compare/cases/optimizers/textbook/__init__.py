"""Trajectories of skip-gram under SGD, Adagrad and Adam, with repeated ids in the batches.

Two claims each. "One step": from states of the oracle's own trajectory, tables and optimizer state agree after
one step, within the bound of one step. "Free run": the whole trajectory stays within the envelope that running
error analysis propagates from step to step.

    SGD       w -= lr g
    Adagrad   a += g^2;  w -= lr g / sqrt(a + eps)                           (Duchi et al. 2011; Keras' form)
    Adam      m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
              w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)        (Kingma and Ba 2015, section 2)
"""

from functools import partial

from compare.cases.optimizers.textbook import envelope, oracle
from compare.cases.optimizers.textbook.inputs import draw
from compare.cases.optimizers.textbook.keras import run as run_keras
from compare.cases.optimizers.textbook.torch import run as run_torch
from tf_emb.parity.case import Bound, Case, Fault, running

WHY = (
    "running error analysis over {what}: logits gamma(d), sigmoid K u, sums over places gamma(c - 1), each "
    "operation of the update u; errors propagate through the derivatives (tf_emb/parity/rounding.py)"
)
SKIPGRAM_FAULTS = {
    "noise equal to the context kept": Fault("counted[:, 1:] = noise != context[:, None]", "pass"),
    "repeated ids counted once": Fault("np.add.at(total, ids, updates)", "total[ids] = updates"),
    "wrong sign on the noise term": Fault("counted * (s - target)", "counted * (s * (2 * target - 1) - target)"),
    "centres beside the wrong contexts": Fault('x["center"][t], x["context"]', 'x["center"][t][::-1], x["context"]'),
}


def bounds(slots: tuple[str, ...]) -> dict[str, Bound]:
    """One bound for each table and slot, after one step and after the free run."""
    names = [*oracle.TABLES, *(f"{table} {slot}" for table in oracle.TABLES for slot in slots)]
    return {
        f"{name}, {what}": running(WHY.format(what=length))
        for what, length in (("one step", "one step"), ("free run", "every step so far"))
        for name in names
    }


def case(
    name: str,
    steps: int,
    rate: float,
    slots: tuple[str, ...],
    claim: str,
    cite: str,
    faults: dict[str, Fault],
) -> Case:
    """Put one optimizer's case together."""
    trajectory = getattr(oracle, f"{name}_trajectory")
    return Case(
        name=name,
        claim=claim,
        cite=cite,
        inputs=partial(draw, trajectory=trajectory, steps=steps, rate=rate),
        oracle=trajectory,
        impls={"torch": partial(run_torch, name), "keras-tensorflow": partial(run_keras, name)},
        bounds=bounds(slots),
        faults={**SKIPGRAM_FAULTS, **faults},
        envelope=partial(envelope.trajectory, name),
        curves=("center, free run", "context, free run"),
        quick=name == "adagrad",
    )


CASES = [
    case(
        "sgd", 1000, 0.02, (),
        "1,000 steps of stochastic gradient descent on skip-gram agree, repeated ids included.",
        "Robbins and Monro 1951; torch.optim.SGD, keras.optimizers.SGD",
        {"mean over the batch": Fault('x["rate"] * g', 'x["rate"] * g / x["center"].shape[1]')},
    ),
    case(
        "adagrad", 200, 0.02, ("accumulator",),
        "200 steps of Adagrad agree, tables and accumulators: (sum g)^2 on repeated ids, never sum(g^2).",
        "Duchi, Hazan and Singer 2011; torch.optim.Adagrad (initial_accumulator_value = a0 + eps, eps = 0), "
        "keras.optimizers.Adagrad",
        {
            "repeated ids not coalesced": Fault("a + g**2", "a + coalesce(x, ids, updates**2)"),
            "epsilon outside the root": Fault('np.sqrt(a + x["epsilon"])', '(np.sqrt(a) + x["epsilon"])'),
            "accumulator starts at 0": Fault('x["initial accumulator"]', "0.0"),
            "step taken before the accumulator": Fault('np.sqrt(a + x["epsilon"])', 'np.sqrt(a - g**2 + x["epsilon"])'),
        },
    ),
    case(
        "adam", 200, 1e-3, ("m", "v"),
        "200 steps of Adam agree, tables and both moments: (sum g)^2 on repeated ids, never sum(g^2).",
        "Kingma and Ba 2015, section 2; keras.optimizers.Adam; torch.optim.Adam with eps / sqrt(1 - b2^t)",
        {
            "repeated ids not coalesced": Fault("(1 - b2) * g**2", "(1 - b2) * coalesce(x, ids, updates**2)"),
            "epsilon inside the root": Fault('np.sqrt(v) + x["epsilon"]', 'np.sqrt(v + x["epsilon"])'),
            "epsilon after the bias correction": Fault('x["epsilon"])', 'x["epsilon"] * np.sqrt(1 - b2**t))'),
            "no bias correction": Fault("np.sqrt(1 - b2**t) / (1 - b1**t)", "1"),
            "step counted from 2": Fault("t = step + 1", "t = step + 2"),
            "untouched rows not decayed": Fault("m = b1 * m +", "m = np.where(g == 0, 1, b1) * m +"),
        },
    ),
]  # fmt: skip
