"""`tf_emb.layers.Embedding(out_of_range=...)`: ids that name no row, among those that do, under each policy.

The oracle is a specification: no framework has this parameter. What Keras does instead: the cases `keras-embedding-*`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from compare.cases import parameters, text
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Fault
from tf_emb.parity.dtypes import DTYPES
from tf_emb.parity.engines import KERAS

VOCAB, DIM, UNKNOWN = 200, 8, 3
# Below, above, and such that the last 32 bits alone would name a row.
STRANGERS = (-1, VOCAB, -VOCAB, 2**31 - 1, 2**32 + 7, -(2**32) + 7, VOCAB + 1, -(2**40))


def draw(rng: np.random.Generator, fill: float, row: int) -> dict[str, np.ndarray]:
    """Text in which every fifth id is out of range, and its neighbour is 0, which masking by product would hit."""
    ids = text.passage(rng, 120, VOCAB)
    ids[3::5] = np.resize(STRANGERS, len(ids[3::5]))
    ids[4::10] = 0
    upstream = rng.normal(size=(120, DIM))
    upstream[3::5] = np.abs(upstream[3::5])  # of one sign, so that wherever they go they do not cancel
    return {
        "table": rng.normal(size=(VOCAB, DIM)),
        "ids": ids.reshape(6, 20),
        "upstream": upstream.reshape(6, 20, DIM),
        **parameters({"fill": fill, "row": row}),
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Read and train the rows that exist, or the one that stands for all others."""
    table, ids = x["table"], x["ids"]
    known = (ids >= 0) & (ids < VOCAB)
    if x["row"] >= 0:
        ids, known = np.where(known, ids, x["row"]), np.ones_like(known)
    forward = np.full((*ids.shape, DIM), x["fill"], table.dtype)
    forward[known] = table[ids[known]]
    gradient = np.zeros_like(table)
    np.add.at(gradient, ids[known], x["upstream"][known])
    return {"forward": forward, "gradient": gradient}


def run_keras(policy: Any, x: Mapping[str, Any]) -> dict[str, Any]:
    """The layer on whichever backend runs; a compiled program gets the ids as its argument."""
    import keras

    from tf_emb.layers import Embedding
    from tf_emb.parity.engines.pullback import pull_back

    table = keras.ops.convert_to_numpy(x["table"])
    layer = Embedding(VOCAB, DIM, weights=table, dtype=table.dtype.name, out_of_range=policy)
    rows, (gradient,) = pull_back(layer, [layer.embeddings], x["upstream"], x["ids"])
    return {"forward": rows, "gradient": gradient}


def additions(x: Arrays) -> np.ndarray:
    """The places of a row less one, shape (vocab, 1)."""
    places = oracle({**x, "upstream": np.ones_like(x["upstream"])})["gradient"][:, :1]
    return np.maximum(places - 1, 0)


def magnitude(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum of |upstream| into each row."""
    return oracle({**x, "upstream": np.abs(x["upstream"])})["gradient"]


FAULTS = {
    "negative ids counted from the end": Fault("(ids >= 0) & (ids", "(ids >= -VOCAB) & (ids"),
    "ids clamped into the table": Fault(
        'table, ids = x["table"], x["ids"]', 'table, ids = x["table"], np.clip(x["ids"], 0, VOCAB - 1)'
    ),
    "ids cut to 32 bits": Fault(
        'table, ids = x["table"], x["ids"]', 'table, ids = x["table"], x["ids"].astype(np.int32)'
    ),
    "off by one": Fault("table[ids[known]]", "table[ids[known] - 1]"),
}
SCATTER = 'np.add.at(gradient, ids[known], x["upstream"][known])'
FILL_FAULTS = {
    "their gradient lands on row 0": Fault(SCATTER, 'np.add.at(gradient, np.where(known, ids, 0), x["upstream"])'),
    "row 0 read for them": Fault("forward[known] = table[ids[known]]", "forward = table[np.where(known, ids, 0)]"),
}
ROW_FAULTS = {
    "the row for unknown words does not learn": Fault(
        SCATTER, 'np.add.at(gradient, ids[ids == x["ids"]], x["upstream"][ids == x["ids"]])'
    ),
    "the row after it stands for them": Fault('ids, x["row"])', 'ids, x["row"] + 1)'),
}
VARIANTS: dict[str, tuple[Any, float, int, dict[str, Fault]]] = {
    "nan": ("nan", np.nan, -1, {**FILL_FAULTS, "zeros for NaN": Fault('x["fill"]', "0")}),
    "zero": ("zero", 0.0, -1, {**FILL_FAULTS, "NaN for zeros": Fault('x["fill"]', "np.nan")}),
    "row": (UNKNOWN, np.nan, UNKNOWN, ROW_FAULTS),
    "raise": ("raise", np.nan, -1, {**FILL_FAULTS, "zeros for NaN": Fault('x["fill"]', "0")}),
}
CLAIMS = {
    "nan": "gives a row of NaN where an id names none, and no row its gradient: exactly its formula.",
    "zero": "gives a row of zeros where an id names none, and no row its gradient: exactly its formula.",
    "row": "reads and trains that row where an id names none: exactly its formula.",
    "raise": "is, where a compiled program cannot raise, a row of NaN without gradient: exactly its formula.",
}
CANNOT_RAISE = ("keras-xla", "keras-jax")


def case(name: str) -> Case:
    """The case of one policy."""
    policy, fill, row, faults = VARIANTS[name]
    return Case(
        name=f"embedding-out-of-range-{name}",
        claim=f"Embedding(out_of_range={policy!r}) {CLAIMS[name]}",
        cite="tf_emb/ops/ids.py; docs/semantics.md",
        inputs=partial(draw, fill=fill, row=row),
        oracle=oracle,
        impls=dict.fromkeys(CANNOT_RAISE if name == "raise" else KERAS, partial(run_keras, policy)),
        bounds={
            "forward": EXACT,
            "gradient": Bound(additions, "c - 1 additions for the c places of a row, in any order", magnitude),
        },
        faults={**FAULTS, **faults},
        quick=name == "nan",
        dtypes=DTYPES,
    )


CASES = [case(name) for name in VARIANTS]
