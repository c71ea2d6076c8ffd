"""What the cases of `Embedding` share: rows around a limit, options, bounds, and what JAX does instead."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays, Bound, Divergence

NONE = np.inf  # max_norm: no limit
JAX = Divergence(
    "On JAX a forward pass cannot write a trainable variable: rows are shortened where they are read, not in the table",
    "keras.Layer.stateless_call returns non-trainable variables only",
    '"table": table,',
    '"table": x["table"],',
)


def reads_zeros(read: str) -> Divergence:
    """Return how Paddle differs from an oracle that reads rows by `read`, before a comma."""
    return Divergence(
        "Paddle reads the padding row as zeros, whatever it holds",
        "paddle/phi/kernels/cpu/embedding_kernel.cc: memset of the row where the id is padding_idx",
        read,
        f'{read} * (x["ids"] != x["padding_idx"])[..., None]',
    )


def shortened(x: Arrays, want: Arrays) -> np.ndarray:
    """|row| of the rows that `max_norm` changes, 0 of the others, which must be left to the bit."""
    changed = np.any(want["table"] != x["table"], axis=1, keepdims=True)
    return np.abs(want["table"]) * changed


def beside_limit(rng: np.random.Generator, table: np.ndarray, limit: float, power: float = 2.0) -> np.ndarray:
    """The table with about half of its rows longer than `limit` in the `power`-norm.

    Each row is clearly longer or clearly shorter, since a tie has two right answers; float32 holds every number, so
    every dtype agrees on which is which.
    """
    length = np.where(rng.random(len(table)) < 0.5, 0.5, 2.0) * rng.uniform(0.9, 1.1, len(table))
    table = table * (length * limit / np.linalg.norm(table, power, axis=1))[:, None]
    return table.astype(np.float32).astype(np.float64)


def options(x: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as arguments of both libraries."""
    return {
        "padding_idx": x["padding_idx"] if x["padding_idx"] >= 0 else None,
        "max_norm": x["max_norm"] if x["max_norm"] < NONE else None,
        "norm_type": x.get("norm_type", 2.0),
        "scale_grad_by_freq": bool(x["by_freq"]),
    }


def looked_up(bound: Bound) -> Bound:
    """The bound of the table, at the rows that are looked up."""
    return Bound(bound.c, bound.why, lambda x, want: shortened(x, want)[x["ids"]])
