"""graph2vec: one vector per graph, which predicts the subtrees that the graph has.

A graph g is a document, its Weisfeiler-Lehman subtrees (counts.py) are the words, and for every word w
of g and noise words n, drawn by count^0.75,

    E = -log sigmoid(v_w . d_g) - sum_n log sigmoid(-v_n . d_g)

Narayanan et al. 2017, "graph2vec: Learning Distributed Representations of Graphs", section 4; the distributed bag of
words of Le and Mikolov 2014, "Distributed Representations of Sentences and Documents", section 2.3.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_emb.layers import Embedding, NegativeSampling
from tf_emb.methods.graph.counts import check_graphs, labelled, subtree_bags
from tf_emb.optimizers import LazyAdam
from tf_emb.vectors import Vectors


class BagModel(keras.Model):
    """Documents that predict their words, by negative sampling.

    `documents` start uniform in (-1/2, 1/2) / dim, the words' output vectors at zero, as in word2vec.

    Args:
        documents: the number of documents.
        counts: shape (vocab,), the count of each word.
        dim: the size of a vector.
        negatives: noise words per pair.
        seed: the seed of the initial vectors and of the noise.
        **kwargs: arguments of `keras.Model`, such as `dtype`.
    """

    def __init__(
        self, documents: int, counts: np.ndarray, dim: int, *, negatives: int = 5, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        uniform = keras.initializers.RandomUniform(-0.5 / dim, 0.5 / dim, seed=seed)
        self.documents = Embedding(documents, dim, embeddings_initializer=uniform, dtype=self.dtype_policy)
        self.words = NegativeSampling(
            len(counts), negatives=negatives, noise=counts.tolist(), seed=seed, dtype=self.dtype_policy
        )
        self.documents.build()
        self.words.build((None, dim))
        self.built = True

    def pair_loss(self, documents: Any, words: Any, noise: Any = None) -> Any:
        """Return E of each pair, in nats.

        Args:
            documents: integers, shape (pairs,).
            words: integers, shape (pairs,).
            noise: integers, shape (pairs, any number); None draws them.
        """
        return self.words.loss(self.documents(documents), words, noise)

    def step(self, optimizer: Any, documents: Any, words: Any, noise: Any = None) -> Any:
        """Take one step down the gradient of the summed `pair_loss`, and return the losses before it."""
        variables = [self.documents.embeddings, self.words.embeddings]
        with tf.GradientTape() as tape:
            losses = self.pair_loss(documents, words, noise)
            loss = tf.reduce_sum(losses)
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        return losses


def graph2vec(
    graphs: Sequence[Any],
    *,
    rounds: int = 2,
    dim: int = 64,
    epochs: int = 100,
    batch: int = 512,
    rate: float = 0.01,
    negatives: int = 5,
    attribute: str | None = None,
    labels: Sequence[str] | None = None,
    seed: int = 0,
) -> Vectors:
    """Return one vector per graph.

    Args:
        graphs: networkx graphs.
        rounds: rounds of relabelling, see `subtree_labels`.
        dim: the size of a vector.
        epochs: passes over all subtrees.
        batch: pairs per step.
        rate: the initial learning rate of lazy Adam; it falls to zero linearly.
        negatives: noise words per pair.
        attribute: a node attribute that tells nodes apart from the start.
        labels: one name per graph; the default is 0, 1, 2 ...
        seed: the seed of every random draw.

    Returns:
        float32, with the columns `nodes` and `edges`. A graph without nodes keeps its initial vector.

    Raises:
        ValueError: an argument is out of its range, or no graph has a node.
    """
    for name, value in (("dim", dim), ("epochs", epochs), ("batch", batch)):
        if value < 1:
            raise ValueError(f"`{name}` must be 1 or more; got {value}. See graph2vec for the default.")
    check_graphs(graphs, labels)
    bags = subtree_bags(graphs, rounds, attribute).tocoo()
    model = BagModel(len(graphs), bags.sum(axis=0), dim, negatives=negatives, seed=seed)
    pairs = np.repeat(np.stack([bags.row, bags.col]).astype(np.int32), bags.data, axis=1)
    train(model, pairs, epochs=epochs, batch=batch, rate=rate, seed=seed)
    return labelled(graphs, model.documents.embeddings.numpy(), labels)


def train(model: BagModel, pairs: np.ndarray, *, epochs: int, batch: int, rate: float, seed: int) -> list[float]:
    """Train on pairs, shuffled anew in every epoch, with Adam on the rows of a batch.

    Args:
        model: trained in place.
        pairs: documents and words, integers, shape (2, pairs).
        epochs: passes.
        batch: pairs per step.
        rate: the initial learning rate of Adam; it falls to zero linearly.
        seed: the seed of the order.

    Returns:
        The mean loss of every epoch, in nats per pair.
    """
    rng, count = np.random.default_rng(seed), pairs.shape[1]
    steps = epochs * -(-count // batch)
    optimizer = LazyAdam(keras.optimizers.schedules.PolynomialDecay(rate, steps, 0.0))
    optimizer.build([model.documents.embeddings, model.words.embeddings])
    run = tf.function(partial(_epoch, model, optimizer, batch))
    return [float(run(*(tf.constant(side) for side in rng.permutation(pairs, axis=1)))) / count for _ in range(epochs)]


def _epoch(model: BagModel, optimizer: Any, batch: int, documents: Any, words: Any) -> Any:
    total = tf.constant(0.0, tf.float64)
    for start in tf.range(0, tf.size(documents), batch):
        part = slice(start, start + batch)
        total += tf.cast(tf.reduce_sum(model.step(optimizer, documents[part], words[part])), tf.float64)
    return total
