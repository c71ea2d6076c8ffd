"""`tf_emb.layers.Embedding(trainable_rows=...)`: some rows train, the others are read and never written.

Outputs: the rows that are looked up, the table as the call leaves it (`max_norm` shortens trained rows only), and the
gradient of the trained rows, in the order of their ids. What 1,000 steps of an optimizer leave is in
tests/test_trainable_rows.py.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from compare.cases import parameters, text
from compare.cases.layers.embedding_options import JAX, NONE, beside_limit, looked_up, options, shortened
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Fault
from tf_emb.parity.dtypes import DTYPES
from tf_emb.parity.engines import KERAS
from tf_emb.parity.rounding import FUNCTION

VOCAB, DIM, PADDING = 120, 8, 5


def draw(rng: np.random.Generator, options: dict[str, float]) -> dict[str, np.ndarray]:
    """Ids of real text; every third row trains; half of all rows are longer than `max_norm`."""
    x = {"padding_idx": -1, "max_norm": NONE, "by_freq": 0} | options
    table = rng.normal(size=(VOCAB, DIM))
    if x["max_norm"] < NONE:
        table = beside_limit(rng, table, x["max_norm"])
    ids = text.passage(rng, 120, VOCAB).reshape(8, 15)
    drawn = {"table": table, "ids": ids, "trains": np.arange(VOCAB) % 3 == 2, "upstream": rng.normal(size=(8, 15, DIM))}
    return drawn | parameters(x)


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Look up; shorten, and give gradients to, the rows that train."""
    table = x["table"].copy()
    for i in np.unique(x["ids"]):
        norm = np.sqrt((table[i] ** 2).sum())
        if x["trains"][i] and norm > x["max_norm"]:
            table[i] = table[i] * (x["max_norm"] / (norm + 1e-7))
    gradient = np.zeros_like(table)
    np.add.at(gradient, x["ids"], x["upstream"])
    if x["by_freq"]:
        gradient = gradient / np.maximum(places(x), 1).astype(table.dtype)[:, None]
    if x["padding_idx"] >= 0:
        gradient[x["padding_idx"]] = 0
    return {"forward": table[x["ids"]], "table": table, "gradient": gradient[x["trains"]]}


def places(x: Arrays) -> np.ndarray:
    """How often each id occurs in the call."""
    return np.bincount(x["ids"].ravel(), minlength=VOCAB)


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.functional.embedding on a table whose other rows are detached."""
    import torch

    weight = x["table"].clone().requires_grad_()
    merged = torch.where(x["trains"][:, None], weight, weight.detach())
    rows = torch.nn.functional.embedding(x["ids"], merged, **options(x))
    rows.backward(x["upstream"])
    return {"forward": rows, "table": weight, "gradient": weight.grad[x["trains"]]}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.layers.Embedding on whichever backend runs."""
    import keras

    from tf_emb.layers import Embedding
    from tf_emb.parity.engines.pullback import pull_back

    table, trains = (keras.ops.convert_to_numpy(x[name]) for name in ("table", "trains"))
    layer = Embedding(VOCAB, DIM, weights=table, dtype=table.dtype.name, trainable_rows=trains, **options(x))
    rows, (gradient,) = pull_back(layer, layer.trainable_variables, x["upstream"], x["ids"])
    return {"forward": rows, "table": layer.matrix(), "gradient": gradient}


def gradient_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum of |g| over the places of a row, divided by their number where the gradient is."""
    return oracle({**x, "upstream": np.abs(x["upstream"]), "max_norm": np.array(NONE)})["gradient"]


def gradient_count(x: Arrays) -> np.ndarray:
    """c - 1 additions; a reciprocal, a product and a division more where places are counted."""
    hits = places(x)[x["trains"]][:, None]
    return np.maximum(hits - 1, 0) + 3 * int(x["by_freq"]) * (hits > 0)


NORM = Bound(
    DIM + 3 * FUNCTION + 4,
    "norm: d terms, K for each square and K for the root; then +1e-7, a quotient and a product; 0 for other rows",
    shortened,
)
GRADIENT = Bound(gradient_count, "c - 1 additions for c places; 3 more where the sum is divided by c", gradient_scale)
FAULTS = {
    "gradient of the rows that do not train": Fault('gradient[x["trains"]]', 'gradient[np.roll(x["trains"], 1)]'),
    "repeated ids counted once": Fault(
        'np.add.at(gradient, x["ids"], x["upstream"])', 'gradient[x["ids"]] = x["upstream"]'
    ),
    "other rows read as zeros": Fault(
        '"forward": table[x["ids"]]', '"forward": (table * x["trains"][:, None])[x["ids"]]'
    ),
}
PADDING_FAULT = {"padding row gets a gradient": Fault('gradient[x["padding_idx"]] = 0', "pass")}
NORM_FAULT = {"rows that do not train shortened": Fault('x["trains"][i] and norm', "norm")}


def case(name: str, chosen: dict[str, float]) -> Case:
    """The case of one combination of parameters."""
    limited = "max_norm" in chosen
    arguments = "".join(f", {k}={v}" for k, v in chosen.items())
    return Case(
        name=f"embedding-trainable-rows{name}",
        claim=f"Embedding(trainable_rows=...{arguments}) reads other rows to the bit"
        + (", and leaves them as they are: its formula." if limited else ", and gives them no gradient."),
        cite="torch.nn.functional.embedding on a table whose other rows are detached; docs/semantics.md",
        inputs=partial(draw, options=chosen),
        oracle=oracle,
        # torch.nn.functional.embedding would shorten the other rows too.
        impls={**({} if limited else {"torch": run_torch}), **dict.fromkeys(KERAS, run_keras)},
        bounds={
            "forward": looked_up(NORM) if limited else EXACT,
            "table": NORM if limited else EXACT,
            "gradient": GRADIENT,
        },
        faults={
            **FAULTS,
            **(PADDING_FAULT if "padding_idx" in chosen else {}),
            **(NORM_FAULT if limited else {}),
        },
        diverges={"keras-jax": JAX} if limited else {},
        quick=limited,
        dtypes=DTYPES,
    )


CASES = [
    case("", {}),
    case("-padding-by-freq", {"padding_idx": PADDING, "by_freq": 1}),
    case("-max-norm", {"max_norm": 1.5}),
]
