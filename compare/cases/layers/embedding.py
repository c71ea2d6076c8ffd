"""`tf_emb.layers.Embedding` beside `torch.nn.Embedding`: every parameter, and every pair that interacts.

Outputs: the rows, the table as the call leaves it (`max_norm` writes), and the gradient.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from compare.cases import parameters, text
from compare.cases.layers.embedding_options import JAX, NONE, beside_limit, looked_up, options, reads_zeros, shortened
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Fault
from tf_emb.parity.dtypes import DTYPES, LOW
from tf_emb.parity.engines import KERAS
from tf_emb.parity.rounding import FUNCTION

VOCAB, DIM = 300, 12


def draw(rng: np.random.Generator, options: dict[str, float]) -> dict[str, np.ndarray]:
    """Ids of real text with a padded end; a table of which half the rows are longer than `max_norm`."""
    ids = text.passage(rng, 240, VOCAB).reshape(12, 20)
    ids[:, 16:] = 5
    x = {"padding_idx": -1, "max_norm": NONE, "norm_type": 2.0, "by_freq": 0} | options
    table = rng.normal(size=(VOCAB, DIM))
    if x["max_norm"] < NONE:
        table = beside_limit(rng, table, x["max_norm"], x["norm_type"])
    return {"table": table, "ids": ids, "upstream": rng.normal(size=(*ids.shape, DIM)), **parameters(x)}


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Shorten the rows that are looked up, look up, and sum the gradient by id."""
    table = x["table"].copy()
    for i in np.unique(x["ids"]):
        norm = (np.abs(table[i]) ** x["norm_type"]).sum() ** (1 / x["norm_type"])
        if np.isinf(x["norm_type"]):
            norm = np.abs(table[i]).max()
        if norm > x["max_norm"]:
            table[i] = table[i] * (x["max_norm"] / (norm + 1e-7))
    gradient = np.zeros_like(table)
    np.add.at(gradient, x["ids"], x["upstream"])
    if x["by_freq"]:
        gradient = gradient / np.maximum(places(x), 1).astype(table.dtype)[:, None]
    if x["padding_idx"] >= 0:
        gradient[x["padding_idx"]] = 0
    return {"forward": table[x["ids"]], "table": table, "gradient": gradient}


def places(x: Arrays) -> np.ndarray:
    """How often each id occurs in the call."""
    return np.bincount(x["ids"].ravel(), minlength=VOCAB)


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.Embedding with a dense gradient."""
    import torch

    layer = torch.nn.Embedding.from_pretrained(x["table"].clone(), freeze=False, **options(x))
    rows = layer(x["ids"])
    rows.backward(x["upstream"])
    return {"forward": rows, "table": layer.weight, "gradient": layer.weight.grad}


def run_paddle(x: Mapping[str, Any]) -> dict[str, Any]:
    """paddle.nn.functional.embedding with a dense gradient."""
    import paddle

    table = x["table"].clone()
    table.stop_gradient = False
    rows = paddle.nn.functional.embedding(x["ids"], table, **options(x))
    paddle.autograd.backward([rows], [x["upstream"]])
    return {"forward": rows, "table": table, "gradient": table.grad}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.layers.Embedding on whichever backend runs."""
    import keras

    from tf_emb.layers import Embedding
    from tf_emb.parity.engines.pullback import pull_back

    table = keras.ops.convert_to_numpy(x["table"])
    layer = Embedding(VOCAB, DIM, weights=table, dtype=table.dtype.name, **options(x))
    rows, (gradient,) = pull_back(layer, [layer.embeddings], x["upstream"], x["ids"])
    return {"forward": rows, "table": layer.matrix(), "gradient": gradient}


