"""Search in labelled vectors by cosine: the methods of gensim's KeyedVectors, and many queries at once."""

from collections.abc import Sequence
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tf_emb.vectors.cosines import cosines, divided, largest, many_cosines, norms, unit, weighted_keys

Neighbours = list[tuple[str, float]]


class Search:
    """What `Vectors` can be asked.

    Attributes:
        labels: shape (rows,).
        matrix: shape (rows, dim).
    """

    labels: list[Any]
    matrix: np.ndarray

    @property
    def vector_size(self) -> int:
        """How many numbers a vector has."""
        return int(self.matrix.shape[1])

    @cached_property
    def key_to_index(self) -> dict[Any, int]:
        """The first row of every label."""
        try:
            return dict(zip(reversed(self.labels), range(len(self) - 1, -1, -1), strict=True))
        except TypeError as error:
            raise ValueError(f"`labels` must be strings; got an {error}. Convert them with `str`.") from None

    @cached_property
    def norms(self) -> np.ndarray:
        """The length |x| of every row, shape (rows,)."""
        return norms(self.matrix)

    def __len__(self) -> int:
        return len(self.labels)

    def __contains__(self, key: Any) -> bool:
        return self.get_index(key, -1) >= 0

    def __getitem__(self, keys: Any) -> np.ndarray:
        """Return one vector for a key, shape (dim,), or the vectors of a list of keys, shape (keys, dim)."""
        if isinstance(keys, str | Integral):
            return self.get_vector(keys)
        return self.matrix[[self.get_index(key) for key in keys]]

    def get_index(self, key: Any, default: int | None = None) -> int:
        """Return the row of a key.

        Raises:
            KeyError: there is no such key, and no `default` is given.
        """
        index = self.key_to_index.get(key)
        if index is not None:
            return index
        if isinstance(key, Integral) and 0 <= (row := int(key)) < len(self):
            return row
        if default is None:
            raise KeyError(f"{key!r} is none of the {len(self):,} labels")
        return default

    def get_vector(self, key: Any, norm: bool = False) -> np.ndarray:
        """Return the vector of a key, shape (dim,), read-only; with `norm` divided by its length, nan for zeros."""
        index = self.get_index(key)
        return divided(self.matrix[index], self.norms[index]) if norm else self.matrix[index]

    def most_similar(
        self, positive: Any = None, negative: Any = None, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Neighbours | np.ndarray:
        """Return the labels nearest to a weighted mean of vectors by cosine; the keys given are left out.

            argmax over rows x of cos(x, sum_p w_p p / |p| - sum_n w_n n / |n|)

        Args:
            positive: keys, vectors of shape (dim,), or pairs (key or vector, weight); or one key or vector. Vectors
                enter the mean as they are; only the rows of keys are divided by their length.
            negative: likewise; their weight is -1 unless it is given.
            topn: how many; None returns the cosine of every row instead.
            restrict_vocab: search only the first so many rows.

        Returns:
            Pairs of label and cosine, the largest first, equal ones in the order of rows. A row of zeros, or one
            that is not finite, has the cosine nan and comes last; as a key it makes every cosine nan.

        Raises:
            KeyError: a key is unknown.
            ValueError: no key is given, or a vector has another size.

        Mikolov et al. 2013, "Linguistic Regularities in Continuous Space Word Representations", section 4. The answers
        are gensim's.
        """
        if topn is not None and topn < 1:
            return []
        weighted = [*weighted_keys(positive, 1.0), *weighted_keys(negative, -1.0)]
        if not weighted:
            raise ValueError("`positive` must hold at least one key or vector; got none. Name a word.")
        own = [self.get_index(key) for key, _ in weighted if not isinstance(key, np.ndarray)]
        scores = self._cosines(self._mean(weighted), restrict_vocab)
        return scores if topn is None else self._named(scores, topn, own)

    def similar_by_word(
        self, word: Any, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Neighbours | np.ndarray:
        """Return the labels nearest to one label; see `most_similar`."""
        return self.most_similar([word], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_vector(
        self, vector: ArrayLike, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Neighbours | np.ndarray:
        """Return the labels nearest to a vector of shape (dim,); see `most_similar`."""
        return self.most_similar([np.asarray(vector)], topn=topn, restrict_vocab=restrict_vocab)

    def neighbours(self, queries: Any, topn: int = 10, restrict_vocab: int | None = None) -> list[Neighbours]:
        """Return what `most_similar` finds for each of many queries, by products of matrices in blocks.

        Args:
            queries: keys or vectors of shape (dim,), or a matrix of shape (queries, dim).
            topn: how many for each query; a key's own row is left out.
            restrict_vocab: search only the first so many rows.

        Raises:
            KeyError: a key is unknown.
            ValueError: a vector has another size.
        """
        asked = [key for key, _ in weighted_keys(queries, 1.0)]
        own = [[] if isinstance(key, np.ndarray) else [self.get_index(key)] for key in asked]
        searched = slice(self._limit(restrict_vocab))
        wanted = np.array([self._mean([(key, 1.0)]) for key in asked]).reshape(len(asked), self.vector_size)
        scores = many_cosines(self.matrix[searched], self.norms[searched], wanted)
        return [self._named(row, topn, mine) for row, mine in zip(scores, own, strict=True)]

    def similarity(self, key1: Any, key2: Any) -> float:
        """Return the cosine of the vectors of two keys; 0 where one of them is zero."""
        return float(unit(self.get_vector(key1)) @ unit(self.get_vector(key2)))

    def distance(self, key1: Any, key2: Any) -> float:
        """Return 1 - cosine of the vectors of two keys."""
        return 1 - self.similarity(key1, key2)

    def n_similarity(self, keys1: Sequence[Any], keys2: Sequence[Any]) -> float:
        """Return the cosine of the mean vectors of two lists of keys.

        Raises:
            KeyError: a key is unknown.
            ValueError: a list is empty.
        """
        if not len(keys1) or not len(keys2):
            raise ValueError("`keys1` and `keys2` must hold at least one key each; got an empty list. Name a word.")
        return float(unit(self[keys1].mean(axis=0)) @ unit(self[keys2].mean(axis=0)))

    def closer_than(self, key1: Any, key2: Any) -> list[Any]:
        """Return the labels of all rows that are nearer to `key1` than `key2` is, by cosine, in the order of rows."""
        first, second = self.get_index(key1), self.get_index(key2)
        scores = self._cosines(self.matrix[first], None)
        return [self.labels[row] for row in np.flatnonzero(scores > scores[second]) if row != first]

    def rank(self, key1: Any, key2: Any) -> int:
        """Return the place of `key2` among the neighbours of `key1`; the nearest is 1."""
        return len(self.closer_than(key1, key2)) + 1

    def doesnt_match(self, keys: Sequence[Any]) -> Any:
        """Return the key whose vector is farthest from the mean of all of them, by cosine; unknown keys are left out.

        Raises:
            ValueError: none of the keys is known.
        """
        known = [key for key in keys if key in self]
        if not known:
            raise ValueError(f"`keys` must hold a label; got {list(keys)[:3]}, none of {len(self):,} labels. Name one.")
        rows = np.stack([unit(self.get_vector(key)) for key in known])
        return min(zip(rows @ rows.mean(axis=0), known, strict=True))[1]

    def _mean(self, weighted: Sequence[tuple[Any, float]]) -> np.ndarray:
        """Return a weighted sum, the rows of keys at length one, brought to length one; shape (dim,)."""
        total = np.zeros(self.vector_size)
        for key, weight in weighted:
            vector = key if isinstance(key, np.ndarray) else self.get_vector(key, norm=True)
            if vector.shape != total.shape:
                raise ValueError(
                    f"A vector must have shape {total.shape}, that of a row; got {vector.shape}. Pass such a one."
                )
            total += weight * vector
        return unit(total).astype(self.matrix.dtype)

    def _cosines(self, vector: np.ndarray, restrict_vocab: int | None) -> np.ndarray:
        searched = slice(self._limit(restrict_vocab))
        return cosines(self.matrix[searched], self.norms[searched], vector)

    def _limit(self, restrict_vocab: int | None) -> int | None:
        if restrict_vocab is not None and restrict_vocab < 1:
            raise ValueError(f"`restrict_vocab` must be 1 or more; got {restrict_vocab}. Use None for every row.")
        return restrict_vocab

    def _named(self, scores: np.ndarray, topn: int, own: Sequence[int]) -> Neighbours:
        rows = [row for row in largest(scores, max(topn, 0) + len(own)).tolist() if row not in own]
        return [(self.labels[row], float(scores[row])) for row in rows[: max(topn, 0)]]
