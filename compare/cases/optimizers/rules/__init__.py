"""Where the optimizers of Keras and PyTorch differ, one case for each difference, and arguments that reconcile them.

Each case holds one rule; a library that follows another must do so exactly as declared. The gradient is that of
an Embedding layer with repeated ids, the same at every step, so that every difference is the optimizer's.

Here: what each library takes where it is given nothing. The oracle holds Keras' defaults; PyTorch has others.
"""

import numpy as np

from compare.cases.optimizers.rules import arguments, bounds, engines, oracle, weight_decay
from compare.cases.optimizers.rules.oracle import STEPS, draw
from tf_emb.parity.case import Arrays, Bound, Case, Divergence, Fault

RATE_IS = {"a rate of 0.002": Fault("rate=0.001", "rate=0.002")}


def adamw_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """A step of Adam is at most lr under a constant gradient; the decay rounds twice more. lr = 0.001."""
    moved = 0.001 * STEPS
    return 3 * STEPS * (np.abs(x["table"]) + moved) + (bounds.adam(0.9, 0.999) + 2) * moved


def case(
    name: str,
    torch_name: str,
    keras_name: str,
    bound: Bound,
    faults: dict[str, Fault],
    keras: str,
    torch: str,
    what: str,
) -> Case:
    """Put one optimizer's case together: its defaults in the oracle's call, and PyTorch's beside them."""
    return Case(
        name=f"{name}-defaults",
        claim=f"keras.optimizers.{keras_name}() has the rate, the decays and the epsilon that Keras documents.",
        cite=f"keras.optimizers.{keras_name}, torch.optim.{torch_name}: their signatures",
        inputs=draw,
        oracle=getattr(oracle, f"{name}_defaults"),
        impls=engines.pair((torch_name, lambda x: {}), (keras_name, lambda x: {})),
        bounds={"table": bound},
        faults=faults,
        diverges={"torch": Divergence(what, f"torch/optim/{torch_name.lower()}.py, __init__", keras, torch)},
    )


ADAM = bounds.adam(0.9, 0.999) + 2
# Nothing but the table is compared: its bound is for the coarser of the two rules.
DEFAULTS = [
    case(
        "sgd", "SGD", "SGD", bounds.table(3, "the rate, the product"),
        {"a rate of 0.02": Fault("rate=0.01", "rate=0.02")},
        "rate=0.01", "rate=0.001",
        "PyTorch's rate is 0.001",
    ),
    case(
        "adagrad", "Adagrad", "Adagrad", bounds.table(STEPS + 11, "half of T + 3, 6 operations, rate and epsilon"),
        {**RATE_IS, "accumulator starts at 0": Fault("start=0.1", "start=0.0")},
        "rate=0.001, start=0.1, inside=1e-7, outside=0.0", "rate=0.01, start=0.0, inside=0.0, outside=1e-10",
        "PyTorch's rate is 0.01, its accumulator starts at 0, and epsilon is 1e-10, added to the root",
    ),
    case(
        "rmsprop", "RMSprop", "RMSprop", bounds.table(bounds.average(0.99) / 2 + 10, "half of the average, 10 more"),
        {**RATE_IS, "rho of 0.99": Fault("rho=0.9,", "rho=0.99,")},
        "rate=0.001, rho=0.9, inside=1e-7, outside=0.0", "rate=0.01, rho=0.99, inside=0.0, outside=1e-8",
        "PyTorch's rate is 0.01, rho (its alpha) 0.99, and epsilon 1e-8, added to the root",
    ),
    case(
        "adam", "Adam", "Adam", bounds.table(ADAM, "m, half of v, (2 K + 1) sum b / (1 - b), 14 more"),
        {**RATE_IS, "epsilon of 1e-6": Fault("before=1e-7", "before=1e-6")},
        "before=1e-7, after=0.0", "before=0.0, after=1e-8",
        "PyTorch's epsilon is 1e-8, and added after the bias correction",
    ),
    case(
        "adamw", "AdamW", "AdamW",
        Bound(1, "3 T (|w0| + T lr) + C T lr, C: Adam's m, half of v, (2 K + 1) sum b / (1 - b), 14 more", adamw_scale),
        {**RATE_IS, "no decay": Fault("decay=0.004", "decay=0.0")},
        "before=1e-7, after=0.0, decay=0.004", "before=0.0, after=1e-8, decay=0.01",
        "PyTorch's weight decay is 0.01, its epsilon 1e-8, and added after the bias correction",
    ),
    case(
        "adadelta", "Adadelta", "Adadelta", bounds.table(bounds.adadelta(0.95) + 4, "T (average + 7), rate, epsilon"),
        {**RATE_IS, "rho of 0.9": Fault("rho=0.95", "rho=0.9")},
        "rate=0.001, rho=0.95, epsilon=1e-7", "rate=1.0, rho=0.9, epsilon=1e-6",
        "PyTorch's rate is 1, as the paper's, a thousand times Keras'; rho is 0.9 and epsilon 1e-6",
    ),
]  # fmt: skip


CASES = [*arguments.CASES, *DEFAULTS, *weight_decay.CASES]
