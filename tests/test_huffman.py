"""Huffman's tree: word2vec.c's to the bit, and as short as gensim's."""

import heapq
from typing import Any

import numpy as np
import pytest

from tf_emb.layers.hierarchical_softmax import HierarchicalSoftmax, huffman

COUNTS = [50, 20, 10, 9, 5, 2, 2, 1]


def create_binary_tree(counts: list[int]) -> list[tuple[list[int], list[int]]]:
    """word2vec.c, lines 207 to 270, kept as it is there: code and point of every word."""
    vocab_size = len(counts)
    count = list(counts) + [10**15] * vocab_size
    binary, parent_node = [0] * (vocab_size * 2 + 1), [0] * (vocab_size * 2 + 1)
    pos1, pos2 = vocab_size - 1, vocab_size
    for a in range(vocab_size - 1):
        if pos1 >= 0 and count[pos1] < count[pos2]:
            min1i = pos1
            pos1 -= 1
        else:
            min1i = pos2
            pos2 += 1
        if pos1 >= 0 and count[pos1] < count[pos2]:
            min2i = pos1
            pos1 -= 1
        else:
            min2i = pos2
            pos2 += 1
        count[vocab_size + a] = count[min1i] + count[min2i]
        parent_node[min1i] = parent_node[min2i] = vocab_size + a
        binary[min2i] = 1
    words = []
    for a in range(vocab_size):
        code, point, b, i = [0] * vocab_size, [0] * vocab_size, a, 0
        while True:
            code[i], point[i] = binary[b], b
            i += 1
            b = parent_node[b]
            if b == vocab_size * 2 - 2:
                break
        codes, points = [0] * i, [0] * (i + 1)
        points[0] = vocab_size - 2
        for b in range(i):
            codes[i - b - 1] = code[b]
            points[i - b] = point[b] - vocab_size
        words.append((codes, points[:i]))  # the last point is the word itself
    return words


def trees() -> list[list[int]]:
    rng = np.random.default_rng(1)
    drawn = [
        sorted(rng.integers(1, high, size).tolist(), reverse=True)
        for high, size in [(3, 2), (3, 17), (10, 100), (10**6, 100), (2, 64), (2, 65)]
    ]
    return [COUNTS, [1, 1], [5, 1], [34, 21, 13, 8, 5, 3, 2, 1, 1], *drawn]


@pytest.mark.parametrize("counts", trees(), ids=lambda c: f"{len(c)} words from {c[0]}")
def test_the_tree_is_that_of_word2vec_c(counts: list[int]) -> None:
    codes, points, lengths = huffman(np.array(counts))
    assert (codes.dtype, points.dtype, lengths.dtype) == (np.int8, np.int32, np.int32)
    assert codes.shape == points.shape == (len(counts), lengths.max())
    for word, (code, point) in enumerate(create_binary_tree(counts)):
        n = lengths[word]
        assert (codes[word, :n].tolist(), points[word, :n].tolist()) == (code, point)
        assert not codes[word, n:].any()
        assert not points[word, n:].any()


@pytest.mark.parametrize("counts", trees(), ids=lambda c: f"{len(c)} words from {c[0]}")
def test_no_code_is_shorter_on_average(counts: list[int]) -> None:
    heap, cost = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        cost += joined
        heapq.heappush(heap, joined)
    lengths = huffman(counts)[2]
    assert int((lengths * np.array(counts)).sum()) == cost
    assert sum(0.5 ** int(n) for n in lengths) == 1  # Kraft: every branch ends at a word


def test_gensim_codes_are_as_long_on_average() -> None:
    from gensim.models import Word2Vec

    from tf_emb.corpus import Vocabulary, lee_background

    vocabulary = Vocabulary.build(lee_background(), min_count=5)
    model = Word2Vec(hs=1, negative=0, vector_size=2)
    model.build_vocab_from_freq(dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)))
    lengths = [len(model.wv.get_vecattr(word, "code")) for word in vocabulary.words]
    assert len(lengths) == len(vocabulary) > 1000
    assert int((huffman(vocabulary.counts)[2] * vocabulary.counts).sum()) == int((lengths * vocabulary.counts).sum())


def test_counts_need_not_be_sorted_nor_be_integers() -> None:
    order = np.array([3, 0, 7, 1, 2, 4, 5, 6])  # equal counts (5 and 6) stay in order
    for shuffled, sorted_ in zip(huffman(np.array(COUNTS)[order]), huffman(COUNTS), strict=True):
        np.testing.assert_array_equal(shuffled, sorted_[order])
    for scaled, whole in zip(huffman(np.array(COUNTS) / 128), huffman(COUNTS), strict=True):
        np.testing.assert_array_equal(scaled, whole)


def test_counts_past_the_sentinel_of_word2vec_c() -> None:
    lengths = huffman(np.array([4, 3, 2, 1]) * 10**16)[2]
    assert lengths.tolist() == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([5], r"`counts` must be one number for each of two or more words; got shape \(1,\)"),
        ([[1, 2]], r"two or more words; got shape \(1, 2\)"),
        ([3, 0, 1], "`counts` must be finite and above 0; got 0 at 1."),
        ([3.0, float("nan")], "`counts` must be finite and above 0; got nan at 1."),
        ([3.0, float("inf")], "got inf at 1."),
        ([3, -2], "got -2 at 1."),
    ],
)
def test_wrong_counts_are_named(counts: Any, said: str) -> None:
    for made in (huffman, HierarchicalSoftmax):
        with pytest.raises(ValueError, match=said):
            made(counts)
