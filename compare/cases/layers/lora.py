"""`enable_lora` of `tf_emb.layers.Embedding` and `EmbeddingBag`: row i reads table[i] + (alpha / rank) A[i] B.

The padding row reads as it is stored, and its row of A gets no gradient; `scale_grad_by_freq` divides the gradients of
A's rows, not that of B, which belongs to no row.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from compare.cases import parameters, text
from tf_emb.parity.case import Arrays, Bound, Case, Fault
from tf_emb.parity.engines import KERAS

VOCAB, DIM, RANK, ALPHA, PADDING, BAGS, TIME = 150, 10, 4, 6.0, 5, 12, 8


def draw(rng: np.random.Generator, by_freq: int) -> dict[str, np.ndarray]:
    """Ids of text, every fourth of them padding; weights of places; a table, A and B."""
    ids = text.passage(rng, BAGS * TIME, VOCAB).reshape(BAGS, TIME)
    ids[:, 3::4] = PADDING
    return {
        "table": rng.normal(size=(VOCAB, DIM)),
        "A": rng.normal(size=(VOCAB, RANK)),
        "B": rng.normal(size=(RANK, DIM)),
        "ids": ids,
        "weights": rng.uniform(0.1, 1, ids.shape),
        "upstream": rng.normal(size=(BAGS, TIME, DIM)),
        "to bags": rng.normal(size=(BAGS, DIM)),
        **parameters({"by_freq": by_freq}),
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The rows, and the gradients of A and B from those of the rows."""
    return {"forward": rows(x), **gradients(x, x["upstream"])}


def bag_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Weighted sums of each bag's rows that are not padding, with the gradient of the weights too."""
    live = (x["ids"] != PADDING)[..., None]
    read, weights = rows(x) * live, x["weights"][..., None]
    found = gradients(x, live * weights * x["to bags"][:, None, :])
    return {
        "forward": (weights * read).sum(axis=1),
        **found,
        "weights gradient": np.einsum("bpd,bd->bp", read, x["to bags"]),
    }


def rows(x: Arrays) -> np.ndarray:
    """The row of each place; that of padding without a sum."""
    delta = ALPHA / RANK * (x["A"] @ x["B"])
    delta[PADDING] = 0
    return (x["table"] + delta)[x["ids"]]


def gradients(x: Arrays, upstream: np.ndarray) -> dict[str, np.ndarray]:
    """Of the places that are not padding: to the row of A, summed or averaged; to B, summed."""
    adapted = x["ids"] != PADDING
    g, ids = ALPHA / RANK * upstream[adapted], x["ids"][adapted]
    to_a = np.zeros_like(x["A"])
    np.add.at(to_a, ids, g @ x["B"].T)
    if x["by_freq"]:
        to_a = to_a / np.maximum(hits(x), 1).astype(to_a.dtype)
    return {"gradient of A": to_a, "gradient of B": x["A"][ids].T @ g}


def hits(x: Arrays) -> np.ndarray:
    """The places of each row, shape (vocab, 1)."""
    return np.bincount(x["ids"].ravel(), minlength=VOCAB)[:, None]


def run_torch(bag: bool, x: Mapping[str, Any]) -> dict[str, Any]:
    """The definition in torch.nn.functional.embedding, on a table that is frozen."""
    import torch
    from torch.nn.functional import embedding

    a, b, weights = (x[name].clone().requires_grad_() for name in ("A", "B", "weights"))
    live = (x["ids"] != PADDING)[..., None]
    of_a = embedding(x["ids"], a, padding_idx=PADDING, scale_grad_by_freq=bool(x["by_freq"]))
    read = embedding(x["ids"], x["table"]) + torch.where(live, ALPHA / RANK * (of_a @ b), 0)
    out = (weights[..., None] * read * live).sum(1) if bag else read
    out.backward(x["to bags"] if bag else x["upstream"])
    found = {"forward": out, "gradient of A": a.grad, "gradient of B": b.grad}
    return found | ({"weights gradient": weights.grad} if bag else {})


def run_keras(bag: bool, x: Mapping[str, Any]) -> dict[str, Any]:
    """The layer on whichever backend runs."""
    import keras

    from tf_emb import layers
    from tf_emb.parity.engines.pullback import pull_back

    table = keras.ops.convert_to_numpy(x["table"])
    options: dict[str, Any] = {"combiner": "sum"} if bag else {}
    layer = (layers.EmbeddingBag if bag else layers.Embedding)(
        VOCAB,
        DIM,
        weights=table,
        dtype=table.dtype.name,
        padding_idx=PADDING,
        scale_grad_by_freq=bool(x["by_freq"]),
        **options,
    )
    layer.enable_lora(RANK, lora_alpha=ALPHA)
    layer.lora_embeddings_a.assign(x["A"])
    layer.lora_embeddings_b.assign(x["B"])
    weights = keras.Variable(x["weights"], dtype=layer.variable_dtype)

    def forward(ids: Any) -> Any:
        return layer(ids, per_sample_weights=weights.value) if bag else layer(ids)

    variables = {"gradient of A": layer.lora_embeddings_a, "gradient of B": layer.lora_embeddings_b}
    variables |= {"weights gradient": weights} if bag else {}
    upstream = x["to bags"] if bag else x["upstream"]
    out, found = pull_back(forward, list(variables.values()), upstream, x["ids"])
    return {"forward": out, **dict(zip(variables, found, strict=True))}


