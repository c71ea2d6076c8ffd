"""Inputs, oracle and bounds of a step of training on a table that is read several times."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from compare.cases import parameters, text
from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import Rounded, contract

VOCAB, DIM, BATCH, TIME = 30, 4, 8, 4
NUMBERS = {
    "rate": 2.0**-4,
    "epsilon": 2.0**-10,
    "clip": 2.0**-6,
    "start": 0.125,
    "rho": 0.75,
    "beta_1": 0.875,
    "beta_2": 1 - 2.0**-10,
}
Oracle: TypeAlias = Callable[[Arrays], dict[str, np.ndarray]]
Reads: TypeAlias = Callable[[np.ndarray], np.ndarray]  # from ids to R

DEFAULT = 3  # the row of empty bags; a frequent word


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Ids of real text, the same ones in both halves of a row; some bags are empty but for padding, which is 0."""
    ids = text.passage(rng, BATCH * TIME, VOCAB).reshape(BATCH, TIME)
    ids[1::2] = ids[::2, ::-1]  # so that each half of the batch, and each column, repeats what another reads
    ids[:, -1] = ids[:, 0]
    bags = ids.copy()
    bags[::3] = 0
    bags[1::3, 1] = DEFAULT
    table = rng.normal(size=(VOCAB, DIM))
    return {
        "table": table,
        "ids": ids,
        "bags": bags,
        "target": rng.normal(size=(BATCH, TIME, DIM)),
        **parameters(NUMBERS),
    }


def reads_twice(ids: np.ndarray) -> np.ndarray:
    """Return R of layer(ids) + layer(reversed ids), shape (BATCH * TIME, VOCAB)."""
    rows = np.eye(VOCAB)[ids] + np.eye(VOCAB)[ids[:, ::-1]]
    return rows.reshape(-1, VOCAB)


def reads_once(ids: np.ndarray) -> np.ndarray:
    """Return R of a lookup, shape (BATCH * TIME, VOCAB)."""
    return np.eye(VOCAB)[ids].reshape(-1, VOCAB)


def reads_bags(bags: np.ndarray) -> np.ndarray:
    """Return R of sums of bags without their padding, or the row DEFAULT, shape (BATCH, VOCAB)."""
    sums = (np.eye(VOCAB)[bags] * (bags != 0)[..., None]).sum(1)
    return np.where((bags == 0).all(1)[:, None], np.eye(VOCAB)[DEFAULT], sums)


def targets(x: Arrays, outputs: int) -> np.ndarray:
    """Return the target of every output, shape (outputs, DIM); those of bags are the first of each row."""
    return (x["target"] if outputs == BATCH * TIME else x["target"][:, 0]).reshape(-1, DIM)


def twice_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """A step of a model that adds two lookups."""
    return steps(x, reads_twice(x["ids"]))


def once_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """A step of a model that looks each id up."""
    return steps(x, reads_once(x["ids"]))


def replicas_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The same, without the clipping, which Keras does in each replica by itself."""
    tables = once_oracle(x)
    del tables["sgd, clipnorm"]
    return tables


def bags_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """A step of a model of bags."""
    return steps(x, reads_bags(x["bags"]))


def steps(x: Arrays, reads: np.ndarray) -> dict[str, np.ndarray]:
    """Return the table after one step of each optimizer, from a model whose outputs are reads @ table."""
    matrix = reads.astype(x["table"].dtype)
    target = targets(x, len(matrix))
    upstream = 2 * (matrix @ x["table"] - target) / target.size
    g, w = matrix.T @ upstream, x["table"]
    clipped = g * np.minimum(1, x["clip"] / np.sqrt((g**2).sum()))
    accumulator = x["start"] + g**2
    velocity = (1 - x["rho"]) * g**2
    m, v = (1 - x["beta_1"]) * g, (1 - x["beta_2"]) * g**2
    rate = x["rate"] * np.sqrt(1 - x["beta_2"]) / (1 - x["beta_1"])
    return {
        "sgd, clipnorm": w - x["rate"] * clipped,
        "adagrad": w - x["rate"] * g / np.sqrt(accumulator + x["epsilon"]),
        "rmsprop": w - x["rate"] * g / np.sqrt(velocity + x["epsilon"]),
        "adam": w - rate * m / (np.sqrt(v) + x["epsilon"]),
    }


def envelope_of(reads: Reads, ids: str) -> Callable[[Arrays, float], Arrays]:
    """Return the running error analysis of the steps of a model that reads `reads(x[ids])`."""

    def envelope(x: Arrays, u: float) -> Arrays:
        matrix = reads(x[ids])
        target = targets(x, len(matrix))
        exact, w = Rounded.exact(matrix, u), Rounded.exact(x["table"], u)
        # The loss is a mean of squares: its gradient takes a division by N, a product with 2, and in the engines one
        # product with the 1 that arrives.
        upstream = (contract("ov,vd->od", exact, w) - target) * 2 * (Rounded.exact(1, u) / target.size) * 1.0
        g = contract("ov,od->vd", exact, upstream)
        squared = g * g
        n = squared.sum(0).sum(0).sqrt()
        rate, eps = Rounded.exact(x["rate"], u) * 1.0, float(x["epsilon"])
        power = [Rounded.exact(x[name], u) * 1.0 for name in ("beta_1", "beta_2")]
        m, v = g * (1 - power[0]), squared * (1 - power[1])
        bias = rate * (1 - power[1]).sqrt() / (1 - power[0])
        out = {
            "sgd, clipnorm": w - rate * (g * (Rounded.exact(x["clip"], u) / n)),
            "adagrad": w - rate * g / ((squared + x["start"]) + eps).sqrt(),
            "rmsprop": w - rate * g / (squared * (1 - Rounded.exact(x["rho"], u)) + eps).sqrt(),
            "adam": w - bias * m / (v.sqrt() + eps),
        }
        return {name: value.error for name, value in out.items()}

    return envelope
