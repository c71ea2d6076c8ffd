"""Whole trainings: chunks of a corpus, dealt to threads, in compiled loops over shared tables."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.corpus import keep_probability, noise_distribution
from tf_emb.word2vec.blocks.sampling import CbowSampling, SkipGramSampling
from tf_emb.word2vec.blocks.softmax import CbowSoftmax, SkipGramSoftmax
from tf_emb.word2vec.blocks.step import Frozen, Objective, Tables, train_stream
from tf_emb.word2vec.blocks.stream import Alias, stream
from tf_emb.word2vec.blocks.tree import CbowTree, SkipGramTree
from tf_emb.word2vec.options import Options

CHUNK = 400_000  # ids; a chunk is drawn at once, so it bounds the memory of a thread
SEEDS = 16  # seeds that a chunk may use

OBJECTIVES: dict[tuple[str, str], Callable[[Options, np.ndarray], Objective]] = {
    ("skipgram", "negative-sampling"): lambda options, counts: SkipGramSampling(options),
    ("cbow", "negative-sampling"): lambda options, counts: CbowSampling(options),
    ("skipgram", "hierarchical-softmax"): SkipGramTree,
    ("cbow", "hierarchical-softmax"): CbowTree,
    ("skipgram", "full-softmax"): lambda options, counts: SkipGramSoftmax(options),
    ("cbow", "full-softmax"): lambda options, counts: CbowSoftmax(options),
}


@dataclass(frozen=True)
class Chunk:
    """A part of the corpus: ids[start:stop], the `number`th of the training."""

    number: int
    start: int
    stop: int


@dataclass
class Trained:
    """What a chunk gave.

    Attributes:
        chunk: which.
        loss: nats, summed.
        count: of the pairs (skip-gram) or centres (CBOW) that `loss` is a sum over.
        kept: words that subsampling left.
    """

    chunk: Chunk
    loss: float
    count: float
    kept: int


class BlockTrainer:
    """Trains tables on ids, chunk by chunk.

    Args:
        tables: TensorFlow variables: input (vocab, dim) and output.
        counts: shape (vocab,), occurrences in the corpus.
        options: see `Options`.
        frozen: rows of each table that stay.
    """

    def __init__(self, tables: Tables, counts: np.ndarray, options: Options, frozen: Frozen = (None, None)) -> None:
        self.options, self.tables = options, tables
        keep = tf.constant(keep_probability(counts, options.sample), tf.float32)
        noise = Alias(noise_distribution(counts, options.ns_exponent))

        objective = OBJECTIVES[options.model, options.loss](options, counts)

        @tf.function
        def train(ids: Any, seed: Any, first_rate: Any, last_rate: Any) -> Any:
            of = stream(ids, keep, noise, options, seed)
            return *train_stream(objective, tables, of, (first_rate, last_rate), options, frozen), of.kept

        rate = tf.TensorSpec([], tf.float32)
        self._train = train.get_concrete_function(
            tf.TensorSpec([None], tf.int32), tf.TensorSpec([2], tf.int32), rate, rate
        )

    def rate(self, share: float) -> float:
        """Return the learning rate when `share` of the training is done: linear, not below the floor."""
        return self.options.start_rate * max(1.0 - share, self.options.floor)

    def train(self, ids: np.ndarray, chunk: Chunk, share: tuple[float, float]) -> Trained:
        """Train on one chunk; `share` of the training is done before and after it."""
        seed = np.array([chunk.number * SEEDS, self.options.seed], np.int32)
        rates = [np.float32(self.rate(done)) for done in share]
        loss, count, kept = self._train(
            tf.constant(ids[chunk.start : chunk.stop]), tf.constant(seed), *map(tf.constant, rates)
        )
        return Trained(chunk, float(loss), float(count), int(kept))

    def finite(self) -> bool:
        """Return whether all numbers of the tables are finite; a sum shows that in one pass, and needs no memory."""
        return all(bool(tf.math.is_finite(tf.reduce_sum(table))) for table in self.tables)


def chunk_size(ids: int, options: Options) -> int:
    """Return how large chunks are: with several threads, many for each, so that all see what the others learnt."""
    if options.threads == 1:
        return CHUNK
    return min(CHUNK, max(8 * options.blocks * options.block, ids // (16 * options.threads)))


def chunks(ids: np.ndarray, size: int = CHUNK) -> Iterator[Chunk]:
    """Yield the parts of one pass, each ending behind a sentence where one ends in its last quarter."""
    start = number = 0
    while start < len(ids):
        stop = min(start + size, len(ids))
        if stop < len(ids):
            tail = np.flatnonzero(ids[stop - size // 4 : stop] < 0)
            stop = stop - size // 4 + int(tail[-1]) + 1 if len(tail) else stop
        yield Chunk(number, start, stop)
        start, number = stop, number + 1


def run_threads(work: Iterator[Callable[[], Any]], threads: int, done: Callable[[Any], bool]) -> None:
    """Call every job of `work`, `threads` at once; hand each result to `done`, one at a time, until it says stop.

    Jobs are taken in order. The first exception stops all, and is raised here; an interruption too.
    """
    lock, failed, stop = threading.Lock(), [], threading.Event()

    def loop() -> None:
        try:
            while not stop.is_set():
                with lock:
                    job = next(work, None)
                if job is None:
                    return
                result = job()
                with lock:
                    if done(result):
                        stop.set()
        except BaseException as error:  # raised below, in the thread of the caller
            failed.append(error)
            stop.set()

    if threads == 1:
        loop()
    else:
        _join([threading.Thread(target=loop, daemon=True) for _ in range(threads)], stop)
    if failed:
        raise failed[0]


def _join(workers: list[threading.Thread], stop: threading.Event) -> None:
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join()
    except BaseException:
        stop.set()  # each ends its chunk, so that the tables are whole
        for worker in workers:
            worker.join()
        raise
