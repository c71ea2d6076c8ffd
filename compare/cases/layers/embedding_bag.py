"""`tf_emb.layers.EmbeddingBag` beside `torch.nn.EmbeddingBag`: every mode, with every parameter that touches it.

Bags of real text, among them empty ones, bags of padding only, bags of one place, and bags with a word twice, whose
columns tie under "max".
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from compare.cases.layers.embedding_bag_oracle import BAGS, DIM, MODES, PADDING, VOCAB, draw, oracle
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Divergence, Fault
from tf_emb.parity.dtypes import DTYPES
from tf_emb.parity.engines import KERAS


def options(x: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as arguments of both libraries."""
    padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
    return {"padding_idx": padding, "scale_grad_by_freq": bool(x["by_freq"]), "include_last_offset": bool(x["csr"])}


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.EmbeddingBag; its offsets are the starts, or with include_last_offset all of them."""
    import torch

    table = x["table"].clone()
    layer = torch.nn.EmbeddingBag.from_pretrained(table, freeze=False, mode=MODES[x["mode"]], **options(x))
    weights = x["weights"].clone().requires_grad_() if x["weighted"] else None
    if x["dense"]:
        shaped = None if weights is None else weights.reshape(BAGS, -1)
        out = layer(x["ids"].reshape(BAGS, -1), per_sample_weights=shaped)
    else:
        out = layer(x["ids"], x["offsets"] if x["csr"] else x["offsets"][:-1], per_sample_weights=weights)
    out.backward(x["upstream"])
    found = {"forward": out, "gradient": layer.weight.grad}
    return found | ({} if weights is None else {"weights gradient": weights.grad})


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.layers.EmbeddingBag on whichever backend runs."""
    import keras

    from tf_emb.layers import EmbeddingBag
    from tf_emb.parity.engines.pullback import pull_back

    table = keras.ops.convert_to_numpy(x["table"])
    default = x["default_id"] if x["default_id"] >= 0 else None
    how: dict[str, Any] = {"combiner": MODES[x["mode"]], "default_id": default, **options(x)}
    layer = EmbeddingBag(VOCAB, DIM, weights=table, dtype=table.dtype.name, **how)
    weights = keras.Variable(x["weights"], dtype=table.dtype.name)

    def forward() -> Any:
        given = weights.value if x["weighted"] else None
        if x["dense"]:
            shaped = None if given is None else keras.ops.reshape(given, (BAGS, -1))
            return layer(keras.ops.reshape(x["ids"], (BAGS, -1)), per_sample_weights=shaped)
        return layer((x["ids"], x["offsets"] if x["csr"] else x["offsets"][:-1]), per_sample_weights=given)

    differentiable = x["weighted"] and MODES[x["mode"]] == "sum"
    variables = {"gradient": layer.embeddings} | ({"weights gradient": weights} if differentiable else {})
    out, gradients = pull_back(forward, list(variables.values()), x["upstream"])
    return {"forward": out, **dict(zip(variables, gradients, strict=True))}


def lengths(x: Arrays) -> np.ndarray:
    """Places of each bag."""
    return np.diff(x["offsets"])


def forward_count(x: Arrays) -> np.ndarray:
    """Products and additions of n places; as many for a norm, its root, and a division."""
    return (2 * lengths(x) + 5)[:, None] * (lengths(x) > 0)[:, None]


def absolute(x: Arrays) -> Arrays:
    """The oracle's outputs with magnitudes for values: weights are positive, so norms stay as they are."""
    return oracle({**x, "table": np.abs(x["table"]), "upstream": np.abs(x["upstream"])})


def gradient_count(x: Arrays) -> np.ndarray:
    """Of each place's gradient, of the additions into a row, 3 where it is divided by its count."""
    hits = np.bincount(x["ids"], minlength=VOCAB)[:, None]
    return 2 * lengths(x).max() + 5 + hits + BAGS * (x["default_id"] >= 0) + 3 * int(x["by_freq"])


def exact_gradient_count(x: Arrays) -> np.ndarray:
    """Under "max" a place passes its gradient on: only the additions into a row round, and 3 for counts."""
    hits = np.bincount(x["ids"], minlength=VOCAB)[:, None]
    return np.maximum(hits - 1, 0) + 3 * int(x["by_freq"])


LINEAR = {
    "forward": Bound(
        forward_count, "n products and additions, as many for the norm, a root, a division",
        lambda x, want: absolute(x)["forward"],
    ),
    "gradient": Bound(
        gradient_count, "each place's factor 2 n + 5, c additions into a row, 3 for counts",
        lambda x, want: absolute(x)["gradient"],
    ),
}  # fmt: skip
MAX = {
    "forward": EXACT,
    "gradient": Bound(
        exact_gradient_count, "c - 1 additions, 3 for counts",
        lambda x, want: oracle({**x, "upstream": np.abs(x["upstream"])})["gradient"],  # sent to the same places
    ),
}  # fmt: skip
WEIGHTS = Bound(DIM, "a dot product of d terms", lambda x, want: absolute(x)["weights gradient"])

