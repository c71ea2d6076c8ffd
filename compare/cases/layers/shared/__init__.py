"""One table that is read several times in a step: one `fit`, and the optimizer must see one summed gradient.

Each case is a model whose output is linear in the table, y = R W with R the matrix that says which rows each output
reads. For the mean squared error over N numbers,

    G = R^T (2 / N) (R W - Y)

and G, not its pieces, is what Adagrad, Adam and RMSprop square and what `clipnorm` measures.
"""

from dataclasses import replace

from compare.cases.layers.shared.engines import RULES, Trained, bags, by_time, nested, once, twice
from compare.cases.layers.shared.oracle import (
    Oracle,
    Reads,
    bags_oracle,
    draw,
    envelope_of,
    once_oracle,
    reads_bags,
    reads_once,
    reads_twice,
    replicas_oracle,
    twice_oracle,
)
from tf_emb.parity.case import Case, Divergence, Fault, running
from tf_emb.parity.dtypes import WIDE
from tf_emb.parity.engines import KERAS

FAULTS = {
    "squares of the pieces": Fault(
        'accumulator = x["start"] + g**2', 'accumulator = x["start"] + (matrix**2).T @ upstream**2'
    ),
    "norm of the pieces": Fault(
        "np.sqrt((g**2).sum())", "np.sqrt((matrix**2 @ np.ones((VOCAB, DIM)) * upstream**2).sum())"
    ),
    "the last read alone": Fault("matrix.T @ upstream,", "matrix[-1:].T @ upstream[-1:],"),
    "mean of the reads": Fault("matrix.T @ upstream,", "matrix.T @ upstream / np.maximum(matrix.sum(0), 1)[:, None],"),
    "second moment of the pieces": Fault(
        '(1 - x["beta_2"]) * g**2', '(1 - x["beta_2"]) * ((matrix**2).T @ upstream**2)'
    ),
    "RMSprop of the pieces": Fault('(1 - x["rho"]) * g**2', '(1 - x["rho"]) * ((matrix**2).T @ upstream**2)'),
}
WHY = "running error analysis of the two products, the loss' gradient, and the optimizer's formula"


FLOAT32_NORM = Divergence(
    "Keras on PyTorch takes the norm at float32, at every dtype: there float64 and a Python float make float32",
    "keras/src/optimizers/base_optimizer.py, _clip_by_norm: ops.maximum(l2norm, self.clipnorm)",
    "np.sqrt((g**2).sum())",
    "np.float64(np.float32(np.sqrt((g**2).sum())))",
    at=("float64",),
)


def case(name: str, claim: str, impl: Trained, oracle: Oracle, reads: Reads, ids: str = "ids") -> Case:
    """Return the case of a model."""
    return Case(
        name=name,
        claim=claim,
        cite="tensorflow#28090; Duchi, Hazan and Singer 2011, figure 1; Kingma and Ba 2015, algorithm 1",
        inputs=draw,
        oracle=oracle,
        impls=dict.fromkeys(KERAS, impl),
        bounds=dict.fromkeys(RULES, running(WHY)),
        faults=FAULTS,
        envelope=envelope_of(reads, ids),
        diverges={"keras-torch": FLOAT32_NORM},
        dtypes=WIDE,
        quick=name == "shared-twice",
    )


def replicated(of: Case) -> Case:
    """Return the case without what replicas do not do: XLA, other backends, and clipping of the whole gradient."""
    engines = ("keras-tensorflow", "keras-graph")
    faults = {name: fault for name, fault in of.faults.items() if name != "norm of the pieces"}

    impls = {name: of.impls[name] for name in engines}
    bounds = {name: bound for name, bound in of.bounds.items() if name != "sgd, clipnorm"}
    return replace(of, impls=impls, bounds=bounds, faults=faults, diverges={})


CASES = [
    case(
        "shared-twice",
        "A layer that is called twice in a model: its optimizer sees one sum, and is held to its formula.",
        Trained(twice),
        twice_oracle,
        reads_twice,
    ),
    case(
        "shared-nested",
        "A layer inside a model and beside it: its optimizer sees one sum, and is held to its formula.",
        Trained(nested),
        twice_oracle,
        reads_twice,
    ),
    case(
        "shared-time",
        "A layer under TimeDistributed: its optimizer sees one sum, and is held to its formula.",
        Trained(by_time),
        once_oracle,
        reads_once,
    ),
    case(
        "shared-default",
        "A row that bags name, and that stands for empty ones: its optimizer is held to its formula.",
        Trained(bags, bag=True),
        bags_oracle,
        reads_bags,
        "bags",
    ),
    replicated(
        case(
            "shared-replicas",
            "Two replicas of MirroredStrategy: the optimizer is held to its formula.",
            Trained(once, replicas=2),
            replicas_oracle,
            reads_once,
        )
    ),
]
