"""`keras.layers.Embedding` at ids that name no row, where it does not raise.

The claim is what JAX documents and what `tf_emb.layers.Embedding(out_of_range="nan")` gives everywhere: a row of NaN,
and no row gets the gradient. Engines that raise instead have no implementation here. Once one that differs
agrees, the report says `healed`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from compare.cases import text
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Divergence, Fault
from tf_emb.parity.engines import KERAS

VOCAB, DIM = 200, 8


def draw(rng: np.random.Generator, strangers: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Text in which every fifth id is out of range."""
    ids = text.passage(rng, 60, VOCAB)
    ids[3::5] = np.resize(strangers, len(ids[3::5]))
    upstream = rng.integers(1, 9, (60, DIM)).astype(np.float64)  # whose sums are exact, wherever they go
    return {"table": rng.normal(size=(VOCAB, DIM)), "ids": ids, "upstream": upstream}


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Rows that exist, and NaN; the gradient of a row is the sum over its places."""
    table, ids = x["table"], x["ids"]
    known = (ids >= 0) & (ids < VOCAB)
    forward = np.full((len(ids), DIM), np.nan, table.dtype)
    forward[known] = table[ids[known]]
    gradient = np.zeros_like(table)
    np.add.at(gradient, ids[known], x["upstream"][known])
    return {"forward": forward, "gradient": gradient}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """keras.layers.Embedding on whichever backend runs."""
    import keras

    from tf_emb.parity.engines.pullback import pull_back

    layer = keras.layers.Embedding(VOCAB, DIM, dtype=keras.backend.standardize_dtype(x["table"].dtype))
    layer.build()
    layer.embeddings.assign(x["table"])
    rows, (gradient,) = pull_back(layer, [layer.embeddings], x["upstream"], x["ids"])
    return {"forward": rows, "gradient": gradient}


READ, GIVEN = "np.full((len(ids), DIM), np.nan, table.dtype)", 'table, ids = x["table"], x["ids"]'
WRAPS = Divergence(
    "Keras counts ids below 0 from the end of the table, on every backend: -1 reads the last row and trains it",
    "keras/src/backend/{tensorflow,torch}/numpy.py, take (fix_negative_indices); jax/_src/numpy/indexing.py, _take",
    GIVEN,
    'table, ids = x["table"], np.where(x["ids"] < 0, x["ids"] + VOCAB, x["ids"])',
)
CLAMPS = Divergence(
    "Under XLA on CPU an id past the end silently reads the last row, and its gradient is dropped",
    "openxla/stablehlo, gather: start indices are clamped; scatter: updates out of bounds are skipped",
    READ,
    "table[np.clip(ids, 0, VOCAB - 1)]",
)
CUTS_READ = Divergence(
    "On JAX (CPU) an id of more than 32 bits is cut to them where it is read, and its gradient is dropped",
    "jax.numpy.take, mode='fill': the lowered program converts indices to i32 before it compares them with the bounds",
    READ,
    'table[x["ids"].astype(np.int32)]',
)
CUTS = Divergence(
    "On PyTorch Keras casts ids to int32: one of more than 32 bits reads and trains the row that its last 32 name",
    "keras/src/layers/core/embedding.py, call: torch.int64 is unequal to the string 'int64'",
    GIVEN,
    'table, ids = x["table"], x["ids"].astype(np.int32)',
)
VARIANTS: dict[str, tuple[str, tuple[int, ...], tuple[str, ...], dict[str, Divergence]]] = {
    "negative-ids": ("below 0", (-1, -2, -VOCAB), KERAS, dict.fromkeys(KERAS, WRAPS)),
    "ids-past-the-end": (
        "past the end", (VOCAB, VOCAB + 9, 2**31 - 1), ("keras-xla", "keras-jax"), {"keras-xla": CLAMPS},
    ),
    "64-bit-ids": (
        "of more than 32 bits", (2**32 + 7, 2**33 + 1, 5 * 2**32),
        ("keras-xla", "keras-jax", "keras-torch"),
        {"keras-xla": CLAMPS, "keras-jax": CUTS_READ, "keras-torch": CUTS},
    ),
}  # fmt: skip


def case(name: str) -> Case:
    """The case of one kind of id."""
    what, strangers, names, diverges = VARIANTS[name]
    return Case(
        name=f"keras-embedding-{name}",
        claim=f"keras.layers.Embedding at ids {what} gives NaN and trains no row, as is its formula.",
        cite="jax.numpy.take, mode='fill'; docs/semantics.md",
        inputs=partial(draw, strangers=strangers),
        oracle=oracle,
        impls=dict.fromkeys(names, run_keras),
        bounds={
            "forward": EXACT,
            "gradient": Bound(0, "sums of small integers are exact in every order, whichever rows they reach"),
        },
        faults={
            "off by one": Fault("table[ids[known]]", "table[ids[known] - 1]"),
            "their gradient lands on row 0": Fault(
                'ids[known], x["upstream"][known])', 'np.where(known, ids, 0), x["upstream"])'
            ),
            "zeros for NaN": Fault("np.nan", "0.0"),
        },
        diverges=diverges,
        quick=name == "negative-ids",
    )


CASES = [case(name) for name in VARIANTS]
