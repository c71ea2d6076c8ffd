"""Encodings without training: integers, one-hot vectors, and vectors of hand-chosen features. NumPy only.

A token is given the number of its first appearance; the number becomes a vector with a single 1; the vector times a
table is a row of the table, which is an embedding. Where the features of things are known, the table can be written by
hand: a princess is 1.0 emperor + 0.25 palace + 1.0 woman.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from tf_emb.vectors import Vectors

Token = TypeVar("Token", bound=Hashable)


def integer_encode(tokens: Iterable[Token], *, first: int = 1) -> tuple[np.ndarray, list[Token]]:
    """Number tokens in the order in which they first appear.

    code(t) = first + the number of distinct tokens before the first t.

    Args:
        tokens: words, characters, or anything hashable.
        first: the number of the first token; 1 leaves 0 free for padding, 0 makes the numbers those of table rows.

    Returns:
        The codes, int64, shape (tokens,); and the distinct tokens, in the order of their codes.

    >>> integer_encode("deep learning is very deep".split())
    (array([1, 2, 3, 4, 1]), ['deep', 'learning', 'is', 'very'])
    """
    codes: dict[Token, int] = {}
    encoded = [codes.setdefault(token, first + len(codes)) for token in tokens]
    return np.array(encoded, np.int64), list(codes)


def one_hot(codes: ArrayLike, size: int, *, first: int = 0) -> np.ndarray:
    """Turn integers into vectors with a single 1: x[..., k] = [code = first + k].

    Args:
        codes: integers in first..first+size-1, any shape.
        size: the number of distinct codes.
        first: the code whose 1 is in column 0; `integer_encode` starts at 1.

    Returns:
        float32, shape codes.shape + (size,).

    Raises:
        TypeError: the codes are not integers.
        ValueError: a code has no column.

    >>> one_hot([4, 0], 6)
    array([[0., 0., 0., 0., 1., 0.],
           [1., 0., 0., 0., 0., 0.]], dtype=float32)
    """
    ids = np.asarray(codes)
    if ids.dtype.kind not in "iu" and ids.size:
        raise TypeError(f"`codes` must be integers; got {ids.dtype}. Convert them with astype(int).")
    outside = ids[(ids < first) | (ids >= first + size)]
    if outside.size:
        raise ValueError(f"`codes` must be in {first}..{first + size - 1}; got {outside.flat[0]}. Raise `size`.")
    return (ids[..., None] == np.arange(first, first + size)).astype(np.float32)


def dense(vectors: ArrayLike, table: ArrayLike) -> np.ndarray:
    """Make sparse vectors dense: h = x W, the row W[i] where x is one-hot at i, a weighted sum of rows elsewhere.

    `tf_emb.layers.OneHotDense` is the same as a trainable layer, and `Embedding` is its fast form.

    Args:
        vectors: shape (..., size).
        table: shape (size, dim).

    Returns:
        Shape (..., dim), in the wider of the two dtypes.

    Raises:
        ValueError: the sizes differ.

    >>> dense(one_hot([4, 0], 6), np.arange(18.0).reshape(6, 3))
    array([[12., 13., 14.],
           [ 0.,  1.,  2.]])
    """
    x, W = np.asarray(vectors), np.asarray(table)
    if W.ndim != 2 or x.ndim < 1 or x.shape[-1] != len(W):
        raise ValueError(
            f"`table` must have a row for each of the columns of `vectors`; got {W.shape} for {x.shape}. "
            "Give both the size of the vocabulary."
        )
    return x @ W


def from_features(weights: Mapping[str, Mapping[str, float]]) -> Vectors:
    """Write words as sums of features: word = sum_f weight_f f; features that are not named weigh 0.

    Args:
        weights: for every word, its features and their weights.

    Returns:
        One row per word and one dimension per feature, in order of first appearance; the weights are also in columns,
        by name.

    Raises:
        ValueError: no word has a feature.

    >>> from_features({"公主": {"皇帝": 1.0, "宫里": 0.25, "女": 1.0}}).matrix
    array([[1.  , 0.25, 1.  ]], dtype=float32)
    """
    _, features = integer_encode(feature for of in weights.values() for feature in of)
    if not features:
        raise ValueError(f"`weights` must name a feature; got {dict(weights)}. Give every word a mapping.")
    matrix = np.array([[of.get(feature, 0.0) for feature in features] for of in weights.values()], np.float32)
    return Vectors(list(weights), matrix, dict(zip(features, matrix.T, strict=True)))


def characters(words: Vectors) -> Vectors:
    """Divide every word's vector evenly among its characters, so that they add up to it: c = word / length.

    Args:
        words: labels of one character or more.

    Returns:
        A row for each character of each word, in order; the column "word" names the word.
    """
    rows = [row for row, label in enumerate(words.labels) for _ in label]
    of = [words.labels[row] for row in rows]
    lengths = np.array([len(word) for word in of], words.matrix.dtype)
    return Vectors("".join(words.labels), words.matrix[rows] / lengths[:, None], {"word": of}, dtype=None)


def scales(words: Vectors, source: str, target: str) -> np.ndarray:
    """Return the factor by which each feature of one word becomes that of another: s_f = target_f / source_f.

    Args:
        words: contains both words.
        source: the word to multiply.
        target: the resulting word.

    Returns:
        Shape (dim,), the dtype of the matrix.

    Raises:
        ValueError: a word is missing, or a feature of `source` is 0, which no factor changes.
    """
    start, end = (
        words.matrix[_row(words.labels, name, label)] for name, label in (("source", source), ("target", target))
    )
    if not start.all():
        raise ValueError(f"`source` must have no feature of 0; got {start.tolist()} for {source!r}. Choose another.")
    return end / start


def _row(labels: Sequence[str], name: str, label: str) -> int:
    if label not in labels:
        raise ValueError(f"`{name}` must be one of the labels; got {label!r}. The first are {list(labels[:5])}.")
    return list(labels).index(label)
