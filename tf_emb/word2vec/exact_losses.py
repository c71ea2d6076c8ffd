"""What an example costs, from the mean of its context and the output table: the three losses of word2vec.

Each is a function (hidden (dim,), table (rows, dim), target, noise (negatives,)) -> nats, a scalar.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.layers.hierarchical_softmax import huffman
from tf_emb.word2vec.losses import negative_sampling_loss

ExampleLoss = Callable[[Any, Any, Any, Any], Any]


def negative_sampling(hidden: Any, table: Any, target: Any, noise: Any) -> Any:
    """Return -log sigmoid(u_o) - sum_k log sigmoid(-u_k), without noise words that are the target.

    Mikolov et al. 2013, "Distributed Representations of Words and Phrases", equation 4.
    """
    # One lookup for both, so that a word gets one gradient, whatever it is here.
    logits = tf.linalg.matvec(tf.gather(table, tf.concat([target[None], noise], 0)), hidden)
    valid = tf.not_equal(noise, target)[None]
    return negative_sampling_loss(logits[:1], logits[None, 1:], valid)[0]


def full_softmax(hidden: Any, table: Any, target: Any, noise: Any) -> Any:
    """Return -log softmax(u)_o over every word; `noise` is not used.

    Rong 2014, "word2vec Parameter Learning Explained", equations 2 to 7.
    """
    logits = tf.linalg.matvec(tf.convert_to_tensor(table), hidden)
    return tf.reduce_logsumexp(logits) - logits[target]


class HierarchicalSoftmax:
    """-sum over the path of log sigmoid((1 - 2 code) u); `noise` is not used.

    Args:
        counts: how often each word occurs, shape (vocab,).
        paths: (codes, points, lengths) of another tree than `huffman(counts)`; see there.

    Mikolov et al. 2013, equation 3; Rong 2014, section 3.1.
    """

    def __init__(self, counts: Any = None, *, paths: tuple[Any, Any, Any] | None = None) -> None:
        codes, points, lengths = huffman(counts) if paths is None else paths
        self.codes, self.points = np.asarray(codes, np.int32), np.asarray(points, np.int32)
        self.lengths = np.asarray(lengths, np.int32)

    def __call__(self, hidden: Any, table: Any, target: Any, noise: Any) -> Any:
        """Return the loss of one example, in nats."""
        points = tf.constant(self.points)[target][: tf.constant(self.lengths)[target]]
        codes = tf.constant(self.codes)[target][: tf.constant(self.lengths)[target]]
        logits = tf.linalg.matvec(tf.gather(table, points), hidden)
        return tf.reduce_sum(tf.math.softplus(tf.cast(2 * codes - 1, logits.dtype) * logits))


def example_loss(name: str, counts: Any = None) -> ExampleLoss:
    """Return the loss called `name`: "negative-sampling", "hierarchical-softmax" (needs `counts`) or "full-softmax".

    Raises:
        ValueError: there is no such loss, or `counts` are missing.
    """
    if name == "hierarchical-softmax":
        if counts is None:
            raise ValueError("`counts` must be given for hierarchical-softmax; got None. Use vocabulary.counts.")
        return HierarchicalSoftmax(counts)
    known: dict[str, ExampleLoss] = {"negative-sampling": negative_sampling, "full-softmax": full_softmax}
    if name not in known:
        raise ValueError(f"`loss` must be one of {', '.join(known)}, hierarchical-softmax; got {name!r}. Choose one.")
    return known[name]
