"""Models that are ready to train, so that a turn is nothing but training."""

import time
from typing import Any

from compare.bench.machine.corpora import Corpus
from tf_emb.corpus import Vocabulary

MODELS: dict[str, dict[str, Any]] = {
    "skip-gram, negative sampling": {"model": "skipgram", "loss": "negative-sampling"},
    "CBOW, negative sampling": {"model": "cbow", "loss": "negative-sampling"},
    "skip-gram, Huffman tree": {"model": "skipgram", "loss": "hierarchical-softmax"},
}


def limit_threads(threads: int) -> None:
    """Set up TensorFlow as `tf-emb train` does: one thread per operation, and `threads` operations at once."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


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
        self._trainer = BlockTrainer(self.model.tables, corpus.counts, self.options)
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
        Training(corpus.ids, words, self.options).run(self._trainer, [seen.append])
        return {"seconds": time.perf_counter() - began, "words": words, "kept": seen[-1].seconds_kept}

    def reset(self) -> None:
        """Restore the initial values of the tables."""
        for table, values in zip(self.model.tables, self._start, strict=True):
            table.assign(values)
