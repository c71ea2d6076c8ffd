"""Optimizers that touch only the rows a batch looked up: tf_emb.optimizers beside torch's on sparse gradients.

Rows of a table are drawn towards targets, E = sum |row - target|^2 / 2 over the places of a batch, so an error in the
table feeds back through the gradient. The ids are text: frequent words are repeated within a batch, rare ones come back
after long absence. There lazy Adam differs from dense Adam, which decays the moments of absent rows and keeps moving
them.
"""

from functools import partial

from compare.cases.optimizers.lazy import engines, oracle
from compare.cases.optimizers.lazy.envelope import envelope
from compare.cases.optimizers.lazy.inputs import draw
from tf_emb.parity.case import Bound, Case, Fault, running

WHY = (
    "running error analysis over {length}: sums over places gamma(c - 1), each operation of the update u, 1 - b^t "
    "2 K u; rows that no batch names keep every bit (tf_emb/parity/rounding.py)"
)
KERAS = ("keras-tensorflow", "keras-graph", "keras-xla")
LENGTHS = {"one step": "one step", "free run": "every step so far"}
GRADIENT_FAULTS = {
    "last of repeated ids wins": Fault("np.add.at(total, ids, updates)", "total[ids] = updates"),
    "repeated ids not coalesced": Fault("squares = g**2", "squares = coalesce(state, ids, updates**2)[rows]"),
    "mean over the places": Fault("coalesce(state, ids, updates)[rows]", "coalesce(state, ids, updates)[rows] / 12"),
}
SUM_FAULTS = {name: fault for name, fault in GRADIENT_FAULTS.items() if "squares" not in fault.old}
DESCENT = 'state["table"][rows] -= x["rate"] * g\n'
OWN_STEPS = 'np.array([[np.any(x["ids"][: t + 1] == row, axis=1).sum()] for row in rows])'
CORRECTION = "np.sqrt(-np.expm1(t * np.log(b2))) / -np.expm1(t * np.log(b1))"


def bounds(name: str) -> dict[str, Bound]:
    """One bound for the table and each slot, after one step and after the free run."""
    return {f"{k}, {what}": running(WHY.format(length=length))
            for k in ("table", *oracle.SLOTS[name]) for what, length in LENGTHS.items()}  # fmt: skip


def case(name: str, claim: str, cite: str, faults: dict[str, Fault]) -> Case:
    """Put one optimizer's case together."""
    return Case(
        name=f"lazy-{name}",
        claim=claim,
        cite=cite,
        inputs=partial(draw, name=name),
        oracle=getattr(oracle, f"{name}_oracle"),
        impls={
            "torch": partial(engines.run, engines.Torch, name),
            **dict.fromkeys(KERAS, partial(engines.run, engines.Keras, name)),
        },
        bounds=bounds(name),
        faults=faults,
        envelope=partial(envelope, name=name),
        quick=name == "adagrad",
    )


CASES = [
    case(
        "sgd",
        "200 steps of gradient descent on the rows of each batch agree; other rows keep their bits.",
        "Robbins and Monro 1951; torch.optim.sgd._single_tensor_sgd on sparse gradients",
        {
            **SUM_FAULTS,
            "rows without gradient moved": Fault(DESCENT, DESCENT.replace("rows", "rows - 1")),
            "step in the direction of the gradient": Fault(DESCENT, DESCENT.replace("-=", "+=")),
        },
    ),
    case(
        "adam",
        "200 steps of lazy Adam agree: rows that a batch does not name keep their bits, and so do their moments.",
        "Kingma and Ba 2015, section 2 (eps-hat); torch.optim._functional.sparse_adam",
        {
            **GRADIENT_FAULTS,
            "betas exchanged": Fault('x["beta_1"], x["beta_2"]', 'x["beta_2"], x["beta_1"]'),
            "rows without gradient decayed": Fault("rows = np.unique(ids)", 'rows = np.arange(len(state["table"]))'),
            "steps counted for each row": Fault("squares, t + 1)", f"squares, {OWN_STEPS})"),
            "steps counted from 0": Fault("squares, t + 1)", "squares, max(t, 1))"),
            "no bias correction": Fault(CORRECTION, "1"),
            "epsilon inside the root": Fault('np.sqrt(v) + x["epsilon"]', 'np.sqrt(v + x["epsilon"])'),
            "epsilon after the bias correction": Fault(
                'np.sqrt(v) + x["epsilon"]', 'np.sqrt(v) + x["epsilon"] * np.sqrt(-np.expm1(t * np.log(b2)))'
            ),
        },
    ),
    case(
        "adagrad",
        "200 steps of Adagrad on the rows of each batch agree: (sum g)^2 on repeated ids, eps beside the root.",
        "Duchi, Hazan and Singer 2011, figure 1; torch.optim.adagrad._single_tensor_adagrad on sparse gradients",
        {
            **GRADIENT_FAULTS,
            "accumulator starts at 0": Fault("x[INITIAL[s]]", "0.0"),
            "epsilon inside the root": Fault('np.sqrt(a) + x["epsilon"]', 'np.sqrt(a + x["epsilon"])'),
            "step taken before the accumulator": Fault("np.sqrt(a) +", "np.sqrt(a - squares) +"),
            "accumulator of other rows moved": Fault('["accumulator"][rows] = a', '["accumulator"][rows - 1] = a'),
        },
    ),
]  # fmt: skip
