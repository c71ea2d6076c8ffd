"""Language models from counts, the baseline of a neural one: interpolated modified Kneser-Ney n-grams, and mixtures.

p(w | h) = max(c(h w) - D(c), 0) / c(h) + g(h) p(w | h'),  g(h) = sum_k D_k n_k(h) / c(h)
where h' is one word shorter, counts below the highest order are the number of different preceding words, and the
recursion ends at 1 / V. Chen and Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling",
section 3.

Mixtures are p(w | h) = sum_i a_i p_i(w | h), with the best weights for a text. Jelinek and Mercer 1980, "Interpolated
estimation of Markov source parameters from sparse data"; Bengio et al. 2003, section 4.2, mix a neural model with a
trigram this way.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

Gram = tuple[Hashable, ...]


class KneserNey:
    """An n-gram model.

    Args:
        sentences: tokens, all of them in the vocabulary; the model itself adds END, the end of a sentence.
        vocab_size: V, the number of tokens that can come next, including the end.
        order: 3 for trigrams.
    """

    START, END = ("start",), ("end",)

    def __init__(self, sentences: Sequence[Sequence[Hashable]], vocab_size: int, order: int = 3) -> None:
        self.order, self.vocab_size = order, vocab_size
        full: Counter[Gram] = Counter(gram for sentence in sentences for gram in self.grams(sentence))
        self.counts: list[Counter[Gram]] = [full]
        while len(self.counts) < order:  # the number of different words that precede each shorter gram
            self.counts.insert(0, Counter(gram[1:] for gram in self.counts[0]))
        self.discounts = [discounts(counts) for counts in self.counts]
        self.totals: list[dict[Gram, float]] = [defaultdict(float) for _ in self.counts]
        self.left: list[dict[Gram, float]] = [defaultdict(float) for _ in self.counts]
        for n, counts in enumerate(self.counts):
            for gram, count in counts.items():
                self.totals[n][gram[:-1]] += count
                self.left[n][gram[:-1]] += self.discounts[n][min(count, 3)]

    def grams(self, sentence: Sequence[Hashable]) -> list[Gram]:
        """Return the highest-order gram that ends in each token, and in END."""
        padded = [self.START] * (self.order - 1) + [*sentence, self.END]
        return [tuple(padded[i : i + self.order]) for i in range(len(padded) - self.order + 1)]

    def probability(self, gram: Gram) -> float:
        """Return p(last token | preceding tokens)."""
        if not gram:
            return 1 / self.vocab_size
        n, shorter = len(gram) - 1, self.probability(gram[1:])
        total = self.totals[n].get(gram[:-1], 0.0)
        if not total:
            return shorter
        count = self.counts[n].get(gram, 0)
        return (count - self.discounts[n][min(count, 3)] + self.left[n][gram[:-1]] * shorter) / total

    def log_probabilities(self, sentences: Sequence[Sequence[Hashable]]) -> np.ndarray:
        """Return log p of every token and of every sentence's end, in nats."""
        return np.log([self.probability(gram) for sentence in sentences for gram in self.grams(sentence)])

    def perplexity(self, sentences: Sequence[Sequence[Hashable]]) -> float:
        """Return exp(-mean log p) over all tokens and ends."""
        return float(np.exp(-self.log_probabilities(sentences).mean()))


def discounts(counts: Counter[Gram]) -> tuple[float, float, float, float]:
    """Return D of the counts 0, 1, 2 and 3 or more: D_k = k - (k + 1) Y n_k+1 / n_k, Y = n_1 / (n_1 + 2 n_2).

    n_k is the number of grams with count k. If one of them is 0, the estimate does not exist, and D_k is 0.75.
    """
    n = Counter(counts.values())
    if not all(n[k] for k in (1, 2, 3, 4)):
        return 0.0, 0.75, 0.75, 0.75
    Y = n[1] / (n[1] + 2 * n[2])
    one, two, more = (k - (k + 1) * Y * n[k + 1] / n[k] for k in (1, 2, 3))
    return 0.0, one, two, more


ROUNDS = 200


def mixture_weights(logs: np.ndarray) -> np.ndarray:
    """Return the weights a that maximise the likelihood of a text, by expectation maximisation.

    Args:
        logs: log p_i of every token, shape (models, tokens).

    Returns:
        Shape (models,), with sum 1: each is the mean share of its model, a_i p_i / sum_j a_j p_j.
    """
    weights = np.full(len(logs), 1 / len(logs))
    p = np.exp(logs - logs.max(axis=0))  # the likeliest becomes 1, so that no sum is 0
    for _ in range(ROUNDS):
        weights = (weights[:, None] * p / (weights @ p)).mean(axis=1)
    return weights


def mixed(logs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mixture's log p of every token, shape (tokens,)."""
    highest = logs.max(axis=0)
    return np.log(weights @ np.exp(logs - highest)) + highest
