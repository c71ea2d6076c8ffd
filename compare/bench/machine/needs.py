"""What training on one kept word demands of a machine, by formula.

Per centre, with d = dim, T = block, B = blocks, w = window, S = shared_noise, P = T + 2w places around a block:

    n = w + 1 places in a window on average (2w if it is fixed; half as many if it looks forward only)
    skip-gram, noise:   n + S products, of all T (P + S) of a block          6d flops each
    CBOW, noise:        n rows summed, of P                                   4d flops each
                        1 + S products                                        6d flops each
    skip-gram, tree:    n L products, L the mean length of a path;            6d flops each
                        2w M of all, M the mean length of a step's longest

A product is 2d flops forward and 2d for each of its two sides backward; a sum of rows has one side. Whatever is done
once per product (a sigmoid, a weight) is left out. Places that end a sentence are not counted.

A step of T B kept words reads each row that it uses once from memory, and writes it back: 8d bytes in float32. If m
draws from a distribution q were independent, sum over i of 1 - (1 - q_i)^m of their rows would be distinct; text
repeats itself, so a step has fewer. Ids, and what stays in a cache between two operations, are not counted.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tf_emb.corpus import keep_probability, noise_distribution

if TYPE_CHECKING:
    from tf_emb.word2vec import Options


@dataclass(frozen=True)
class Needs:
    """What one kept word needs.

    Attributes:
        flops: of the products that have weight.
        block_flops: of all products of the block, including those without weight.
        bytes: of the rows read and written.
    """

    flops: float
    block_flops: float
    bytes: float


def needs(options: "Options", counts: np.ndarray) -> Needs:
    """Return what a kept word of a corpus with these counts needs.

    Raises:
        ValueError: this file has no formula for the model.
    """
    formula = {
        ("skipgram", "negative-sampling"): _skipgram,
        ("cbow", "negative-sampling"): _cbow,
        ("skipgram", "hierarchical-softmax"): _tree,
    }.get((options.model, options.loss))
    if formula is None:
        raise ValueError(
            f"`options` must be of a model in this file; got {options.model}, {options.loss}. Add its formula."
        )
    kept = counts * keep_probability(counts, options.sample)
    return formula(options, kept / kept.sum(), counts)


def places(o: "Options") -> float:
    """Return n, the mean number of words in a window."""
    both = o.window + 1 if o.window_kind == "shrinking" else 2 * o.window
    return both / 2 if o.forward_only else both


def distinct(*drawn: tuple[np.ndarray, int]) -> float:
    """Return the expected number of distinct rows among independent draws: row probabilities and numbers of draws."""
    with np.errstate(divide="ignore"):  # a row of probability 1 is missed with probability 0
        missed = sum(times * np.log1p(-probability) for probability, times in drawn)
    return float(-np.expm1(missed).sum())


def _needs(o: "Options", flops: float, block_flops: float, rows: float) -> Needs:
    return Needs(flops * o.dim, block_flops * o.dim, 8.0 * o.dim * rows / (o.blocks * o.block))


def _rows_of_noise(o: "Options", q: np.ndarray, counts: np.ndarray, words: int) -> float:
    noise = noise_distribution(counts, o.ns_exponent)
    return distinct((q, o.blocks * words), (noise, o.blocks * o.shared_noise))


def _skipgram(o: "Options", q: np.ndarray, counts: np.ndarray) -> Needs:
    around = o.block + 2 * o.window
    rows = distinct((q, o.blocks * o.block)) + _rows_of_noise(o, q, counts, around)
    return _needs(o, 6 * (places(o) + o.shared_noise), 6 * (around + o.shared_noise), rows)


def _cbow(o: "Options", q: np.ndarray, counts: np.ndarray) -> Needs:
    around, products = o.block + 2 * o.window, 6 * (1 + o.shared_noise)
    rows = distinct((q, o.blocks * around)) + _rows_of_noise(o, q, counts, o.block)
    return _needs(o, 4 * places(o) + products, 4 * around + products, rows)


def _tree(o: "Options", q: np.ndarray, counts: np.ndarray) -> Needs:
    from tf_emb.layers.hierarchical_softmax import huffman

    codes, points, lengths = huffman(counts)
    centers = o.blocks * o.block
    on_path = np.arange(codes.shape[1]) < lengths[:, None]
    of_node = np.bincount(points[on_path], (q[:, None] * on_path)[on_path], minlength=len(counts))
    rows = distinct((q, o.blocks * (o.block + 2 * o.window))) + distinct((np.minimum(of_node, 1.0), centers))
    longest = longest_of(np.bincount(lengths, q), centers)
    return _needs(o, 6 * places(o) * float(lengths @ q), 6 * 2 * o.window * longest, rows)


def longest_of(share: np.ndarray, draws: int) -> float:
    """Return the mean of the longest of `draws` draws; `share[l]` is the probability of length l."""
    return float((1 - np.minimum(np.cumsum(share), 1.0)[:-1] ** draws).sum())
