"""Ours: `tf_emb.word2vec.Word2Vec`, as `tf-emb train` runs it.

Outside the clock: encoding, the tables, compiling, and one chunk, after which the tables are reset. Inside: every
chunk of `fit`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.word2vec.task import Prepared, Task, outputs


def prepare(task: Task) -> Prepared:
    """Encode the text and compile the training."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)  # each of our threads does its own products
    from tf_emb import corpus
    from tf_emb.word2vec import Options, Word2Vec
    from tf_emb.word2vec.blocks.chunks import BlockTrainer
    from tf_emb.word2vec.progress import Training

    encoded = corpus.prepare(task.text, min_count=task.min_count, max_vocab=task.max_vocab)
    names = ("model", "loss", "dim", "window", "negatives", "sample", "min_count", "max_vocab", "epochs", "threads",
             "seed")  # fmt: skip
    options = Options(**{name: getattr(task, name) for name in names})
    model = Word2Vec(options)
    model.build(encoded.vocabulary)
    trainer = BlockTrainer(model.tables, encoded.vocabulary.counts, options)
    training = Training(encoded.ids, encoded.raw_words, options)
    start = [table.numpy() for table in model.tables]
    trainer.train(encoded.ids, training.parts[0], (0.0, 0.0))
    for table, values in zip(model.tables, start, strict=True):
        table.assign(values)
    return Prepared(
        train=lambda: training.run(trainer, ()),
        save=lambda path: _save(model, path),
        raw_words=encoded.raw_words * task.epochs,
        version=f"tf_emb, tensorflow {tf.__version__}",
    )


def _save(model: Any, path: Path) -> None:
    from tf_emb.vectors import Vectors, save_vectors

    table, output = (of.numpy() for of in model.tables)
    save_vectors(path, Vectors(model.vocabulary.words, table))
    np.save(outputs(path), output)
