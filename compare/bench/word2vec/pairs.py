"""Pairs for the contenders that train on a list of them: drawn before the clock starts, once for all epochs."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compare.bench.word2vec import text
from compare.bench.word2vec.task import Task
from tf_emb import corpus
from tf_emb.corpus import Vocabulary


@dataclass(frozen=True)
class Pairs:
    """What the contenders that loop over examples read.

    Attributes:
        vocabulary: of the whole text.
        centers: int64, shape (pairs,).
        contexts: int64, shape (pairs,).
        groups: shape (pairs,), ascending: the position of each pair's centre in the text.
        words: the number of raw words they were drawn from.
    """

    vocabulary: Vocabulary
    centers: np.ndarray
    contexts: np.ndarray
    groups: np.ndarray
    words: int


def draw(task: Task) -> Pairs:
    """Return the pairs of the first `task.words` words, subsampled, each centre with its own radius."""
    rng = np.random.default_rng(task.seed)
    whole = corpus.count_vocabulary(task.text, min_count=task.min_count, max_vocab=task.max_vocab)
    with tempfile.TemporaryDirectory(prefix="pairs-") as folder:
        head = text.write(text.read(Path(task.text)), Path(folder) / "head.txt", task.words)
        encoded = corpus.encode_corpus(head.path, whole)
    keep, found, places = corpus.keep_probability(whole.counts, task.sample), [], 0
    for sentence in np.split(encoded.ids, np.flatnonzero(encoded.ids < 0)):
        kept = corpus.subsample(sentence[sentence >= 0].astype(np.int64), keep, rng)
        center, context = corpus.skipgram_pairs(kept, task.window, rng)
        found.append((kept[center], kept[context], center + places))
        places += len(kept)
    centers, contexts, groups = (np.concatenate(column) for column in zip(*found, strict=True))
    return Pairs(whole, centers, contexts, groups, head.words)


def bags(pairs: Pairs, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every centre with its context words: int64 (centres, 2 window), padded with vocab, and (centres,)."""
    _, first, inverse, size = np.unique(pairs.groups, return_index=True, return_inverse=True, return_counts=True)
    around = np.full((len(first), 2 * window), len(pairs.vocabulary))
    around[inverse, np.arange(len(inverse)) - first[inverse]] = pairs.contexts
    assert size.max() <= 2 * window
    return around, pairs.centers[first]
