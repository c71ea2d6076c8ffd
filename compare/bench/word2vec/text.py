"""One text for all contenders, in lines of at most 1,000 words, and the pairs that some of them train on.

gensim's corpus_file deals lines to its threads and drops everything after 10,000 words of a line, word2vec.c cuts at
1,000 itself, and some corpora are one endless line. So the text is rewritten once per run, and every contender reads
that file.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from compare.bench.word2vec.task import Task
from tf_emb import corpus
from tf_emb.corpus import Vocabulary

LINE = 1000  # words


@dataclass(frozen=True)
class Text:
    """A file that `write` wrote.

    Attributes:
        path: the file.
        words: its number of words.
        digest: SHA-256 of its bytes; a run is resumed only with the same text.
    """

    path: Path
    words: int
    digest: str


def write(sentences: Iterable[Sequence[str]], path: Path, words: int | None = None) -> Text:
    """Write sentences, or only their first `words` words, as lines of at most `LINE` words."""
    state, written = hashlib.sha256(), 0
    with path.open("wb") as file:
        for line in (of[start : start + LINE] for of in sentences for start in range(0, len(of), LINE)):
            line = line[: None if words is None else words - written]
            if not line:
                break
            data = (" ".join(line) + "\n").encode()
            state.update(data)
            file.write(data)
            written += len(line)
    return Text(path, written, state.hexdigest())


def read(path: Path) -> Iterator[list[str]]:
    """Yield the lines of a file that `write` wrote."""
    with path.open(encoding="utf-8", newline="\n") as file:
        yield from (line.split() for line in file)


def split(text: Text, share: float, folder: Path) -> tuple[Text, Text]:
    """Write a text as two files, the second of which has the last `share` of its words."""
    first = round(text.words * (1 - share))
    words = chain.from_iterable(read(text.path))
    return write([list(islice(words, first))], folder / "first.txt"), write([list(words)], folder / "last.txt")


def sentences(corpus: Path | None) -> Iterator[Sequence[str]]:
    """Yield the sentences of a text, compressed or not, long ones in parts; None for gensim's 300 news documents.

    Raises:
        ValueError: it cannot be read.
    """
    from tf_emb.corpus import lee_background
    from tf_emb.corpus.source import parts

    if corpus is None:
        yield from lee_background()
    else:
        yield from (tokens for tokens, _ in parts(corpus, argument="--corpus"))


@dataclass(frozen=True)
class Pairs:
    """What the contenders that loop over examples read.

    Attributes:
        vocabulary: of the whole text.
        centers: int64, shape (pairs,).
        contexts: int64, shape (pairs,).
        groups: shape (pairs,), ascending: the position of each pair's centre in the text.
        words: the number of raw words they were drawn from.
    """

    vocabulary: Vocabulary
    centers: np.ndarray
    contexts: np.ndarray
    groups: np.ndarray
    words: int


def draw_pairs(task: Task) -> Pairs:
    """Return the pairs of the first `task.words` words, subsampled, each centre with its own radius."""
    rng = np.random.default_rng(task.seed)
    whole = corpus.count_vocabulary(task.text, min_count=task.min_count, max_vocab=task.max_vocab)
    with tempfile.TemporaryDirectory(prefix="pairs-") as folder:
        head = write(read(Path(task.text)), Path(folder) / "head.txt", task.words)
        encoded = corpus.encode_corpus(head.path, whole)
    keep, found, places = corpus.keep_probability(whole.counts, task.sample), [], 0
    for sentence in np.split(encoded.ids, np.flatnonzero(encoded.ids < 0)):
        kept = corpus.subsample(sentence[sentence >= 0].astype(np.int64), keep, rng)
        center, context = corpus.skipgram_pairs(kept, task.window, rng)
        found.append((kept[center], kept[context], center + places))
        places += len(kept)
    centers, contexts, groups = (np.concatenate(column) for column in zip(*found, strict=True))
    return Pairs(whole, centers, contexts, groups, head.words)


def bags(pairs: Pairs, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every centre with its context words: int64 (centres, 2 window), padded with vocab, and (centres,)."""
    _, first, inverse, size = np.unique(pairs.groups, return_index=True, return_inverse=True, return_counts=True)
    around = np.full((len(first), 2 * window), len(pairs.vocabulary))
    around[inverse, np.arange(len(inverse)) - first[inverse]] = pairs.contexts
    assert size.max() <= 2 * window
    return around, pairs.centers[first]
