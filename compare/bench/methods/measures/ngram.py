"""The neural n-gram model beside an interpolated modified Kneser-Ney trigram: perplexity of unseen text.

Lee corpus, words and characters; and if `paths` has "zhwiki", the first characters of Chinese text. Both models have
the same vocabulary, with <unk>, and both predict the end of each document. A tenth of the text is the test set and a
tenth stops the training; Kneser-Ney, which has nothing to stop, counts that tenth too. Lee's documents are whole
articles and are assigned at random. In the Chinese text a document is a line, and an article has several lines: if
they were assigned one by one, test lines would lie between counted lines of the same article, with its names. So that
text is cut into three runs of lines, as Bengio et al. 2003, section 4, cut the Brown corpus.

Bengio et al. 2003, section 4.2, mix their model with the trigram. So does the last figure of each text, "mixed": it is
compared with the Kneser-Ney model in the mixture, of longer n-grams where those are better than trigrams. The weights
are the best ones for the tenth that stops the training, with a Kneser-Ney model that has not counted it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.methods.figure import Figure
from compare.bench.methods.kneser_ney import KneserNey, mixed, mixture_weights
from compare.cases import text

CHARACTERS, QUICK = 300_000, 20_000
WORDS: dict[str, Any] = {"order": 4, "dim": 100, "hidden": 200, "tied": True, "dropout": 0.6, "weight_decay": 0.1,
                         "epochs": 40}  # fmt: skip
LETTERS: dict[str, Any] = {"order": 8, "dim": 16, "hidden": 256, "spread": 1.0, "dropout": 0.05, "rate": 2e-3,
                           "schedule": "cosine", "epochs": 6}  # fmt: skip
HAN: dict[str, Any] = {"order": 5, "dim": 128, "hidden": 256, "direct": True, "tied": True, "dropout": 0.2,
                       "weight_decay": 0.01, "batch": 256, "rate": 2e-3, "schedule": "cosine", "epochs": 4,
                       "min_count": 3}  # fmt: skip
Documents = list[list[str]]
Split = Callable[[Documents], tuple[Documents, Documents, Documents]]


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield the perplexity on words, on characters, and on Chinese characters if there are any."""
    from gensim.test.utils import datapath

    most = QUICK if quick else 10**9
    words, letters = cut(text.lee(), most), characters(Path(datapath("lee_background.cor")), most)
    yield from beside("Lee corpus, words", words, seeds, WORDS, quick, mixed_with=3, split=dealt)
    yield from beside("Lee corpus, characters", letters, seeds, LETTERS, quick, mixed_with=8, split=dealt)
    if "zhwiki" in paths:
        han = characters(paths["zhwiki"], QUICK if quick else CHARACTERS)
        yield from beside("Chinese Wikipedia, characters", han, seeds, HAN, quick, mixed_with=4, split=consecutive)


def beside(
    data: str,
    documents: Documents,
    seeds: Sequence[int],
    options: Mapping[str, Any],
    quick: bool,
    mixed_with: int,
    split: Split,
) -> Iterator[Figure]:
    """Train one model per seed; yield their perplexities, that of their mean probability, and those of mixtures."""
    from tf_emb.methods.ngram import train_ngram

    parts = Parts.of(split(documents), options.get("min_count", 2))
    options = dict(options) | ({"epochs": 2} if quick else {})
    models = [train_ngram(parts.train, held_out=parts.stop, seed=seed, **options) for seed in seeds]
    logs = [model.log_probabilities(parts.test) for model in models]
    name, what = "modified Kneser-Ney", f"perplexity, {len(parts.vocabulary):,} types"
    trigram = [perplexity(parts.peer(3))]
    yield Figure(
        "ngram",
        data,
        what,
        [perplexity(log) for log in logs],
        f"{name} trigram",
        trigram,
        higher=False,
        vectors=models[0].vectors(),
    )
    if len(logs) > 1:
        together = np.logaddexp.reduce(logs) - np.log(len(logs))
        yield Figure(
            "ngram",
            data,
            f"{what}, {len(logs)} together",
            [perplexity(together)],
            f"{name} trigram",
            trigram,
            higher=False,
        )
    peer, held_out = parts.peer(mixed_with), parts.peer_held_out(mixed_with)
    ours = []
    for model, log in zip(models, logs, strict=True):
        weights = mixture_weights(np.stack([model.log_probabilities(parts.stop), held_out]))
        ours.append(perplexity(mixed(np.stack([log, peer]), weights)))
    yield Figure(
        "ngram",
        data,
        f"{what}, mixed with the {mixed_with}-gram",
        ours,
        f"{name} {mixed_with}-gram",
        [perplexity(peer)],
        higher=False,
    )


@dataclass(frozen=True)
class Parts:
    """Documents for training, stopping and testing, and the vocabulary of the first."""

    train: Documents
    stop: Documents
    test: Documents
    vocabulary: Any

    @classmethod
    def of(cls, parts: tuple[Documents, Documents, Documents], min_count: int) -> "Parts":
        """Build the vocabulary from the first part."""
        from tf_emb.methods.ngram import language_vocabulary

        return cls(*parts, language_vocabulary(parts[0], min_count=min_count))

    def peer(self, order: int) -> np.ndarray:
        """Return Kneser-Ney's log p of `test`."""
        return self._kneser_ney([*self.train, *self.stop], self.test, order)

    def peer_held_out(self, order: int) -> np.ndarray:
        """Return Kneser-Ney's log p of `stop`, which it has not counted."""
        return self._kneser_ney(self.train, self.stop, order)

    def _kneser_ney(self, counted: Documents, judged: Documents, order: int) -> np.ndarray:
        numbers = [[known(self.vocabulary, one) for one in part] for part in (counted, judged)]
        return KneserNey(numbers[0], len(self.vocabulary), order).log_probabilities(numbers[1])


def dealt(documents: Documents) -> tuple[Documents, Documents, Documents]:
    """Return eight tenths for training, a tenth for stopping and a tenth for testing, assigned at random."""
    order = np.random.default_rng(0).permutation(len(documents))
    test, stop, train = ([documents[i] for i in part] for part in np.split(order, [len(order) // 10, len(order) // 5]))
    return train, stop, test


def consecutive(documents: Documents) -> tuple[Documents, Documents, Documents]:
    """Return the first eight tenths of the tokens for training, the next tenth for stopping, the last for testing."""
    ends = np.cumsum([len(document) + 1 for document in documents])
    first, second = np.searchsorted(ends, [0.8 * ends[-1], 0.9 * ends[-1]], side="right")
    return documents[:first], documents[first:second], documents[second:]


def perplexity(log: np.ndarray) -> float:
    """Return exp(-mean)."""
    return float(np.exp(-log.mean()))


def known(vocabulary: Any, document: Sequence[str]) -> list[int]:
    """Return the number of every token, 0 for <unk>."""
    return [vocabulary.ids.get(token, 0) for token in document]


def characters(path: Path, limit: int) -> Documents:
    """Return lines of text as lists of characters."""
    from tf_emb.corpus import read_sentences

    return cut((line for line in read_sentences(path, lambda line: list(line.strip())) if line), limit)


def cut(documents: Iterable[list[str]], limit: int) -> Documents:
    """Return the first documents that have at most `limit` tokens in total."""
    kept, total = [], 0
    for document in documents:
        total += len(document)
        if total > limit:
            break
        kept.append(document)
    return kept
