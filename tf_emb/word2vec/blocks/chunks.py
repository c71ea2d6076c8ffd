"""Chunks of a corpus: trained, each in one compiled loop over tables that threads share; or only measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.corpus import keep_probability, noise_distribution
from tf_emb.word2vec.blocks.sampling import CbowSampling, SkipGramSampling
from tf_emb.word2vec.blocks.softmax import CbowSoftmax, SkipGramSoftmax
from tf_emb.word2vec.blocks.step import Frozen, Objective, Tables, train_stream
from tf_emb.word2vec.blocks.stream import Alias, Stream, draw_stream
from tf_emb.word2vec.blocks.tree import CbowTree, SkipGramTree
from tf_emb.word2vec.options import Options

CHUNK = 400_000  # ids; everything random about a chunk is drawn at once, so this bounds the memory of a thread
SEEDS = 16  # seeds set aside for each chunk

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
    """A part of the corpus, ids[start:stop]; `number` counts the chunks of the whole training."""

    number: int
    start: int
    stop: int


@dataclass
class Trained:
    """The outcome of training on a chunk.

    Attributes:
        chunk: the chunk.
        loss: sum, in nats.
        count: number of pairs (skip-gram) or centres (CBOW) in that sum.
        kept: number of words left by subsampling.
    """

    chunk: Chunk
    loss: float
    count: float
    kept: int


def _objective_and_draws(counts: np.ndarray, options: Options) -> tuple[Objective, Callable[..., Stream]]:
    """Return the objective, and the function that draws the stream of `ids` by a `seed`."""
    keep = tf.constant(keep_probability(counts, options.sample), tf.float32)
    noise = Alias(noise_distribution(counts, options.ns_exponent))
    draw = partial(draw_stream, keep=keep, noise=noise, options=options)
    return OBJECTIVES[options.model, options.loss](options, counts), draw


class BlockTrainer:
    """Trains tables on ids, chunk by chunk.

    Args:
        tables: TensorFlow variables: input (vocab, dim) and output.
        counts: shape (vocab,), occurrences in the corpus.
        options: see `Options`.
        frozen: rows of each table that are not trained.
    """

    def __init__(self, tables: Tables, counts: np.ndarray, options: Options, frozen: Frozen = (None, None)) -> None:
        self.options, self.tables = options, tables
        objective, draw = _objective_and_draws(counts, options)

        @tf.function
        def train(ids: Any, seed: Any, first_rate: Any, last_rate: Any) -> Any:
            of = draw(ids, seed=seed)
            return *train_stream(objective, tables, of, (first_rate, last_rate), options, frozen), of.kept

        rate = tf.TensorSpec([], tf.float32)
        self._train = train.get_concrete_function(
            tf.TensorSpec([None], tf.int32), tf.TensorSpec([2], tf.int32), rate, rate
        )

    def rate(self, share: float) -> float:
        """Return the learning rate after `share` of the training: it falls linearly, to the floor."""
        return self.options.start_rate * max(1.0 - share, self.options.floor)

    def train(self, ids: np.ndarray, chunk: Chunk, share: tuple[float, float]) -> Trained:
        """Train on one chunk; `share` is that of the training done before it and after it."""
        seed = np.array([chunk.number * SEEDS, self.options.seed], np.int32)
        rates = [np.float32(self.rate(done)) for done in share]
        loss, count, kept = self._train(
            tf.constant(ids[chunk.start : chunk.stop]), tf.constant(seed), *map(tf.constant, rates)
        )
        return Trained(chunk, float(loss), float(count), int(kept))

    def finite(self) -> bool:
        """Return whether every number in the tables is finite; a sum tells, in one pass and without extra memory."""
        return all(bool(tf.math.is_finite(tf.reduce_sum(table))) for table in self.tables)


def chunk_size(ids: int, options: Options) -> int:
    """Return the size of a chunk, in ids; with several threads small, so that each sees the others' updates."""
    if options.threads == 1:
        return CHUNK
    return min(CHUNK, max(8 * options.blocks * options.block, ids // (16 * options.threads)))


def split(ids: np.ndarray, size: int = CHUNK) -> Iterator[Chunk]:
    """Yield the chunks of one pass; a chunk ends with a sentence if one ends in its last quarter."""
    start = number = 0
    while start < len(ids):
        stop = min(start + size, len(ids))
        if stop < len(ids):
            tail = np.flatnonzero(ids[stop - size // 4 : stop] < 0)
            stop = stop - size // 4 + int(tail[-1]) + 1 if len(tail) else stop
        yield Chunk(number, start, stop)
        start, number = stop, number + 1


class Evaluator:
    """Measures the loss of tables on ids.

    Words are dropped, radii and noise words drawn as in the first epoch of a training with one thread. The draws depend
    only on `options.seed` and the place in the text, so that the same text always poses the same questions, whatever
    was trained and with however many threads.

    Args:
        tables: TensorFlow variables: input (vocab, dim) and output; they are only read.
        counts: shape (vocab,), occurrences in the training corpus.
        options: see `Options`.
    """

    def __init__(self, tables: Tables, counts: np.ndarray, options: Options) -> None:
        self.tables, self.options = tables, options
        objective, draw = _objective_and_draws(counts, options)

        @tf.function
        def measure(ids: Any, seed: Any) -> Any:
            return stream_loss(objective, tables, draw(ids, seed=seed), options)

        self._measure = measure.get_concrete_function(tf.TensorSpec([None], tf.int32), tf.TensorSpec([2], tf.int32))

    def loss(self, ids: np.ndarray) -> float:
        """Return the mean loss in nats, per pair (skip-gram) or per centre with a context (CBOW).

        Each step is summed at the dtype of the tables, the sum over steps at float64.

        Args:
            ids: int32, shape (time,), -1 after every sentence.

        Raises:
            ValueError: there is no pair.
        """
        loss = count = 0.0
        for chunk in split(ids, CHUNK):
            seed = np.array([chunk.number * SEEDS, self.options.seed], np.int32)
            nats, seen = self._measure(tf.constant(ids[chunk.start : chunk.stop]), tf.constant(seed))
            loss, count = loss + float(nats), count + float(seen)
        if not count:
            raise ValueError("`corpus` must hold two neighbouring words after subsampling; got none. Use more text.")
        return loss / count


def stream_loss(objective: Objective, tables: Tables, of: Stream, options: Options) -> tuple[Any, Any]:
    """Return the loss of all steps of a stream with fixed tables, and the number of terms, both float64."""
    loss, count = tf.constant(0.0, tf.float64), tf.constant(0.0, tf.float64)
    for i in tf.range(of.steps):
        tf.autograph.experimental.set_loop_options(parallel_iterations=1)
        at = of.at(i, options)
        inputs, outputs = [
            table.read_value() if ids is None else tf.gather(table, ids)
            for table, ids in zip(tables, objective.ids(at), strict=True)
        ]
        nats, seen = objective.loss(inputs, outputs, at)
        loss, count = loss + tf.cast(nats, tf.float64), count + tf.cast(seen, tf.float64)
    return loss, count