LINEAR_FAULTS = {
    "last place left out": Fault('x["offsets"][b + 1])', 'x["offsets"][b + 1] - 1)'),
    "repeated ids counted once": Fault('np.add.at(gradient, x["ids"], places)', 'gradient[x["ids"]] = places'),
    "upstream of the next bag": Fault("places[live] = w[:, None] * x[\"upstream\"][b]",
                                      "places[live] = w[:, None] * x[\"upstream\"][b - 1]"),
}  # fmt: skip
MODE_FAULTS = {
    "sum": {"mean for sum": Fault('"sum": 1', '"sum": len(w)')},
    "mean": {"sum for mean": Fault('"mean": w.sum()', '"mean": 1')},
    "sqrtn": {"root of the count squared": Fault("np.sqrt((w**2).sum())", "(w**2).sum()")},
    "max": {
        "gradient to the last of equals": Fault(
            "live[np.argmax(rows, axis=0)]", "live[len(rows) - 1 - np.argmax(rows[::-1], axis=0)]"
        ),
        "min for max": Fault("rows.max(axis=0)", "rows.min(axis=0)"),
        "repeated ids counted once": Fault('np.add.at(gradient, x["ids"], places)', 'gradient[x["ids"]] = places'),
    },
}
PADDING_FAULTS = {"padding in the bag": Fault('x["ids"][here] != x["padding_idx"]', 'x["ids"][here] != -2')}
DENOMINATOR = {"padding in the denominator": Fault('"mean": w.sum()', '"mean": len(here)')}
WEIGHT_FAULTS = {
    "weights forgotten": Fault('weights[live] if x["weighted"]', 'np.ones_like(weights[live]) if x["weighted"]')
}
FREQ_FAULTS = {"places of a bag, not of the call": Fault(
    'np.bincount(x["ids"], minlength=VOCAB)', 'np.bincount(x["ids"][:9], minlength=VOCAB)'
)}  # fmt: skip
DEFAULT_FAULTS = {
    "default row without gradient": Fault("gradient + default", "gradient"),
    "empty bags stay zero": Fault('forward[b] = table[x["default_id"]]', "pass"),
}

TORCH_BY_FREQ = Divergence(
    "PyTorch 2.13 on CPU divides a row's gradient by the count of another id (scale_grad_by_freq of EmbeddingBag)",
    "pytorch/pytorch#190063: ATen/native/EmbeddingBag.cpp, _embedding_bag_dense_backward_cpu_sum_mean",
    'np.bincount(x["ids"], minlength=VOCAB)',
    "torch_counts(x)",
)

VARIANTS: dict[str, dict[str, int]] = {
    "sum": {"mode": 0},
    "mean": {"mode": 1},
    "max": {"mode": 2},
    "sqrtn": {"mode": 3},
    "sum-weights-padding": {"mode": 0, "weighted": 1, "padding_idx": PADDING},
    "mean-weights": {"mode": 1, "weighted": 1},
    "sqrtn-weights": {"mode": 3, "weighted": 1},
    "mean-padding-csr": {"mode": 1, "padding_idx": PADDING, "csr": 1},
    "max-padding": {"mode": 2, "padding_idx": PADDING},
    "mean-by-freq": {"mode": 1, "by_freq": 1, "padding_idx": PADDING},
    "sum-by-freq-dense": {"mode": 0, "by_freq": 1, "dense": 1},
    "mean-padding-dense": {"mode": 1, "padding_idx": PADDING, "dense": 1},
    "mean-default": {"mode": 1, "padding_idx": PADDING, "default_id": 3},
}


def faults(chosen: dict[str, int]) -> dict[str, Fault]:
    """The faults that the variant can show."""
    mode = MODES[chosen["mode"]]
    return {
        **(LINEAR_FAULTS if mode != "max" else {}),
        **MODE_FAULTS[mode],
        **(PADDING_FAULTS if "padding_idx" in chosen else {}),
        **(DENOMINATOR if "padding_idx" in chosen and mode == "mean" else {}),
        **(WEIGHT_FAULTS if "weighted" in chosen else {}),
        **(FREQ_FAULTS if "by_freq" in chosen else {}),
        **(DEFAULT_FAULTS if "default_id" in chosen else {}),
    }


def case(name: str, chosen: dict[str, int]) -> Case:
    """The case of one combination."""
    mode, weighted = MODES[chosen["mode"]], "weighted" in chosen
    has_torch = mode != "sqrtn" and not (weighted and mode != "sum") and "default_id" not in chosen
    learns = {"weights gradient": WEIGHTS} if weighted and mode == "sum" else {}
    return Case(
        name=f"bag-{name}",
        claim=f"EmbeddingBag ({name.replace('-', ', ')}) is {'torch.nn.EmbeddingBag' if has_torch else 'its formula'}.",
        cite="torch.nn.EmbeddingBag; tf.nn.embedding_lookup_sparse; docs/semantics.md",
        inputs=partial(draw, options=chosen),
        oracle=oracle,
        impls={**({"torch": run_torch} if has_torch else {}), **dict.fromkeys(KERAS, run_keras)},
        bounds=(MAX if mode == "max" else LINEAR) | learns,
        faults=faults(chosen),
        diverges={"torch": TORCH_BY_FREQ} if "by_freq" in chosen else {},
        quick=name == "mean-padding-dense",
        dtypes=DTYPES,
    )


CASES = [case(name, chosen) for name, chosen in VARIANTS.items()]
