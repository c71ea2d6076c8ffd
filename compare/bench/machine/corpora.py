"""Corpora as ids, of any length and any vocabulary, and models that are ready to train on them."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.layers.workloads import zipf
from tf_emb.corpus import Vocabulary, prepare

PIECES = 16  # places of a corpus from which a part of it is taken
SENTENCE = 25  # words of a drawn sentence


@dataclass(frozen=True)
class Corpus:
    """Ids, and the counts used to train on them.

    Attributes:
        ids: int32, -1 after every sentence.
        counts: int64, shape (vocab,), descending.
    """

    ids: np.ndarray
    counts: np.ndarray

    @property
    def words(self) -> int:
        """The number of words that are in the vocabulary, before subsampling."""
        return int(np.count_nonzero(self.ids >= 0))


def read(corpus: Path | None, quick: bool, seed: int) -> Corpus:
    """Return the ids of a text, see `tf_emb.corpus.prepare`, or without one, ids drawn at random."""
    if corpus is None:
        return drawn(*((1_000, 20_000) if quick else (70_000, 17_000_000)), seed)
    encoded = prepare(corpus)
    return Corpus(np.asarray(encoded.ids), encoded.vocabulary.counts)


def drawn(vocab: int, words: int, seed: int) -> Corpus:
    """Return sentences of independent words, id i with probability proportional to 1 / (i + 1).

    The counts are the expected ones, at least 1: a word that was not drawn is still in the vocabulary.
    """
    sentences = -(-words // SENTENCE)
    ids = np.full((sentences, SENTENCE + 1), -1, np.int32)
    ids[:, :-1] = zipf(np.random.default_rng(seed), vocab, (sentences, SENTENCE))
    share = 1 / np.arange(1, vocab + 1)
    return Corpus(ids.ravel(), np.maximum(np.rint(words * share / share.sum()), 1).astype(np.int64))


def with_length(corpus: Corpus, words: int) -> Corpus:
    """Return about `words` words of a corpus, its counts unchanged.

    A part is taken in pieces from all over the corpus, so that it has the same mixture of words; a longer text is the
    corpus repeated.
    """
    size = round(words * len(corpus.ids) / corpus.words)
    if size >= len(corpus.ids):
        return Corpus(np.resize(corpus.ids, size), corpus.counts)
    piece = max(size // PIECES, 1)
    starts = np.linspace(0, len(corpus.ids) - piece, PIECES).astype(np.int64)
    parts = [np.append(corpus.ids[start : start + piece], np.int32(-1)) for start in starts]
    return Corpus(np.concatenate(parts), corpus.counts)


def save(corpus: Corpus, folder: Path) -> None:
    """Write a corpus for other processes."""
    np.save(folder / "ids.npy", corpus.ids)
    np.save(folder / "counts.npy", corpus.counts)


def load(folder: Path) -> Corpus:
    """Return what `save` wrote, its ids memory-mapped."""
    return Corpus(np.load(folder / "ids.npy", mmap_mode="r"), np.load(folder / "counts.npy"))


MODELS: dict[str, dict[str, Any]] = {
    "skip-gram, negative sampling": {"model": "skipgram", "loss": "negative-sampling"},
    "CBOW, negative sampling": {"model": "cbow", "loss": "negative-sampling"},
    "skip-gram, Huffman tree": {"model": "skipgram", "loss": "hierarchical-softmax"},
}


class Trained:
    """A `Word2Vec` whose tables are allocated and whose loop is compiled.

    Args:
        corpus: provides the counts; training on its first words loads and warms up everything.
        **options: see `tf_emb.word2vec.Options`; one epoch.
    """

    def __init__(self, corpus: Corpus, **options: Any) -> None:
        from tf_emb.word2vec import Options, Word2Vec
        from tf_emb.word2vec.blocks.chunks import BlockTrainer

        self.options = Options(**{"epochs": 1} | options)
        self.model = Word2Vec(self.options)
        self.model.build(Vocabulary(tuple(map(str, range(len(corpus.counts)))), corpus.counts))
        self._start = [table.numpy() for table in self.model.tables]
        self.trainer = BlockTrainer(self.model.tables, corpus.counts, self.options)
        self.turn(Corpus(corpus.ids[: 8 * self.options.blocks * self.options.block], corpus.counts))

    def turn(self, corpus: Corpus) -> dict[str, Any]:
        """Train once on a corpus, from the initial values; see `train`."""
        self.reset()
        return self.train(corpus)

    def train(self, corpus: Corpus) -> dict[str, Any]:
        """Train once on a corpus; return the seconds, the words and the kept words.

        The clock covers what `Word2Vec.fit` does after compiling: threads start, chunks are drawn and trained.
        """
        from tf_emb.word2vec.progress import Progress, Training

        words, seen = corpus.words, list[Progress]()
        began = time.perf_counter()
        Training(corpus.ids, words, self.options).run(self.trainer, [seen.append])
        return {"seconds": time.perf_counter() - began, "words": words, "kept": seen[-1].seconds_kept}

    def reset(self) -> None:
        """Restore the initial values of the tables."""
        for table, values in zip(self.model.tables, self._start, strict=True):
            table.assign(values)