def gradient_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum of |g| over the places of a row, divided by their number where the gradient is; 0 for padding."""
    magnitude = {**x, "upstream": np.abs(x["upstream"]), "max_norm": np.array(NONE)}
    return oracle(magnitude)["gradient"]


def gradient_count(x: Arrays) -> np.ndarray:
    """c - 1 additions, and a reciprocal, a product and a division where places are counted."""
    hits = places(x)[:, None]
    return np.maximum(hits - 1, 0) + 3 * int(x["by_freq"]) * (hits > 0)


NORM = Bound(
    DIM + 3 * FUNCTION + 4,
    "norm: d terms, K for each power and K for the root; then +1e-7, a quotient and a product; 0 for rows within it",
    shortened,
)
GRADIENT = Bound(gradient_count, "c - 1 additions for c places; 3 more where the sum is divided by c", gradient_scale)
FAULTS = {
    "off by one": Fault('"forward": table[x["ids"]]', '"forward": table[x["ids"] - 1]'),
    "repeated ids counted once": Fault(
        'np.add.at(gradient, x["ids"], x["upstream"])', 'gradient[x["ids"]] = x["upstream"]'
    ),
}
PADDING = {
    "padding row gets a gradient": Fault('gradient[x["padding_idx"]] = 0', "pass"),
    "padding row reads as zero": Fault(
        '    return {"forward"', '    table[x["padding_idx"]] = 0\n    return {"forward"'
    ),
}
MAX_NORM = {
    "every row of the table shortened": Fault('np.unique(x["ids"])', "range(VOCAB)"),
    "epsilon left out": Fault("(norm + 1e-7)", "norm", at=("float64",)),
    "rows within the limit stretched": Fault('if norm > x["max_norm"]:', "if True:"),
    "norm over the vocabulary": Fault("np.abs(table[i]) ** x", "np.abs(table[:, 0]) ** x"),
}
BY_FREQ = {
    "divided by the size of the call": Fault("np.maximum(places(x), 1)", "np.full(VOCAB, x['ids'].size)"),
    "counts of a sentence, not of the call": Fault(
        'np.bincount(x["ids"].ravel(), minlength=VOCAB)', 'np.bincount(x["ids"][0], minlength=VOCAB)'
    ),
}
PADDLE = reads_zeros('"forward": table[x["ids"]]')
VARIANTS: dict[str, dict[str, float]] = {
    "padding": {"padding_idx": 5},
    "max-norm": {"max_norm": 1.5},
    "max-norm-1": {"max_norm": 4.0, "norm_type": 1.0},
    "max-norm-inf": {"max_norm": 0.8, "norm_type": np.inf},
    "by-freq": {"by_freq": 1},
    "padding-max-norm": {"padding_idx": 5, "max_norm": 1.5},
    "padding-by-freq": {"padding_idx": 5, "by_freq": 1},
    "max-norm-by-freq": {"max_norm": 1.5, "by_freq": 1},
    "all": {"padding_idx": 5, "max_norm": 1.0, "norm_type": 3.0, "by_freq": 1},
}


def case(name: str, chosen: dict[str, float]) -> Case:
    """The case of one combination of parameters."""
    limited = "max_norm" in chosen
    faults = {
        **FAULTS,
        **(PADDING if "padding_idx" in chosen else {}),
        **(MAX_NORM if limited else {}),
        **(BY_FREQ if "by_freq" in chosen else {}),
    }
    if np.isinf(chosen.get("norm_type", 2)):
        faults["norm over the vocabulary"] = Fault("np.abs(table[i]).max()", "np.abs(table[:, 0]).max()")
    return Case(
        name=f"embedding-{name}",
        claim=f"Embedding({', '.join(f'{k}={v}' for k, v in chosen.items())}) is torch.nn.Embedding's.",
        cite="torch.nn.Embedding; ATen/native/Embedding.cpp; docs/semantics.md",
        inputs=partial(draw, options=chosen),
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras), "paddle": run_paddle},
        bounds={
            "forward": looked_up(NORM) if limited else EXACT,
            "table": NORM if limited else EXACT,
            "gradient": GRADIENT,
        },
        faults=faults,
        diverges={
            **({"keras-jax": JAX} if limited else {}),
            **({"paddle": PADDLE} if "padding_idx" in chosen else {}),
        },
        lacks={"paddle": paddle_lacks(chosen)},
        quick=name == "all",
        dtypes=DTYPES,
    )


def paddle_lacks(chosen: dict[str, float]) -> tuple[str, ...]:
    """The dtypes at which Paddle 3.3 on CPU cannot run a variant, or not as it should.

    It has no kernel for p-norms at low precision. At float64 its norm takes the p-th root with 1/p rounded to float32
    (measured), which 1, 1/2 and 0 survive and 1/3 does not: 2e6 times the bound.
    """
    power = 1 / chosen.get("norm_type", 2.0)
    inexact = float(np.float32(power)) != power
    return (*LOW, *(["float64"] if inexact else [])) if "max_norm" in chosen else ()


CASES = [case(name, chosen) for name, chosen in VARIANTS.items()]
