"""Optimizers that touch only the rows a batch looked up: tf_emb.optimizers beside torch's on sparse gradients.

Rows of a table are drawn towards targets, E = sum |row - target|^2 / 2 over the places of a batch, so an error in the
table feeds back through the gradient. The ids are text: frequent words are repeated within a batch, rare ones come back
after long absence. There lazy Adam differs from dense Adam, which decays the moments of absent rows and keeps moving
them.
"""

from functools import partial

import numpy as np

from compare.cases import parameters, text
from compare.cases.optimizers.lazy import engines, oracle
from compare.cases.optimizers.lazy.oracle import RULES, initial, take_step
from tf_emb.parity.case import Arrays, Bound, Case, Fault, running
from tf_emb.parity.rounding import FUNCTION, Rounded, gamma, scatter_add

VOCAB, DIM, STEPS, PLACES = 150, 6, 200, 12
RATES = {"sgd": 0.02, "adam": 0.01, "adagrad": 0.1}


def draw(rng: np.random.Generator, name: str) -> dict[str, np.ndarray]:
    """Consecutive batches of text, a target for each place, and states of the trajectory to take one step from."""
    ids = text.passage(rng, STEPS * PLACES, VOCAB).reshape(STEPS, PLACES)
    ids[0, 0] = ids[-1, 0] = VOCAB  # looked up in the first batch and in the last
    x = {
        "start table": rng.normal(size=(VOCAB + 2, DIM)),  # the last row is never looked up
        "ids": ids,
        "target": rng.normal(size=(*ids.shape, DIM)),
        "state step": np.array([0, 1, STEPS // 2, STEPS - 1]),
        **parameters({"rate": RATES[name], "zero": 0.0, "initial accumulator": 0.1, "epsilon": 1e-3}),
        **parameters({"beta_1": 0.9, "beta_2": 0.999}),
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


def envelope(x: Arrays, u: float, name: str) -> dict[str, np.ndarray]:
    """Running error analysis of the free run and of each step taken alone."""
    state = {k: Rounded.exact(v, u) for k, v in initial(x, name).items()}
    names, after = list(state), []
    for t in range(len(x["ids"])):
        state = rounded_step(x, state, t, name)
    for i, t in enumerate(x["state step"]):
        injected = {k: Rounded.exact(x[f"state {k}"][i], u) for k in names}
        after.append(rounded_step(x, injected, int(t), name))
    free = {f"{k}, free run": state[k].error for k in names}
    return free | {f"{k}, one step": np.stack([s[k].error for s in after]) for k in names}


def rounded_step(x: Arrays, state: dict[str, Rounded], t: int, name: str) -> dict[str, Rounded]:
    """The rule on every row; rows that the batch does not name keep what they had, without error."""
    ids, w = x["ids"][t], state["table"]
    g = scatter_add(len(w.value), ids, w[ids] - x["target"][t])
    new = ROUNDED[name](x, state, g, t + 1)
    named = np.isin(np.arange(len(w.value)), ids)[:, None]
    return {
        k: Rounded(np.where(named, new[k].value, old.value), np.where(named, new[k].error, old.error), old.u)
        for k, old in state.items()
    }


def rounded_sgd(x: Arrays, state: dict[str, Rounded], g: Rounded, t: int) -> dict[str, Rounded]:
    """The rule, on every row; a program may write a row back once for each of its c places, as torch does.

    That is c - 1 roundings more, each of at most |w| + lr sum |g|.
    """
    ids, w = x["ids"][t - 1], state["table"]
    places = np.bincount(ids, minlength=len(w.value))[:, None]
    off = w[ids] - x["target"][t - 1]
    summed = scatter_add(len(w.value), ids, Rounded(np.abs(off.value), off.error, off.u))
    between = np.abs(w.value) + w.error + x["rate"] * (summed.value + summed.error)
    new = w - g * x["rate"]
    return {"table": Rounded(new.value, new.error + gamma(np.maximum(places - 1, 0), g.u) * between, g.u)}


def rounded_adam(x: Arrays, state: dict[str, Rounded], g: Rounded, t: int) -> dict[str, Rounded]:
    """The rule, on every row."""
    b1, b2 = float(x["beta_1"]), float(x["beta_2"])
    m, v = state["m"].average(g, b1), state["v"].average(g * g, b2)
    one, two = (correction(beta, t, g.u) for beta in (b1, b2))
    step = m * (two.sqrt() * x["rate"] / one) / (v.sqrt() + float(x["epsilon"]))
    return {"table": state["table"] - step, "m": m, "v": v}


def correction(beta: float, t: int, u: float) -> Rounded:
    """1 - b^t = 1 - e^-z, z = -t log b: off by K u for the logarithm, u for the product, and K u for expm1.

    d(1 - e^-z) = e^-z dz and z e^-z <= 1 - e^-z: what z is off by, relatively, bounds what the correction is.
    """
    value = np.asarray(1 - np.float64(beta) ** t)
    return Rounded(value, (2 * FUNCTION + 1) * u * value, u)


def rounded_adagrad(x: Arrays, state: dict[str, Rounded], g: Rounded, t: int) -> dict[str, Rounded]:
    """The rule, on every row."""
    a = state["accumulator"] + g * g
    return {"table": state["table"] - g * x["rate"] / (a.sqrt() + float(x["epsilon"])), "accumulator": a}


ROUNDED = {"sgd": rounded_sgd, "adam": rounded_adam, "adagrad": rounded_adagrad}


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
    return {
        f"{k}, {what}": running(WHY.format(length=length))
        for k in ("table", *oracle.SLOTS[name])
        for what, length in LENGTHS.items()
    }


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
