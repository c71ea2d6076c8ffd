"""Draws of an exact training: 1,000 examples of real text, one after the other, and tables as if trained."""

import numpy as np

from compare.cases import text
from compare.cases.word2vec.exact.oracle import LOSSES

VOCAB, DIM, EXAMPLES = 300, 16, 1000


def draw(rng: np.random.Generator, model: str, loss: str, divided: bool) -> dict[str, np.ndarray]:
    """Consecutive pairs (skip-gram) or windows (CBOW) of the corpus, noise that may be the target, falling rates."""
    draws = text.draws(rng, max_vocab=VOCAB, window=2)
    first = int(rng.integers(len(draws) // 2))
    context, target, noise = draws.center[first:, None], draws.context[first:], draws.noise[first:].copy()
    if model == "cbow":
        context, target, noise = windows(draws.progress[first:], context[:, 0], target, noise)
    noise[:EXAMPLES:16, 0] = target[:EXAMPLES:16]  # a collision is rare, so some are made
    noise[1:EXAMPLES:16, 1] = noise[1:EXAMPLES:16, 2]
    return {
        "loss": np.array(LOSSES.index(loss)),
        "divided": np.array(int(divided)),
        "initial input": rng.normal(size=(VOCAB, DIM)) / 4,
        "initial output": rng.normal(size=(VOCAB, DIM)) / 4,
        "context": context[:EXAMPLES],
        "target": target[:EXAMPLES],
        "noise": noise[:EXAMPLES],
        "rate": np.linspace(0.05, 0.005, EXAMPLES),
        "counts": text.vocabulary(max_vocab=VOCAB).counts,
    }


def windows(
    progress: np.ndarray, center: np.ndarray, context: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One row a centre: the words around it, -1 behind the last; the centre; the noise of its first pair."""
    starts = np.flatnonzero(np.diff(progress, prepend=-1))
    around = np.full((len(starts), 4), -1, np.int64)
    for row, part in zip(around, np.split(context, starts[1:]), strict=True):
        row[: len(part)] = part
    return around, center[starts], noise[starts].copy()
