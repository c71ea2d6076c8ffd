"""The shape of TensorFlow's word2vec tutorial: examples with their noise words drawn in advance, tf.data, model.fit.

Two Keras embeddings, their dot products as logits of one right word among the noise, CategoricalCrossentropy, Adam,
batches of 1,024. Windows, subsampling and noise are the comparison's, not the tutorial's.
"""

from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.word2vec.contenders import refuse
from compare.bench.word2vec.task import Prepared, Task
from compare.bench.word2vec.text import draw_pairs

BATCH, BUFFER = 1024, 10_000


def prepare(task: Task) -> Prepared:
    """Limit the threads and build the model."""
    import tensorflow as tf

    for limit in (tf.config.threading.set_intra_op_parallelism_threads,
                  tf.config.threading.set_inter_op_parallelism_threads):  # fmt: skip
        limit(task.threads)
    return build(task)


def build(task: Task) -> Prepared:
    """Draw the examples, build the model, and compile its step on one batch, after which it is reset."""
    import tensorflow as tf

    if (task.model, task.loss) != ("skipgram", "negative-sampling"):
        raise refuse(task)
    from tf_emb.corpus import draw_noise, noise_distribution

    tf.keras.utils.set_random_seed(task.seed)
    pairs = draw_pairs(task)
    noise = draw_noise(
        noise_distribution(pairs.vocabulary.counts),
        (len(pairs.centers), task.negatives),
        np.random.default_rng([task.seed, 1]),
    )
    words = np.concatenate([pairs.contexts[:, None], noise], axis=1)
    model = _model(len(pairs.vocabulary), task.dim)
    labels = np.zeros(words.shape, np.float32)
    labels[:, 0] = 1
    data = tf.data.Dataset.from_tensor_slices(((pairs.centers, words), labels))
    data = data.shuffle(BUFFER, seed=task.seed).batch(BATCH).cache().prefetch(tf.data.AUTOTUNE)
    _warm(model, data)
    return Prepared(
        train=lambda: model.fit(data, epochs=task.epochs, shuffle=False, verbose=0),
        save=lambda path: _save(model, pairs.vocabulary.words, path),
        raw_words=pairs.words * task.epochs,
        version=f"tensorflow {tf.__version__}, keras {tf.keras.__version__}",
    )


def _model(vocab: int, dim: int) -> Any:
    import tensorflow as tf

    target, context = tf.keras.Input((), dtype="int64"), tf.keras.Input((None,), dtype="int64")
    found = tf.keras.layers.Embedding(vocab, dim, name="w2v_embedding")(target)
    others = tf.keras.layers.Embedding(vocab, dim, name="context")(context)
    logits = tf.keras.ops.einsum("be,bce->bc", found, others)
    model = tf.keras.Model([target, context], logits)
    model.compile(optimizer="adam", loss=tf.keras.losses.CategoricalCrossentropy(from_logits=True))
    return model


def _warm(model: Any, data: Any) -> None:
    held = model.get_weights()
    model.fit(data.take(1), shuffle=False, verbose=0)
    model.set_weights(held)
    for slot in model.optimizer.variables[2:]:  # after iterations and the learning rate
        slot.assign(np.zeros(slot.shape, np.float32))
    model.optimizer.iterations.assign(0)


def _save(model: Any, words: Any, path: Path) -> None:
    from tf_emb.vectors import Vectors, save_vectors

    save_vectors(path, Vectors(words, model.get_layer("w2v_embedding").get_weights()[0]))
