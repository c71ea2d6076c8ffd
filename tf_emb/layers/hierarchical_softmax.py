"""Hierarchical softmax: a word's probability is that of its path through a binary tree.

The words are the leaves of a Huffman tree over their counts; every inner node n has a vector v'_n. At each
inner node on the path of word w, the branch taken is one bit, its code c:

    u_n = v'_n . h,  p(0 at n) = sigmoid(u_n),  p(1 at n) = sigmoid(-u_n)
    E = -log p(w | h) = -sum over the path of log sigmoid((1 - 2 c) u_n)
    dE/du_n = sigmoid(u_n) - (1 - c)

The label is 1 - c, as in word2vec.c. The probabilities of all words sum to 1, since those of any two branches do.

Morin and Bengio 2005, "Hierarchical Probabilistic Neural Network Language Model"; Mikolov et al. 2013b,
"Distributed Representations of Words and Phrases", equation 3; Rong 2014, "word2vec Parameter Learning
Explained", section 3.1; word2vec.c (tmikolov/word2vec, 20c129a), lines 207 to 270 (the tree) and 505 to 519
(the update). word2vec.c skips nodes with abs(u) >= 6 (lines 510 and 511); here they count.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from tf_emb.layers.saved import Restored
from tf_emb.ops.gather import lookup
from tf_emb.ops.ids import as_index, as_tensor, raise_outside
from tf_emb.ops.reductions import product
from tf_emb.ops.types import Ids, Initializer, Mask, Output, Rows, Shape, Table

WordCounts: TypeAlias = Sequence[float] | np.ndarray  # above 0, shape (vocab,)


def huffman(counts: WordCounts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the paths of a Huffman tree, exactly those of word2vec.c.

    Inner nodes are numbered 0..vocab-2 in the order in which they are made, so the root is vocab - 2. Of the
    two nodes that are joined, the rarer gets bit 0. Among equal counts, inner nodes come before words, and words with
    a higher id before those with a lower. Counts need not be sorted, unlike in word2vec.c: words are taken by
    descending count, equal ones in the order given.

    Args:
        counts: how often each word occurs, above 0, shape (vocab,); two words or more.

    Returns:
        codes: int8, shape (vocab, longest): the bits on each word's path from the root, padded with zeros.
        points: int32, the same shape: the inner nodes at which they are taken, padded with zeros.
        lengths: int32, shape (vocab,): how many bits each word has.

    Raises:
        ValueError: there are fewer than two counts, or one is not a finite number above 0.
    """
    counts = _counts(counts)
    order = np.argsort(-counts, kind="stable")
    parent, bit = _join(counts[order].tolist())
    paths = _paths(parent, bit, len(counts))
    back = np.argsort(order)
    return paths[0][back], paths[1][back], paths[2][back]


