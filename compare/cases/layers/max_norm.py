"""What the cases of limited rows share: how a shortened row may round, and what JAX does instead."""

import numpy as np

from tf_emb.parity.case import Arrays, Bound, Divergence

NONE = np.inf  # max_norm: no limit
JAX = Divergence(
    "On JAX a forward pass cannot write a trainable variable: rows are shortened where they are read, not in the table",
    "keras.Layer.stateless_call returns non-trainable variables only",
    '"table": table,',
    '"table": x["table"],',
)


def shortened(x: Arrays, want: Arrays) -> np.ndarray:
    """|row| of the rows that `max_norm` changes, 0 of the others, which must be left to the bit."""
    changed = np.any(want["table"] != x["table"], axis=1, keepdims=True)
    return np.abs(want["table"]) * changed


def looked_up(bound: Bound) -> Bound:
    """The bound of the table, at the rows that are looked up."""
    return Bound(bound.c, bound.why, lambda x, want: shortened(x, want)[x["ids"]])
