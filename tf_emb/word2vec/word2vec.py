"""`Word2Vec`: from a corpus to vectors."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tf_emb.corpus import Vocabulary
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.train_block import BlockTrainer, Chunk, Trained, chunk_size, chunks, run_threads

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from tf_emb.layers import Embedding


@dataclass(frozen=True)
class Progress:
    """Where a training is, for callbacks.

    Attributes:
        epoch: passes that are over.
        share: of the training that is done, in [0, 1].
        raw_words: words of the corpus read so far, over all passes.
        seconds: since the training began.
        loss: mean nats a pair (skip-gram) or centre (CBOW) since the last report.
        rate: the learning rate.
    """

    epoch: int
    share: float
    raw_words: int
    seconds: float
    loss: float
    rate: float

    @property
    def raw_words_per_second(self) -> float:
        """Words of the corpus, before subsampling, a second."""
        return self.raw_words / max(self.seconds, 1e-9)


class Word2Vec:
    """word2vec in TensorFlow: skip-gram and CBOW with negative sampling, trained by a GradientTape.

    Args:
        options: an `Options`; or give its fields by name.
        **kwargs: fields of `Options`, where no `options` are given.

    Attributes:
        vocabulary: the words, after `build`.
        tables: the input table (vocab, dim), which holds the word vectors, and the output table; TensorFlow variables.
        losses: mean loss of every epoch, in nats a pair (skip-gram) or centre (CBOW).

    Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space" and "Distributed Representations
    of Words and Phrases"; docs/word2vec.md has what a step computes, and how fast and how good it is.
    """

    vocabulary: Vocabulary
    tables: tuple[Any, Any]

    def __init__(self, options: Options | None = None, **kwargs: Any) -> None:
        if options is not None and kwargs:
            raise ValueError(f"`options` must be given alone; got {', '.join(kwargs)} beside them. Use one of the two.")
        self.options = Options(**kwargs) if options is None else options
        self.losses: list[float] = []

    def build(self, vocabulary: Vocabulary, vectors: np.ndarray | None = None) -> None:
        """Create the tables: input uniform in (-1/2, 1/2) / dim, output zeros (word2vec.c, InitNet).

        Args:
            vocabulary: the words and their counts.
            vectors: start from these instead, shape (vocab, dim).

        Raises:
            ValueError: `vectors` have another shape.
        """
        shape = (len(vocabulary), self.options.dim)
        if vectors is None:
            vectors = (np.random.default_rng(self.options.seed).random(shape, np.float32) - 0.5) / self.options.dim
        if np.shape(vectors) != shape:
            raise ValueError(f"`vectors` must have shape {shape}, (vocab, dim); got {np.shape(vectors)}.")
        self.vocabulary = vocabulary
        self.tables = (tf.Variable(np.asarray(vectors, np.float32)), tf.Variable(tf.zeros(shape)))

    def fit(self, corpus: Any, callbacks: Sequence[Callable[[Progress], Any]] = ()) -> "Word2Vec":
        """Train; a second call goes on with the tables as they are.

        Args:
            corpus: lists of tokens.
            callbacks: called after every chunk; one that returns True ends the training there.

        Returns:
            This object.
        """
        sentences = list(corpus)
        if not hasattr(self, "vocabulary"):
            vocabulary = Vocabulary.build(sentences, min_count=self.options.min_count, max_vocab=self.options.max_vocab)
            self.build(vocabulary)
        self._fit_ids(encoded(sentences, self.vocabulary), callbacks)
        return self

    def _fit_ids(self, ids: np.ndarray, callbacks: Sequence[Callable[[Progress], Any]]) -> None:
        trainer = BlockTrainer(self.tables, self.vocabulary.counts, self.options)
        report = _Report(len(ids), self.options, trainer, callbacks)
        run_threads(_jobs(trainer, ids, self.options), self.options.threads, report)
        self.losses += report.losses

    def vectors(self) -> "KeyedVectors":
        """Return the word vectors as gensim's KeyedVectors, with counts."""
        from tf_emb.vectors import to_keyed_vectors

        return to_keyed_vectors(self.vocabulary.words, self.tables[0].numpy(), self.vocabulary.counts)

    def embedding(self, freeze: bool = True, **kwargs: Any) -> "Embedding":
        """Return the word vectors as a Keras layer; row i is that of `vocabulary.words[i]`."""
        from tf_emb.layers import Embedding

        return Embedding.from_pretrained(self.tables[0].numpy(), freeze, **kwargs)


def encoded(sentences: Iterable[Sequence[str]], vocabulary: Vocabulary) -> np.ndarray:
    """Return the ids of all sentences in one int32 array, -1 after each; words out of the vocabulary are left out."""
    parts = [np.append(vocabulary.encode(sentence), -1) for sentence in sentences]
    return np.concatenate(parts).astype(np.int32) if parts else np.zeros(0, np.int32)


def _jobs(trainer: BlockTrainer, ids: np.ndarray, options: Options) -> Iterator[Callable[[], Trained]]:
    """Yield the training of every chunk of every epoch; draws and rates depend on their number and place alone."""
    parts, whole = list(chunks(ids, chunk_size(len(ids), options))), max(1, len(ids) * options.epochs)
    for epoch in range(options.epochs):
        for part in parts:
            place = Chunk(epoch * len(parts) + part.number, part.start, part.stop)
            share = ((epoch * len(ids) + part.start) / whole, (epoch * len(ids) + part.stop) / whole)
            yield partial(trainer.train, ids, place, share)


class _Report:
    """Collects losses, and tells callbacks how the training goes."""

    def __init__(
        self, ids: int, options: Options, trainer: BlockTrainer, callbacks: Sequence[Callable[[Progress], Any]]
    ) -> None:
        self.ids, self.options, self.trainer, self.callbacks = ids, options, trainer, callbacks
        self.began, self.done, self.losses = time.perf_counter(), 0, []  # type: ignore[var-annotated]
        self._sums = np.zeros((options.epochs, 3))  # ids, loss and count of every epoch

    def __call__(self, of: Trained) -> bool:
        """Take note of a chunk; return whether a callback asks to stop."""
        size = of.chunk.stop - of.chunk.start
        epoch = min(self.done // max(1, self.ids), self.options.epochs - 1)
        self.done += size
        self._sums[epoch] += size, of.loss, of.count
        self.losses = [loss / max(count, 1) for n, loss, count in self._sums if n]
        share = self.done / (self.ids * self.options.epochs)
        at = Progress(self.done // self.ids, share, self.done, time.perf_counter() - self.began,
                      of.loss / max(of.count, 1), self.trainer.rate(share))  # fmt: skip
        return True in [callback(at) for callback in self.callbacks]  # every one is called
