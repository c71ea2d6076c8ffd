"""The neural n-gram model beside an interpolated modified Kneser-Ney trigram: perplexity of unseen text.

Lee corpus, words; and where `paths` has "zhwiki", the first 300,000 characters of Chinese text. Both models have the
same vocabulary, with <unk>, and both predict the end of each document. A tenth of the documents is judged on and a
tenth stops the training; Kneser-Ney, which has nothing to stop, counts that tenth too. The models are not mixed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from compare import text
from compare.quality.figure import Figure
from compare.quality.kneser_ney import KneserNey

CHARACTERS, QUICK = 300_000, 20_000
WORDS: dict[str, Any] = {"order": 4, "dim": 100, "hidden": 200, "tied": True, "dropout": 0.6, "weight_decay": 0.1,
                         "epochs": 40}  # fmt: skip
HAN: dict[str, Any] = {"order": 5, "dim": 128, "hidden": 512, "tied": True, "dropout": 0.3, "weight_decay": 0.01,
                       "batch": 256, "rate": 2e-3, "epochs": 20, "min_count": 3}  # fmt: skip
Documents = list[list[str]]


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield the perplexity on words, and on characters where there are any."""
    yield from beside("Lee corpus, words", cut(text.lee(), QUICK if quick else 10**9), seeds, WORDS, quick)
    if "zhwiki" in paths:
        characters = han(paths["zhwiki"], QUICK if quick else CHARACTERS)
        yield from beside("Chinese Wikipedia, characters", characters, seeds, HAN, quick)


def beside(
    data: str, documents: Documents, seeds: Sequence[int], options: Mapping[str, Any], quick: bool
) -> Iterator[Figure]:
    """Train one model a seed; yield their perplexities, and that of the mean of their probabilities."""
    from tf_emb.methods.ngram import language_vocabulary, train_ngram

    order = np.random.default_rng(0).permutation(len(documents))
    test, stop, train = ([documents[i] for i in part] for part in np.split(order, [len(order) // 10, len(order) // 5]))
    options = dict(options) | ({"epochs": 2} if quick else {})
    vocabulary = language_vocabulary(train, min_count=options.get("min_count", 2))
    peer = KneserNey([known(vocabulary, document) for document in [*train, *stop]], len(vocabulary))
    theirs = peer.perplexity([known(vocabulary, document) for document in test])
    logs = [train_ngram(train, held_out=stop, seed=seed, **options).log_probabilities(test) for seed in seeds]
    name, what = "modified Kneser-Ney trigram", f"perplexity, {len(vocabulary):,} types"
    yield Figure("ngram", data, what, [perplexity(log) for log in logs], name, [theirs], higher=False)
    if len(logs) > 1:
        together = np.logaddexp.reduce(logs) - np.log(len(logs))
        yield Figure("ngram", data, f"{what}, {len(logs)} together", [perplexity(together)], name, [theirs], False)


def perplexity(log: np.ndarray) -> float:
    """Return exp(-mean)."""
    return float(np.exp(-log.mean()))


def known(vocabulary: Any, document: Sequence[str]) -> list[int]:
    """Return the number of every token, 0 for <unk>."""
    return [vocabulary.ids.get(token, 0) for token in document]


def han(path: Path, limit: int) -> Documents:
    """Return lines of text as lists of characters."""
    from tf_emb.corpus import read_sentences

    return cut((line for line in read_sentences(path, lambda line: list(line.strip())) if line), limit)


def cut(documents: Iterable[list[str]], limit: int) -> Documents:
    """Return the first documents, as many as have at most `limit` tokens together."""
    kept, total = [], 0
    for document in documents:
        total += len(document)
        if total > limit:
            break
        kept.append(document)
    return kept
