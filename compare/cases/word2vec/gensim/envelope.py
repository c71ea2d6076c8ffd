"""How far rounding can carry gensim's training, and ours on the same draws, from the oracle.

A logit that rounds across the edge of a cell of the sigmoid table is looked up next door, so the error of a table
look-up is not a slope times the logit's: it is 0 while every logit within the error stays in one cell, and the largest
difference to the cells that it can reach otherwise. No branch is taken from an engine: both sides of every decision
that float32 cannot make for certain are allowed.
"""

import numpy as np

from compare.cases.word2vec.descent import Descent, Slopes, logistic
from compare.cases.word2vec.gensim.oracle import (
    LIMIT,
    gensim_error,
    keep_table,
    keys_of,
    noise_table,
    replay,
    tree,
    turns,
)
from tf_emb.parity.case import Arrays


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """Return the error of both tables after each job: the larger of gensim's training and the formula's."""
    if u < 1e-12:  # gensim has no float64
        return {}
    by_job = [follow(x, u, read) for read in (by_table, logistic)]
    return {
        name: np.maximum(*(np.stack([getattr(d, f"{name}_error") for d in jobs], 1) for jobs in by_job))
        for name in ("input", "output")
    }


def follow(x: Arrays, u: float, read: Slopes) -> list[Descent]:
    """Take every job from its state; by the formula, whose `read` is `logistic`, all keys of an example at once."""
    paths, done = tree(x["counts"]), []
    for job, examples in enumerate(replay(x, keep_table(x), noise_table(x))):
        descent = Descent(x["state input"][job], x["state output"][job], u)
        for ids, target, drawn, rate in examples:
            keys, label = keys_of(x, paths, target, drawn)
            parts = [np.arange(len(keys))] if read is logistic else turns(keys)
            descent.example(ids, [(keys[at], label[at]) for at in parts], read, float(rate), 1.0)
        done.append(descent)
    return done


def by_table(
    logits: np.ndarray, off: np.ndarray, labels: np.ndarray, u: float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return gensim's error, and how far any cell that the logit can reach is from it."""
    g = gensim_error(logits, labels)
    reached = np.stack([gensim_error(logits + side * off, labels) for side in (-1, 1)])
    jump = np.abs(reached - g).max(axis=0)
    edge = (np.abs(logits) - off < LIMIT) & (np.abs(logits) + off >= LIMIT)
    # Next to the limit both the skip and the last cell can be reached.
    return g, np.where(edge, np.maximum(jump, 1.0), jump)
