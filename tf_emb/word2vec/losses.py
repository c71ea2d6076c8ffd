"""Losses of word2vec, as pure functions of logits.

Negative sampling, one pair with K noise words (Mikolov et al. 2013, "Distributed Representations of Words
and Phrases", equation 4; Rong 2014, equation 55):

    E = -log sigmoid(u_o) - sum_k log sigmoid(-u_k),  u_j = v'_j . h

    dE/du_o = sigmoid(u_o) - 1,  dE/du_k = sigmoid(u_k)

A noise word that happens to be the context word itself is left out, as word2vec.c does.
"""

from typing import Any

import tensorflow as tf


def negative_sampling_loss(positive: Any, negative: Any, valid: Any) -> Any:
    """Return the loss of every pair, in nats.

    Args:
        positive: logits of the context words, shape (batch,).
        negative: logits of the noise words, shape (batch, negatives).
        valid: bool, shape (batch, negatives): False where the noise word is the context word.

    Returns:
        Shape (batch,). word2vec's update follows its *sum*, not its mean.
    """
    noise = tf.where(valid, tf.math.softplus(negative), tf.zeros_like(negative))
    return tf.math.softplus(-positive) + tf.reduce_sum(noise, axis=-1)