def magnitudes(output: str, x: Arrays, bag: bool) -> np.ndarray:
    """The oracle's output with magnitudes for values: weights are positive as they are."""
    signed = ("table", "A", "B", "upstream", "to bags")
    return (bag_oracle if bag else oracle)({**x, **{name: np.abs(x[name]) for name in signed}})[output]


def a_count(x: Arrays, bag: int) -> np.ndarray:
    """Of d terms, alpha / rank and its product, the places of a row less one; 3 for counts, 1 for weights."""
    return DIM + 2 + np.maximum(hits(x) - 1, 0) + 3 * int(x["by_freq"]) + bag


def scaled(c: Any, why: str, output: str, bag: bool) -> Bound:
    """A bound at the scale of the output's magnitudes."""
    return Bound(c, why, lambda x, want: magnitudes(output, x, bag))


ROW = RANK + 3


def bounds(bag: bool) -> dict[str, Bound]:
    """Every output's bound."""
    row = "a product of r terms, alpha / rank and its product, a sum"
    place = "weights, and " if bag else ""
    places = 2 * TIME if bag else 0
    found = {
        "forward": scaled(ROW + places, row + ("; products and sums of a bag" if bag else ""), "forward", bag),
        "gradient of A": scaled(
            partial(a_count, bag=int(bag)),
            f"{place}a product of d terms, alpha / rank and its product, c - 1 additions; 3 more where divided by c",
            "gradient of A",
            bag,
        ),
        "gradient of B": scaled(
            BAGS * TIME + 2 + int(bag), f"{place}alpha / rank and its product, a sum over places", "gradient of B", bag
        ),
    }
    dots = {"weights gradient": scaled(ROW + DIM, f"{row}; a dot product of d terms", "weights gradient", bag)}
    return found | (dots if bag else {})


FAULTS = {
    "alpha and rank exchanged": Fault("delta = ALPHA / RANK", "delta = RANK / ALPHA"),
    "gradients without alpha / rank": Fault("g, ids = ALPHA / RANK * upstream[adapted]", "g, ids = upstream[adapted]"),
    "repeated ids counted once": Fault('np.add.at(to_a, ids, g @ x["B"].T)', 'to_a[ids] = g @ x["B"].T'),
    "A of the row before": Fault('(x["A"] @ x["B"])', '(np.roll(x["A"], 1, axis=0) @ x["B"])'),
    "B from the table's rows": Fault('x["A"][ids].T @ g', 'x["table"][ids][:, :RANK].T @ g'),
    "table forgotten": Fault('(x["table"] + delta)[x["ids"]]', 'delta[x["ids"]]'),
    "sum in half precision": Fault(
        '(x["table"] + delta)[x["ids"]]', '(x["table"] + delta).astype(np.float16)[x["ids"]].astype(delta.dtype)'
    ),
}
ROW_FAULTS = {  # a bag leaves padding out, whatever its row is
    "a sum on the padding row": Fault("delta[PADDING] = 0", "pass"),
    "the padding row of A learns": Fault('adapted = x["ids"] != PADDING', 'adapted = x["ids"] != -1'),
}
BAG_FAULTS = {
    "padding in the bag": Fault('live = (x["ids"] != PADDING)', 'live = (x["ids"] != -1)'),
    "weights forgotten": Fault('x["weights"][..., None]', 'np.ones_like(x["weights"])[..., None]'),
    "weights of the next place": Fault('x["weights"][..., None]', 'np.roll(x["weights"], 1, axis=1)[..., None]'),
}
BY_FREQ = {"divided by the size of the call": Fault("np.maximum(hits(x), 1)", "np.full((VOCAB, 1), 96)")}


def case(name: str, bag: bool, by_freq: int) -> Case:
    """The case of one layer."""
    kind = "EmbeddingBag" if bag else "Embedding"
    return Case(
        name=name,
        claim=f"{kind} after enable_lora reads table + alpha / rank A B, but for the padding row, and trains A and B.",
        cite="Hu et al. 2021, LoRA, section 4.1; keras/src/layers/core/embedding.py; docs/semantics.md",
        inputs=partial(draw, by_freq=by_freq),
        oracle=bag_oracle if bag else oracle,
        impls={"torch": partial(run_torch, bag), **dict.fromkeys(KERAS, partial(run_keras, bag))},
        bounds=bounds(bag),
        faults={**FAULTS, **(BAG_FAULTS if bag else ROW_FAULTS), **(BY_FREQ if by_freq else {})},
        quick=bag,
    )


CASES = [case("lora", bag=False, by_freq=0), case("lora-by-freq", False, 1), case("lora-bag", bag=True, by_freq=0)]
