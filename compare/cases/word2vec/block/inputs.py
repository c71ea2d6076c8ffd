"""Blocks of real text: parts of some documents, whose ends fall within them, and tables as if trained."""

import numpy as np

from compare.cases import text
from compare.cases.word2vec.block.oracle import windows

VOCAB, DIM, WINDOW, BLOCK, BLOCKS, SHARED = 80, 12, 3, 6, 5, 4


def draw(rng: np.random.Generator, cbow: bool, undivided: bool, forward: bool, fixed: bool) -> dict[str, np.ndarray]:
    """Every second block holds the end of a document (-1); the last one ends behind the text."""
    vocabulary = text.vocabulary(max_vocab=VOCAB)
    encoded = [np.append(vocabulary.encode(document), -1) for document in text.lee()]
    ids, around = np.concatenate(encoded), BLOCK + 2 * WINDOW
    ends = np.flatnonzero(ids < 0)
    starts = rng.integers(0, len(ids) - around, BLOCKS)
    back = rng.integers(WINDOW + 1, around - WINDOW - 1, BLOCKS // 2)
    starts[1::2] = rng.choice(ends[5:-5], BLOCKS // 2) - back
    keys = ids[starts[:, None] + np.arange(around)].astype(np.int32)
    keys[-1, -WINDOW - 2 :] = -1
    radius = np.full((BLOCKS, BLOCK), WINDOW) if fixed else rng.integers(1, WINDOW + 1, (BLOCKS, BLOCK))
    radius[1::2] = WINDOW  # so that windows reach over the ends
    noise = rng.integers(0, VOCAB, (BLOCKS, SHARED)).astype(np.int32)
    noise[:, 1] = noise[0, 1]  # a word at more places than the limit, by its noise alone
    x = {
        "input table": rng.normal(size=(VOCAB, DIM)) / 2,
        "output table": rng.normal(size=(VOCAB, DIM)) / 2,
        "keys": keys,
        "sentence": np.cumsum(keys < 0, axis=1).astype(np.int32),
        "radius": radius.astype(np.int32),
        "noise": noise,
        "window": np.array(WINDOW),
        "negatives": np.array(5),
        "rate": np.array(2.0**-4),
        "limit": np.array(3.0),
        "cbow": np.array(int(cbow)),
        "undivided": np.array(int(undivided)),
        "forward": np.array(int(forward)),
    }
    for b, center, context in windows(x):
        noise[b, 0] = center if cbow else context[-1]  # noise that is the last target of a window
    return x
