"""Trajectories of the optimizers, with repeated ids in the batches: an Embedding layer's and skip-gram's.

`trajectory-*`: 1,000 steps that draw the rows of a layer's table towards targets, E = sum |row - target|^2 / 2 over the
places of a batch, so that an error in the table feeds back through the gradient. A target is drawn for every place:
gradients stay of order 1 to the end. A padding row's gradient is 0; what a dense optimizer does to a row whose gradient
is 0 (decay, coasting moments), it does to the padding row too. `sgd`, `adagrad`, `adam`: skip-gram with negative
sampling, in which the gradient of each table depends on the other.

Two claims each. "One step": from states of the oracle's own trajectory, tables and optimizer state agree after one
step, within the bound of one step. "Free run": the whole trajectory stays within the envelope that running error
analysis propagates from step to step.

    SGD       w -= lr g
    momentum  u = mu u - lr g;  w += u                                       (Sutskever et al. 2013, equation 3)
    Adagrad   a += g^2;  w -= lr g / sqrt(a + eps)                           (Duchi et al. 2011; Keras' form)
    Adam      m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
              w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)        (Kingma and Ba 2015, section 2)
    AdamW     w -= lr wd w;  then Adam                                       (Loshchilov and Hutter 2019, algorithm 2)
    RMSprop   v = rho v + (1 - rho) g^2;  w -= lr g / sqrt(v + eps)          (Tieleman and Hinton 2012; Keras' form)
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from compare.cases.optimizers import KERAS
from compare.cases.optimizers.trajectories import keras, oracle, torch
from compare.cases.optimizers.trajectories.envelope import envelope
from compare.cases.optimizers.trajectories.follow import run
from compare.cases.optimizers.trajectories.oracle import draw_layer, draw_skipgram
from tf_emb.parity.case import Bound, Case, Fault, running

WHY = (
    "running error analysis over {length}: sums over places gamma(c - 1), each operation of the update u, powers of "
    "beta K u; rows that nothing moves keep every bit (tf_emb/parity/rounding.py)"
)
LENGTHS = {"one step": "one step", "free run": "every step so far"}
STEP = "new = rule(x, own, g, squares, t + 1)"
PADDING = 'np.arange(len(g))[:, None] == x["padding_idx"]'
FROZEN = f"new = {{k: np.where({PADDING}, own[k], v) for k, v in rule(x, own, g, squares, t + 1).items()}}"
COMMON_FAULTS = {
    "last of repeated ids wins": Fault("np.add.at(total, ids, updates)", "total[ids] = updates"),
    "mean over the places": Fault("g = coalesce(x, own, ids, updates)", "g = coalesce(x, own, ids, updates) / 8"),
    "targets of the batch before": Fault('x["target"][t]', 'x["target"][t - 1]'),
}
PADDING_FAULTS = {
    "padding row gets a gradient": Fault('total[x["padding_idx"]] = 0', "pass"),
    "row beside the padding row gets none": Fault('total[x["padding_idx"]] = 0', 'total[x["padding_idx"] + 1] = 0'),
}
FROZEN_FAULT = {"padding row kept out of the update": Fault(STEP, FROZEN)}
NOT_COALESCED = {"repeated ids not coalesced": Fault("squares = g**2", "squares = coalesce(x, own, ids, updates**2)")}
MOMENTS_FAULTS = {
    **NOT_COALESCED,
    "epsilon inside the root": Fault('np.sqrt(v) + x["epsilon"]', 'np.sqrt(v + x["epsilon"])'),
    "epsilon after the bias correction": Fault(
        'np.sqrt(v) + x["epsilon"]', 'np.sqrt(v) + x["epsilon"] * np.sqrt(1 - b2**t)'
    ),
    "no bias correction": Fault("np.sqrt(1 - b2**t) / (1 - b1**t)", "1"),
    "step counted from 2": Fault("squares, t + 1)", "squares, t + 2)"),
}
NOT_DECAYED = Fault('m = b1 * state["m"]', 'm = np.where(g == 0, 1, b1) * state["m"]')
ADAM_FAULTS = {**MOMENTS_FAULTS, "rows without gradient not decayed": NOT_DECAYED}
FAULTS = {
    "sgd": {"the step taken twice": Fault('x["rate"] * g', '2 * x["rate"] * g')},
    "momentum": {
        "dampened": Fault('- x["rate"] * g', '- (1 - x["momentum"]) * x["rate"] * g'),
        "Nesterov's look ahead": Fault('state["table"] + u', 'state["table"] + x["momentum"] * u - x["rate"] * g'),
        "rows without gradient do not coast": Fault('state["table"] + u', 'state["table"] + np.where(g == 0, 0, u)'),
    },
    "adagrad": {
        **NOT_COALESCED,
        "accumulator starts at 0": Fault('{"accumulator": x["initial accumulator"]}', "{}"),
        "epsilon outside the root": Fault('np.sqrt(a + x["epsilon"])', '(np.sqrt(a) + x["epsilon"])'),
        "step taken before the accumulator": Fault("np.sqrt(a +", "np.sqrt(a - squares +"),
    },
    "adam": ADAM_FAULTS,
    "adamw": {
        **ADAM_FAULTS,
        "decay coupled to the gradient": Fault(
            '{**state, "table": decayed}, g,', 'state, g + x["weight decay"] * state["table"],'
        ),
        "decay without the rate": Fault('x["rate"] * x["weight decay"] * state', 'x["weight decay"] * state'),
        "decay of rows with a gradient only": Fault(
            'x["weight decay"] * state["table"]', 'x["weight decay"] * np.where(g == 0, 0, state["table"])'
        ),
    },
    "rmsprop": {
        **NOT_COALESCED,
        "epsilon outside the root": Fault('np.sqrt(v + x["epsilon"])', '(np.sqrt(v) + x["epsilon"])'),
        "bias-corrected": Fault('np.sqrt(v + x["epsilon"])', 'np.sqrt(v / (1 - x["rho"] ** t) + x["epsilon"])'),
        "rho exchanged": Fault('x["rho"] * state["v"] + (1 - x["rho"])', '(1 - x["rho"]) * state["v"] + x["rho"]'),
    },
}
CLAIMS = {
    "sgd": ("stochastic gradient descent", "Robbins and Monro 1951; torch.optim.SGD, keras.optimizers.SGD"),
    "momentum": (
        "gradient descent with momentum",
        "Sutskever et al. 2013, equation 3; keras.optimizers.SGD; torch.optim.SGD, whose buffer is -u / lr: equal as "
        "long as the rate is constant (case momentum-rate)",
    ),
    "adagrad": (
        "Adagrad",
        "Duchi, Hazan and Singer 2011; keras.optimizers.Adagrad; torch.optim.Adagrad with eps = 0 and eps in its "
        "accumulator",
    ),
    "adam": (
        "Adam",
        "Kingma and Ba 2015, section 2; keras.optimizers.Adam; torch.optim.Adam with eps / sqrt(1 - b2^t)",
    ),
    "adamw": (
        "AdamW",
        "Loshchilov and Hutter 2019, algorithm 2; keras.optimizers.AdamW; torch.optim.AdamW with eps / sqrt(1 - b2^t)",
    ),
    "rmsprop": (
        "RMSprop",
        "Tieleman and Hinton 2012; keras.optimizers.RMSprop; torch.optim.RMSprop with eps = 0 and "
        "eps (1 / rho - 1) added to its average before every step",
    ),
}


SKIPGRAM_WHY = (
    "running error analysis over {length}: logits gamma(d), sigmoid K u, sums over places gamma(c - 1), each "
    "operation of the update u; errors propagate through the derivatives (tf_emb/parity/rounding.py)"
)
SKIPGRAM_FAULTS = {
    "noise equal to the context kept": Fault("counted[:, 1:] = noise != context[:, None]", "pass"),
    "repeated ids counted once": Fault("np.add.at(total, ids, updates)", "total[ids] = updates"),
    "wrong sign on the noise term": Fault("counted * (s - target)", "counted * (s * (2 * target - 1) - target)"),
    "centres beside the wrong contexts": Fault('x["center"][t], x["context"]', 'x["center"][t][::-1], x["context"]'),
}
MEAN_FAULT = {"mean over the batch": Fault('x["rate"] * g', 'x["rate"] * g / x["center"].shape[1]')}
SKIPGRAM = {
    "sgd": (
        1000, 0.02, MEAN_FAULT,
        "1,000 steps of stochastic gradient descent on skip-gram agree, repeated ids included.",
        "Robbins and Monro 1951; torch.optim.SGD, keras.optimizers.SGD",
    ),
    "adagrad": (
        200, 0.02, FAULTS["adagrad"],
        "200 steps of Adagrad agree, tables and accumulators: (sum g)^2 on repeated ids, never sum(g^2).",
        "Duchi, Hazan and Singer 2011; torch.optim.Adagrad (initial_accumulator_value = a0 + eps, eps = 0), "
        "keras.optimizers.Adagrad",
    ),
    "adam": (
        200, 1e-3, {**MOMENTS_FAULTS, "untouched rows not decayed": NOT_DECAYED},
        "200 steps of Adam agree, tables and both moments: (sum g)^2 on repeated ids, never sum(g^2).",
        "Kingma and Ba 2015, section 2; keras.optimizers.Adam; torch.optim.Adam with eps / sqrt(1 - b2^t)",
    ),
}  # fmt: skip


def layer(name: str, padding: bool) -> Case:
    """Put together the case of one optimizer on the layer."""
    what, cite = CLAIMS[name]
    faults = {**COMMON_FAULTS, **FAULTS[name]}
    engines: tuple[str, ...] = KERAS
    if padding:
        engines += ("keras-xla",)  # a second of compilation each: only here, where most can go wrong
        # The other rules never move a row whose gradient has always been 0.
        faults |= PADDING_FAULTS | (FROZEN_FAULT if name in ("momentum", "adam", "adamw", "rmsprop") else {})
    return Case(
        name=f"trajectory-{name}" + "-padding" * padding,
        quick=name == "momentum" and padding,
        claim=f"1,000 steps of {what} on an Embedding agree, repeated ids {'and a padding row ' * padding}included.",
        cite=cite,
        inputs=partial(draw_layer, name=name, padding=padding),
        oracle=getattr(oracle, f"{name}_trajectory"),
        impls=impls(name, engines),
        bounds=bounds(name, ("table",), WHY),
        faults=faults,
        envelope=partial(envelope, name=name),
        curves=("table, free run",),
    )


def skipgram(name: str) -> Case:
    """Put together the case of one optimizer on skip-gram."""
    steps, rate, faults, claim, cite = SKIPGRAM[name]
    return Case(
        name=name,
        claim=claim,
        cite=cite,
        inputs=partial(draw_skipgram, name=name, steps=steps, rate=rate),
        oracle=getattr(oracle, f"{name}_trajectory"),
        impls=impls(name, ("keras-tensorflow",)),
        bounds=bounds(name, ("center", "context"), SKIPGRAM_WHY),
        faults={**SKIPGRAM_FAULTS, **faults},
        envelope=partial(envelope, name=name),
        curves=("center, free run", "context, free run"),
        quick=name == "adagrad",
    )


def impls(name: str, engines: tuple[str, ...]) -> dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]:
    """PyTorch, and Keras on each of `engines`."""
    return {"torch": partial(run, torch.Stepper, name), **dict.fromkeys(engines, partial(run, keras.Stepper, name))}


def bounds(name: str, tables: tuple[str, ...], why: str) -> dict[str, Bound]:
    """One bound for each table and slot, after one step and after the free run."""
    names = [*tables, *(oracle.key(table, slot) for table in tables for slot in oracle.SLOTS[name])]
    return {f"{k}, {what}": running(why.format(length=length)) for what, length in LENGTHS.items() for k in names}


CASES = [
    *(skipgram(name) for name in SKIPGRAM),
    *(layer(name, padding) for name in CLAIMS for padding in (False, True)),
]
