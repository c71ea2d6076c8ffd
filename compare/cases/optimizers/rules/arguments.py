"""The same arguments to both libraries: what is the same, and what is not."""

from collections.abc import Mapping
from typing import Any

from compare.cases.optimizers import KERAS
from compare.cases.optimizers.rules import bounds, engines, oracle
from compare.cases.optimizers.rules.oracle import STEPS, draw, reconcilable
from tf_emb.parity.case import Case, Divergence, Fault

NOT_SUMMED = {"last of repeated ids wins": Fault('np.add.at(total, x["ids"], ', 'total.__setitem__(x["ids"], ')}
INSIDE = 'inside=x["epsilon"], outside=0.0'
OUTSIDE = 'inside=0.0, outside=x["epsilon"]'
B1, B2, RHO = 0.9, 0.99, 0.95


def adam(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch's names."""
    return {"lr": x["rate"], "betas": (x["beta_1"], x["beta_2"]), "eps": x["epsilon"]}


def keras_adam(x: Mapping[str, Any]) -> dict[str, Any]:
    """Keras' names."""
    return {"learning_rate": x["rate"], "epsilon": x["epsilon"], "beta_1": x["beta_1"], "beta_2": x["beta_2"]}


def nadam(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch's names."""
    return adam(x) | {"momentum_decay": x["momentum decay"]}


def averaged(x: Mapping[str, Any]) -> dict[str, Any]:
    """Keras' names for RMSprop and Adadelta."""
    return {"learning_rate": x["rate"], "rho": x["rho"], "epsilon": x["epsilon"]}


# In Keras on TensorFlow at float64, 0.96 becomes float32 where it makes mu, and stays as it is in the product.
DOZAT = 'decay=x["momentum decay"], base=0.96'
FLOAT32_BASE = "base=float(np.float32(0.96))"
FLOAT32_PRODUCT = Divergence(
    "PyTorch keeps the product of the momenta in float32 at float64, unless float64 is its default dtype",
    "torch/optim/nadam.py, _init_group: mu_product has the dtype of _get_scalar_dtype()",
    "product * b1 * (1 - 0.96 ** (decay * t) / 2)",
    "float(np.float32(product) * np.float32(b1 * (1 - 0.96 ** (decay * t) / 2)))",
    at=("float64",),
)
OTHER_SCHEDULE = "Keras takes 0.96^t, a momentum that reaches beta_1 250 times sooner, and has no argument for it"
NADAM_CITE = "keras/src/optimizers/nadam.py, update_step: ops.cast(0.96, dtype), and power(0.96, t)"

CASES = [
    Case(
        name="momentum-rate",
        claim="Momentum's velocity has its rates in it: when the rate changes, steps taken before keep theirs.",
        cite="Sutskever et al. 2013, equation 3; keras/src/optimizers/sgd.py, update_step",
        inputs=draw,
        oracle=oracle.momentum_rate,
        impls={"torch": engines.momentum_torch, **dict.fromkeys(KERAS, engines.momentum_keras)},
        bounds={
            "table": bounds.table(4 * STEPS + 4, "3 roundings of every term of u for each step it has been in it"),
            "velocity": bounds.slot("velocity", 4 * STEPS + 4, "3 roundings a step, and torch's product with the rate"),
        },
        faults={
            **NOT_SUMMED,
            "dampened": Fault("u - rate * g", 'u - (1 - x["momentum"]) * rate * g'),
            "the rate of the step before": Fault("u - rate * g", "u - before * g"),
        },
        diverges={
            "torch": Divergence(
                "PyTorch keeps the velocity without its rate, so a new rate rescales all earlier steps in it",
                "torch/optim/sgd.py, _single_tensor_sgd, and the note in the documentation of torch.optim.SGD",
                "kept_in_rate=True", "kept_in_rate=False",
            )
        },
    ),
    Case(
        name="adagrad-epsilon",
        quick=True,
        claim="Adagrad's epsilon stands under the root, and its accumulator starts where it is told to.",
        cite="Duchi, Hazan and Singer 2011, figure 1 (delta I + root in the paper); keras/src/optimizers/adagrad.py",
        inputs=draw,
        oracle=oracle.adagrad_epsilon,
        impls=engines.pair(
            ("Adagrad", lambda x: {"lr": x["rate"], "eps": x["epsilon"],
                                   "initial_accumulator_value": x["initial accumulator"]}),
            ("Adagrad", lambda x: {"learning_rate": x["rate"], "epsilon": x["epsilon"],
                                   "initial_accumulator_value": x["initial accumulator"]}),
            {"accumulator": ("sum", "_accumulators")},
        ),
        bounds={
            "table": bounds.table(STEPS + 9, "half of T + 3 for the accumulator, 6 operations"),
            "accumulator": bounds.slot("accumulator", STEPS + 3, "T sums, a square and the initial value"),
        },
        faults={
            **NOT_SUMMED,
            "accumulator starts at 0": Fault('x["initial accumulator"]', "0.0"),
            "step taken before the accumulator": Fault("np.sqrt(a + inside)", "np.sqrt(a - g**2 + inside)"),
        },
        diverges={
            "torch": Divergence(
                "PyTorch adds epsilon to the root", "torch/optim/adagrad.py, _single_tensor_adagrad", INSIDE, OUTSIDE
            ),
        },
    ),
    Case(
        name="rmsprop-epsilon",
        claim="RMSprop's epsilon stands under the root.",
        cite="Graves 2013, equation 40; keras/src/optimizers/rmsprop.py, update_step",
        inputs=draw,
        oracle=oracle.rmsprop_epsilon,
        impls=engines.pair(
            ("RMSprop", lambda x: {"lr": x["rate"], "alpha": x["rho"], "eps": x["epsilon"]}), ("RMSprop", averaged),
            {"v": ("square_avg", "_velocities")},
        ),
        bounds={
            "table": bounds.table(bounds.average(RHO) / 2 + 8, "half of the average, 8 operations"),
            "v": bounds.slot("v", bounds.average(RHO), "6 T + rho / (1 - rho) + 2"),
        },
        faults={
            **NOT_SUMMED,
            "rho exchanged": Fault("v = rho * v + (1 - rho) * g", "v = (1 - rho) * v + rho * g"),
            "bias-corrected": Fault("np.sqrt(v + inside)", "np.sqrt(v / (1 - rho**STEPS) + inside)"),
        },
        diverges={
            "torch": Divergence(
                "PyTorch adds epsilon to the root", "torch/optim/rmsprop.py, _single_tensor_rmsprop", INSIDE, OUTSIDE
            ),
        },
    ),
    Case(
        name="adam-epsilon",
        claim="Adam's epsilon is added before the bias correction: the epsilon-hat of the paper's section 2.",
        cite="Kingma and Ba 2015, section 2, beside algorithm 1; keras/src/optimizers/adam.py, update_step",
        inputs=draw,
        oracle=oracle.adam_epsilon,
        impls=engines.pair(("Adam", adam), ("Adam", keras_adam)),
        bounds={"table": bounds.table(bounds.adam(B1, B2), "m, half of v, (2 K + 1) sum b / (1 - b), 12 operations")},
        faults={
            **NOT_SUMMED,
            "epsilon inside the root": Fault("np.sqrt(v) + before", "np.sqrt(v + before)"),
            "betas exchanged": Fault('x["beta_1"], x["beta_2"], before', 'x["beta_2"], x["beta_1"], before'),
        },
        diverges={
            "torch": Divergence(
                "PyTorch adds epsilon after the bias correction, as the paper's algorithm 1",
                "torch/optim/adam.py, _single_tensor_adam",
                'before=x["epsilon"], after=0.0', 'before=0.0, after=x["epsilon"]',
            ),
        },
    ),
    Case(
        name="adadelta",
        claim="Adadelta is the same in both libraries when it is given the same arguments.",
        cite="Zeiler 2012, algorithm 1; torch.optim.Adadelta, keras.optimizers.Adadelta",
        inputs=draw,
        oracle=oracle.adadelta_equal,
        impls=engines.pair(
            ("Adadelta", lambda x: {"lr": x["rate"], "rho": x["rho"], "eps": x["epsilon"]}), ("Adadelta", averaged),
            {"squares": ("square_avg", "_accumulated_grads"),
             "squared steps": ("acc_delta", "_accumulated_delta_vars")},
        ),
        bounds={
            "table": bounds.table(bounds.adadelta(RHO) + 2, "T (average + 7), and the rate"),
            "squares": bounds.slot("squares", bounds.average(RHO), "6 T + rho / (1 - rho) + 2"),
            "squared steps": bounds.slot(
                "squared steps", 2 * bounds.adadelta(RHO) + bounds.average(RHO) + 2, "an average of squares of steps"
            ),
        },
        faults={
            **NOT_SUMMED,
            "epsilon outside the roots": Fault(
                "np.sqrt(d + epsilon) / np.sqrt(a + epsilon)", "(np.sqrt(d) + epsilon) / (np.sqrt(a) + epsilon)"
            ),
            "squared steps averaged first": Fault("np.sqrt(d + epsilon)", "np.sqrt(rho * d + epsilon)"),
            "no rate": Fault("w = w - rate * step", "w = w - step"),
        },
    ),
    Case(
        name="nadam",
        claim="Nadam is the same in both libraries when PyTorch is given a momentum decay of 1.",
        cite="Dozat 2016; torch.optim.NAdam(momentum_decay=1.0), keras.optimizers.Nadam",
        inputs=reconcilable,
        oracle=oracle.nadam_schedule,
        impls=engines.pair(("NAdam", nadam), ("Nadam", keras_adam)),
        bounds={"table": bounds.table(bounds.nadam(B1, B2), "m, half of v, the corrections and the schedule of mu")},
        faults={
            **NOT_SUMMED,
            "no schedule": Fault("b1 * (1 - base ** (decay * s) / 2)", "b1"),
            "the momentum of this step, not of the next": Fault("following * m", "mu * m"),
            "epsilon before the bias correction": Fault(
                "np.sqrt(v / (1 - b2**t)) + epsilon", "(np.sqrt(v) + epsilon) / np.sqrt(1 - b2**t)"
            ),
        },
        diverges={
            "keras-tensorflow": Divergence(
                "Keras on TensorFlow rounds 0.96 to float32 at float64", NADAM_CITE, "base=0.96", FLOAT32_BASE,
                at=("float64",),
            ),
            "torch": FLOAT32_PRODUCT,
        },
    ),
    Case(
        name="nadam-schedule",
        claim="Nadam's momentum approaches beta_1 by 0.96^(t / 250).",
        cite="Dozat 2016, section 2.1; torch.optim.NAdam, whose default momentum decay is 0.004",
        inputs=draw,
        oracle=oracle.nadam_schedule,
        impls=engines.pair(("NAdam", nadam), ("Nadam", keras_adam)),
        bounds={"table": bounds.table(bounds.nadam(B1, B2), "m, half of v, the corrections and the schedule of mu")},
        faults={
            **NOT_SUMMED,
            "the power of the next step": Fault(
                "for s in (t, t + 1))", "for s in (t + 1, t + 2))", at=("float64",)
            ),
            "the product of the step before": Fault(
                "(1 - mu) * g / (1 - product)", "(1 - mu) * g / (1 - product / mu)"
            ),
        },
        diverges={
            "torch": FLOAT32_PRODUCT,
            "keras-tensorflow": Divergence(OTHER_SCHEDULE, NADAM_CITE, DOZAT, f"decay=1.0, {FLOAT32_BASE}"),
            "keras-jax": Divergence(OTHER_SCHEDULE, NADAM_CITE, DOZAT, "decay=1.0, base=0.96"),
            "keras-torch": Divergence(OTHER_SCHEDULE, NADAM_CITE, DOZAT, "decay=1.0, base=0.96"),
        },
    ),
]  # fmt: skip
