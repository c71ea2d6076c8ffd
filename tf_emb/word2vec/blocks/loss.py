"""The loss of a model on a text that it is not trained on: what training would report, with fixed tables."""

from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.corpus import keep_probability, noise_distribution
from tf_emb.word2vec.blocks.chunks import CHUNK, OBJECTIVES, SEEDS, split
from tf_emb.word2vec.blocks.step import Objective, Tables
from tf_emb.word2vec.blocks.stream import Alias, Stream, draw_stream
from tf_emb.word2vec.options import Options


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
        keep = tf.constant(keep_probability(counts, options.sample), tf.float32)
        noise = Alias(noise_distribution(counts, options.ns_exponent))
        objective = OBJECTIVES[options.model, options.loss](options, counts)

        @tf.function
        def measure(ids: Any, seed: Any) -> Any:
            return stream_loss(objective, tables, draw_stream(ids, keep, noise, options, seed), options)

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
