"""EmbeddingBag bag by bag: the inputs, the oracle, and what PyTorch 2.13 divides by."""

from typing import Literal

import numpy as np

from compare.cases import parameters, text
from tf_emb.parity.case import Arrays

VOCAB, DIM, BAGS, PADDING = 200, 10, 24, 5
MODES: tuple[Literal["sum", "mean", "max", "sqrtn"], ...] = ("sum", "mean", "max", "sqrtn")


def draw(rng: np.random.Generator, options: dict[str, int]) -> dict[str, np.ndarray]:
    """Flat ids and offsets; a dense batch where the variant asks for one."""
    x = {"mode": 0, "padding_idx": -1, "by_freq": 0, "weighted": 0, "csr": 0, "dense": 0, "default_id": -1} | options
    lengths = rng.integers(0, 9, BAGS)
    lengths[:5] = (0, 1, 3, 8, 4)
    if x["dense"]:
        lengths[:] = 7
    ids = text.passage(rng, int(lengths.sum()), VOCAB)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids[offsets[2] : offsets[3]] = PADDING
    table = rng.normal(size=(VOCAB, DIM))
    # Two words of one bag that are equal and the largest in every column: a tie, which goes to the first.
    first, second = PADDING + 1, PADDING + 2
    ids[offsets[3]] = first
    rest = ids[offsets[3] + 1 : offsets[4]]
    rest[:2] = second
    rest[rest == first] = second
    table[first] = table[second] = np.abs(table[first]) + 3
    # A bag that is padding but for one place: counting it changes the mean by far more than 8 bits round.
    ids[offsets[4]], ids[offsets[4] + 1 : offsets[5]] = second, PADDING
    upstream = rng.normal(size=(BAGS, DIM))
    upstream[0] *= 8  # of the empty bag, so that the other gradients of the row that stands for it cannot cancel it
    return {
        "table": table,
        "ids": ids,
        "offsets": offsets,
        "weights": rng.uniform(0.1, 1.0, len(ids)),
        "upstream": upstream,
        **parameters(x),
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Bag by bag: combine, and send the gradient back to each place."""
    table, weights = x["table"], x["weights"]
    forward = np.zeros((BAGS, DIM), table.dtype)
    places = np.zeros((len(x["ids"]), DIM), table.dtype)
    weights_gradient = np.zeros_like(weights)
    default = np.zeros_like(table)
    for b in range(BAGS):
        here = np.arange(x["offsets"][b], x["offsets"][b + 1])
        live = here[x["ids"][here] != x["padding_idx"]]
        if not len(live):
            if x["default_id"] >= 0:
                forward[b] = table[x["default_id"]]
                default[x["default_id"]] += x["upstream"][b]
            continue
        rows, w = table[x["ids"][live]], weights[live] if x["weighted"] else np.ones_like(weights[live])
        if MODES[x["mode"]] == "max":
            first = live[np.argmax(rows, axis=0)]
            forward[b] = rows.max(axis=0)
            places[first, np.arange(DIM)] = x["upstream"][b]
            continue
        norm = {"sum": 1, "mean": w.sum(), "sqrtn": np.sqrt((w**2).sum())}[MODES[x["mode"]]]
        forward[b] = w @ rows / norm
        places[live] = w[:, None] * x["upstream"][b] / norm
        weights_gradient[live] = rows @ x["upstream"][b]
    gradient = np.zeros_like(table)
    np.add.at(gradient, x["ids"], places)
    if x["by_freq"]:
        counts = np.bincount(x["ids"], minlength=VOCAB)
        gradient = gradient / np.maximum(counts, 1).astype(table.dtype)[:, None]
    out = {"forward": forward, "gradient": gradient + default}
    return out | ({"weights gradient": weights_gradient} if x["weighted"] and MODES[x["mode"]] == "sum" else {})


def torch_counts(x: Arrays) -> np.ndarray:
    """The divisors of PyTorch 2.13 on CPU: the i-th distinct id takes the count of the i-th id in sorted order."""
    counts, distinct = np.bincount(x["ids"], minlength=VOCAB), np.unique(x["ids"])
    counts[distinct] = counts[np.sort(x["ids"])[: len(distinct)]]
    return counts
