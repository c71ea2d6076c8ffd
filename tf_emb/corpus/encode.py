"""A corpus as one flat array of ids on disk, made in one pass over text of any size.

Every new word gets the next free number, and the numbers are written to disk. At the end of the text the counts are
known, and the numbers are replaced by ids, the most frequent word first. Memory grows with the number of distinct
words, not with the length of the text.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from tf_emb.corpus.source import Source, parts
from tf_emb.corpus.tokenizers import Tokenize
from tf_emb.corpus.vocabulary import Vocabulary, check_ranks, checked_vocabulary
from tf_emb.files import appearing

END = -1  # in `ids`, after every sentence
_OUT = -2
_BATCH = 1 << 17  # tokens numbered at once
_END: Any = object()  # end of a sentence among tokens; not a string, since every string may be a token


@dataclass(frozen=True)
class EncodedCorpus:
    """Sentences as ids.

    Attributes:
        ids: int32, on disk: for every sentence the ids of its known words, then -1.
        vocabulary: the words.
        raw_words: number of tokens in the text.
        known_words: number of those that are in the vocabulary, and so in `ids`.
        sentences: number of sentences, including those without a known word.
    """

    ids: np.ndarray
    vocabulary: Vocabulary
    raw_words: int
    known_words: int
    sentences: int


def prepare(
    source: Source,
    tokenize: Tokenize = "whitespace",
    *,
    min_count: int = 5,
    max_vocab: int | None = None,
    path: str | os.PathLike[str] | None = None,
    errors: str = "strict",
) -> EncodedCorpus:
    """Count the words of a text and encode it, in one pass over it.

    A line is a sentence, however long; a line feed ends it, and nothing else does. Blank lines are sentences without
    words.

    Args:
        source: a file, compressed if its suffix is .gz, .bz2, .xz or .zst or its first bytes say so; "-" for standard
            input; an open binary stream; or an iterable of lists of tokens, read once. Text is UTF-8.
        tokenize: "whitespace", "characters", "letters", "jieba", or a function; see
            `tf_emb.corpus.tokenizers.tokenizer`.
        min_count: words seen less often are left out of the vocabulary and of `ids`.
        max_vocab: keep only this many of the most frequent words.
        path: where to keep the ids, as raw int32; the default is a temporary file (see TMPDIR) that goes away with the
            array. It takes four bytes per token and per sentence.
        errors: what becomes of bytes that are not UTF-8: "strict" refuses them and the character 0; "replace",
            "ignore", "backslashreplace" and "surrogateescape" are as in `open`.

    Raises:
        ValueError: `source` cannot be read or is no such text, see `tf_emb.corpus.source.parts`; or no word is left.
    """
    check_ranks(min_count, max_vocab)  # before a pass over the text, not after it
    table: defaultdict[Any, int] = defaultdict()
    table.default_factory = table.__len__
    table[_END]  # is number 0
    with _storage(path) as file:
        for batch in _batches(source, tokenize, errors):
            file.write(_numbered(batch, table.__getitem__, 0).data)
        counts = _counted(file, len(table))
        _end, *words = table
        vocabulary = Vocabulary.ranked(words, counts[1:], min_count=min_count, max_vocab=max_vocab)
        _renumber(file, table, vocabulary)
        ids = _mapped(file)
    return EncodedCorpus(ids, vocabulary, int(counts[1:].sum()), int(vocabulary.counts.sum()), int(counts[0]))


def encode_corpus(
    source: Source,
    vocabulary: Vocabulary,
    tokenize: Tokenize = "whitespace",
    *,
    path: str | os.PathLike[str] | None = None,
    errors: str = "strict",
) -> EncodedCorpus:
    """Encode a text with an existing vocabulary; the arguments are those of `prepare`.

    Raises:
        ValueError: `source` cannot be read or is no such text, or `vocabulary` is none.
    """
    vocabulary = checked_vocabulary(vocabulary)
    table = {**vocabulary.ids, _END: END}
    raw = known = sentences = 0
    with _storage(path) as file:
        for batch in _batches(source, tokenize, errors):
            ids = _numbered(batch, lambda token: table.get(token, _OUT), END)
            kept = ids[ids != _OUT]
            ends = int(np.count_nonzero(kept == END))
            raw, known, sentences = raw + len(ids) - ends, known + len(kept) - ends, sentences + ends
            file.write(kept.data)
        mapped = _mapped(file)
    return EncodedCorpus(mapped, vocabulary, raw, known, sentences)


def as_encoded(
    corpus: EncodedCorpus | Source,
    vocabulary: Vocabulary | None = None,
    *,
    min_count: int = 5,
    max_vocab: int | None = None,
) -> EncodedCorpus:
    """Return `corpus` if it is encoded, or else encode it, with `vocabulary` if there is one.

    Raises:
        ValueError: `corpus` is encoded with other words than those of `vocabulary`; or see `prepare`.
    """
    if isinstance(corpus, EncodedCorpus):
        if vocabulary is not None and corpus.vocabulary.words != vocabulary.words:
            raise ValueError(
                f"`corpus` must have this model's {len(vocabulary)} words; got another vocabulary of "
                f"{len(corpus.vocabulary)}. Use encode_corpus(text, model.vocabulary)."
            )
        return corpus
    if vocabulary is not None:
        return encode_corpus(corpus, vocabulary)
    return prepare(corpus, min_count=min_count, max_vocab=max_vocab)


def count_vocabulary(
    source: Source,
    tokenize: Tokenize = "whitespace",
    *,
    min_count: int = 5,
    max_vocab: int | None = None,
    errors: str = "strict",
) -> Vocabulary:
    """Count the words of a text of any size; the arguments are those of `prepare`.

    Raises:
        ValueError: `source` cannot be read, or no word is left.
    """
    check_ranks(min_count, max_vocab)
    tokens = (tokens for tokens, _ in parts(source, tokenize, errors=errors))
    return Vocabulary.build(tokens, min_count=min_count, max_vocab=max_vocab)


def _batches(source: Source, tokenize: Tokenize, errors: str) -> Iterator[list[Any] | int]:
    """Yield tokens in batches, with _END after every sentence; or the number of ends where there are many in a row."""
    batch: list[Any] = []
    for tokens, ends in parts(source, tokenize, errors=errors):
        batch += tokens
        if ends == 1:
            batch.append(_END)
        elif ends:
            yield batch
            yield ends
            batch = []
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    yield batch


def _numbered(batch: list[Any] | int, number: Callable[[Any], int], end: int) -> np.ndarray:
    """Return the numbers of a batch, int32; `end` is that of an end."""
    if isinstance(batch, int):
        return np.full(batch, end, np.int32)
    return np.fromiter(map(number, batch), np.int32, len(batch))


@contextmanager
def _storage(path: str | os.PathLike[str] | None) -> Iterator[IO[bytes]]:
    """Open `path`, which appears once it is complete, or a file that is deleted once nothing uses it."""
    if path is None:
        with tempfile.TemporaryFile(prefix="tf-emb-") as file:
            yield file
    else:
        with appearing(path) as temporary, open(temporary, "w+b") as file:
            yield file


def _blocks(file: IO[bytes], start: int, ids: int) -> Iterator[np.ndarray]:
    """Yield ids from byte `start` on, `ids` at a time; the file may be written to in between."""
    while True:
        file.seek(start)
        block = np.frombuffer(file.read(4 * ids), np.int32)
        if not len(block):
            return
        yield block
        start += block.nbytes


def _counted(file: IO[bytes], size: int) -> np.ndarray:
    """Return how often each number below `size` occurs in the file."""
    counts = np.zeros(size, np.int64)
    for block in _blocks(file, 0, max(size, 2 * _BATCH)):
        counts += np.bincount(block, minlength=size)
    return counts


def _renumber(file: IO[bytes], words: Iterable[Any], vocabulary: Vocabulary) -> None:
    """Replace number i by the id of the i-th word, drop words without an id, and shorten the file."""
    ids = vocabulary.ids
    table = np.fromiter((END if word is _END else ids.get(word, _OUT) for word in words), np.int32)
    written = 0
    for block in _blocks(file, 0, 2 * _BATCH):
        renumbered = table[block]
        kept = renumbered[renumbered != _OUT]
        file.seek(written)
        file.write(kept.data)
        written += kept.nbytes
    file.truncate(written)


def _mapped(file: IO[bytes]) -> np.ndarray:
    """Return the file as an array on disk; an unnamed file lives as long as the array."""
    file.flush()
    empty = file.seek(0, os.SEEK_END) == 0
    return np.empty(0, np.int32) if empty else np.memmap(file, np.int32, "r")