def _join(counts: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return each node's parent and bit; words are nodes 0..vocab-1, by descending count."""
    vocab = len(counts)
    parent, bit = np.zeros(2 * vocab - 1, np.int64), np.zeros(2 * vocab - 1, np.int64)
    weight = [*counts, *[math.inf] * (vocab - 1)]
    word, inner = vocab - 1, vocab
    for made in range(vocab, 2 * vocab - 1):
        pair = []
        for _ in range(2):
            if word >= 0 and weight[word] < weight[inner]:
                pair.append(word)
                word -= 1
            else:
                pair.append(inner)
                inner += 1
        weight[made] = weight[pair[0]] + weight[pair[1]]
        parent[pair] = made
        bit[pair[1]] = 1
    return parent, bit


def _paths(parent: np.ndarray, bit: np.ndarray, vocab: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Follow every word up to the root, one step of all words at a time."""
    depth = np.zeros(len(parent), np.int32)
    for child in reversed(range(len(parent) - 1)):  # a parent is made after its children
        depth[child] = depth[parent[child]] + 1
    lengths = depth[:vocab]
    codes = np.zeros((vocab, lengths.max()), np.int8)
    points = np.zeros(codes.shape, np.int32)
    node = np.arange(vocab)
    for step in range(codes.shape[1]):
        words = np.flatnonzero(lengths > step)
        at = lengths[words] - 1 - step
        codes[words, at] = bit[node[words]]
        node[words] = parent[node[words]]
        points[words, at] = node[words] - vocab
    return codes, points, lengths


def hierarchical_softmax_loss(hidden: Rows, inner_table: Table, codes: Ids, points: Ids, mask: Mask) -> Output:
    """Return E = -sum over the path of log sigmoid((1 - 2 code) v'_point . h), in nats, one per example.

    Args:
        hidden: shape (..., dim).
        inner_table: a Keras variable or a tensor, shape (vocab - 1, dim), the dtype of `hidden`.
        codes: 0 or 1, shape (..., longest): the bits on the paths of the targets.
        points: integers, the same shape: rows of `inner_table`.
        mask: bool, the same shape: False past the end of a path.

    Returns:
        Shape (...). Its gradient reaches the table summed per row.
    """
    rows = lookup(inner_table, as_tensor(points))
    # Not ops.matmul: on PyTorch Keras 3.15's rounds float64 to float32.
    logits = ops.einsum("...d,...nd->...n", hidden, rows)
    signed = (1 - 2 * ops.cast(codes, logits.dtype)) * logits
    return -ops.sum(ops.where(mask, ops.log_sigmoid(signed), ops.zeros_like(signed)), axis=-1)


@keras.saving.register_keras_serializable("tf_emb")
class HierarchicalSoftmax(Restored):
    """An output layer whose loss touches log2(vocab) vectors: hidden (..., dim) to log probabilities (..., vocab).

    Its weights are the vectors of the inner nodes, `embeddings`, shape (vocab - 1, dim).

    Args:
        counts: how often each word occurs, above 0, shape (vocab,); see `huffman`.
        embeddings_initializer: initial values of the vectors; zeros, as in word2vec.c.
        **kwargs: what `keras.layers.Layer` takes.

    Raises:
        ValueError: there are fewer than two counts, or one is not a finite number above 0.
    """

    def __init__(self, counts: WordCounts, *, embeddings_initializer: Initializer = "zeros", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.counts = _counts(counts).tolist()
        self.vocab_size = len(self.counts)
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        self._codes, self._points, lengths = huffman(self.counts)
        self._mask = np.arange(self._codes.shape[1]) < lengths[:, None]

    def build(self, input_shape: Shape) -> None:
        """Create the vectors of the inner nodes."""
        self.embeddings = self.add_weight(
            shape=(self.vocab_size - 1, input_shape[-1]), initializer=self.embeddings_initializer, name="embeddings"
        )

    def call(self, hidden: Rows) -> Output:
        """Return log p(w | h) of every word w, in nats; it costs as much as a full softmax."""
        logits = product(hidden, self.embeddings, transposed=True)
        nowhere = ops.zeros_like(logits[..., :1])
        branches = ops.concatenate([ops.log_sigmoid(logits), ops.log_sigmoid(-logits), nowhere], axis=-1)
        inner = self.vocab_size - 1
        edges = np.where(self._mask, self._points + inner * self._codes.astype(np.int32), 2 * inner)
        # One step of all paths at a time: all (batch, vocab, longest) nodes at once would not fit.
        return sum(ops.take(branches, as_tensor(edge), axis=-1) for edge in edges.T)

    def log_probabilities(self, hidden: Rows) -> Output:
        """Return log p(w | h), in nats, (..., dim) to (..., vocab); their exponentials sum to 1."""
        return self(hidden)

    def loss(self, hidden: Rows, targets: Ids) -> Output:
        """Return -log p(target | hidden) of every example.

        Args:
            hidden: shape (..., dim).
            targets: integers in 0..vocab-1, shape (...).

        Returns:
            Nats, the shape of `targets`, computed at `variable_dtype`. Sum it for word2vec's update.

        Raises:
            TypeError: `targets` are not integers.
            IndexError: a target names no word.
        """
        hidden = ops.convert_to_tensor(hidden, self.variable_dtype)
        if not self.built:
            self.build(tuple(hidden.shape))
        targets = raise_outside(as_index(as_tensor(targets)), self.vocab_size)
        paths = (ops.take(as_tensor(a), targets, axis=0) for a in (self._codes, self._points, self._mask))
        return hierarchical_softmax_loss(hidden, self.embeddings, *paths)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with the size of the vocabulary as last axis."""
        return (*input_shape[:-1], self.vocab_size)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "counts": self.counts,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }


def _counts(counts: WordCounts) -> np.ndarray:
    """Return `counts` as int64 or float64 numbers, checked."""
    counts = np.asarray(counts)
    if counts.ndim != 1 or len(counts) < 2:
        raise ValueError(
            f"`counts` must be one number for each of two or more words; got shape {counts.shape}. "
            "A single word needs no softmax."
        )
    counts = counts.astype(np.int64 if counts.dtype.kind in "iu" else np.float64)
    wrong = np.flatnonzero(~((counts > 0) & np.isfinite(counts)))
    if len(wrong):
        raise ValueError(
            f"`counts` must be finite and above 0; got {counts[wrong[0]]} at {wrong[0]}. "
            "Leave out words that never occur, or count them as 1."
        )
    return counts
