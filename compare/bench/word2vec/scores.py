"""One evaluator for all vectors: analogies, word pairs, and the likelihood of held-out text."""

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compare.bench.word2vec.task import outputs

if TYPE_CHECKING:
    from tf_emb.corpus import EncodedCorpus

FREQUENT = 30_000  # words among which the first analogies are asked
HELD_OUT, WITH_PRIOR = "held-out loss", "held-out loss, prior added"


def scores(vectors: Path) -> dict[str, float | None]:
    """Return every score of a word2vec file: analogies in per cent, Spearman's correlations, or None if undefined."""
    from gensim.test.utils import datapath

    from tf_emb.evaluate import analogies, word_pairs
    from tf_emb.vectors import load_vectors

    of = load_vectors(vectors)  # the most frequent word first
    questions = datapath("questions-words.txt")
    return {
        "analogies, 30k": number(100 * analogies(of, questions, restrict_vocab=FREQUENT).total.accuracy),
        "analogies, all": number(100 * analogies(of, questions, restrict_vocab=None).total.accuracy),
        "WordSim-353": number(word_pairs(of, datapath("wordsim353.tsv"), restrict_vocab=None).spearman),
        "SimLex-999": number(word_pairs(of, datapath("simlex999.txt"), restrict_vocab=None).spearman),
    }


def likelihoods(vectors: Path, train: Path, held: Path, asked: dict[str, Any], prior: bool) -> dict[str, float | None]:
    """Return the mean negative log-likelihood of the pairs of a text, in nats, under softmax(v'_o . v_i).

    Negative sampling learns u_o = log p(o|i) / (K q(o)), so the softmax should be given u_o + log q_o (Levy and
    Goldberg 2014, "Neural Word Embedding as Implicit Matrix Factorization"). For it, both are returned.

    Args:
        vectors: the file of the input table, with that of the output table beside it.
        train, held: the texts.
        asked: `window`, `min_count` and `max_vocab` of the training.
        prior: whether to return the second one, too.
    """
    from tf_emb.commands.terminal import silent_start
    from tf_emb.corpus import noise_distribution
    from tf_emb.vectors import load_vectors

    with silent_start():
        from tf_emb.word2vec.likelihood import log_likelihood

    encoded = _encoded(train, held, asked["min_count"], asked["max_vocab"])
    found = load_vectors(vectors)
    if tuple(found.index_to_key) != encoded.vocabulary.words:
        raise RuntimeError(f"{vectors} must have the words of {train}, ordered by their counts.")
    given = (found.vectors, np.load(outputs(vectors)), np.asarray(encoded.ids))
    result = {HELD_OUT: number(log_likelihood(*given, window=asked["window"]))}
    if prior:
        log_prior = np.log(noise_distribution(encoded.vocabulary.counts))
        result[WITH_PRIOR] = number(log_likelihood(*given, window=asked["window"], log_prior=log_prior))
    return result


@cache
def _encoded(train: Path, held: Path, min_count: int, max_vocab: int | None) -> "EncodedCorpus":
    from tf_emb.corpus import count_vocabulary, encode_corpus

    return encode_corpus(held, count_vocabulary(train, min_count=min_count, max_vocab=max_vocab))


def number(value: float) -> float | None:
    """Return a float, or None if it is not finite: JSON has no NaN."""
    return float(value) if math.isfinite(value) else None
