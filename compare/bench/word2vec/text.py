"""One text for all contenders: lines of at most 1,000 words.

gensim's corpus_file deals lines to its threads and drops what is past 10,000 words of a line, and word2vec.c cuts at
1,000 by itself; some corpora are one endless line. So the text is written anew, once a run, and every contender
reads that file.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

LINE = 1000  # words


@dataclass(frozen=True)
class Text:
    """A file that `write` wrote.

    Attributes:
        path: where it is.
        words: how many it has.
        digest: SHA-256 of its bytes: a run goes on only with the same text.
    """

    path: Path
    words: int
    digest: str


def write(sentences: Iterable[Sequence[str]], path: Path, words: int | None = None) -> Text:
    """Write sentences, or what is left of the first `words` words of them, as lines of at most `LINE` words."""
    state, written = hashlib.sha256(), 0
    with path.open("wb") as file:
        for line in _lines(sentences):
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
    """Write a text as two files: the last `share` of its words is the second."""
    first = round(text.words * (1 - share))
    words = chain.from_iterable(read(text.path))
    return write([list(islice(words, first))], folder / "first.txt"), write([list(words)], folder / "last.txt")


def sentences(corpus: Path | None) -> Iterator[Sequence[str]]:
    """Yield the sentences of a corpus, of long ones parts.

    Args:
        corpus: text that `tf_emb.corpus` reads, compressed or not; None for the 300 news documents of gensim.

    Raises:
        ValueError: it cannot be read.
    """
    from tf_emb.corpus import lee_background
    from tf_emb.corpus.source import parts

    if corpus is None:
        yield from lee_background()
    else:
        yield from (tokens for tokens, _ in parts(corpus, argument="--corpus"))


def _lines(of: Iterable[Sequence[str]]) -> Iterator[Any]:
    for sentence in of:
        for start in range(0, len(sentence), LINE):
            yield sentence[start : start + LINE]
