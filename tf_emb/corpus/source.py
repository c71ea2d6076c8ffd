"""Text from files and streams, read in pieces of bounded size, as tokens. A line is a sentence, however long."""

import codecs
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import IO, cast

from tf_emb.corpus.tokenizers import Tokenize, Tokenizer, tokenizer
from tf_emb.files import opened

Text = str | os.PathLike[str] | IO[bytes]
Source = Text | Iterable[Sequence[str]]
PIECE = 1 << 20  # bytes per read; a line of more characters is cut


def read_sentences(path: Source, tokenize: Tokenize = "whitespace") -> Iterator[list[str]]:
    """Yield one list of tokens for every line of UTF-8 text.

    A whole line is held in memory; `prepare` reads text of any shape.

    Args:
        path: a file, compressed or not, "-" for standard input, or an open binary stream; see `prepare`.
        tokenize: the name of a tokenizer, or a function from a line to its tokens.

    Raises:
        ValueError: `path` is not readable UTF-8 text.
    """
    sentence: list[str] = []
    for tokens, ends in parts(path, tokenize, "path"):
        sentence += tokens
        if ends:
            yield sentence
            sentence = []


def lee_background() -> list[list[str]]:
    """Return the 300 news documents that gensim ships (Lee, Pincombe and Welsh 2005), tokenised.

    Raises:
        ImportError: gensim is not installed.
    """
    return list(read_sentences(gensim_file("lee_background.cor"), "letters"))


def gensim_file(name: str) -> Path:
    """Return a corpus or test set that gensim ships, as "lee_background.cor"; gensim itself is not loaded.

    Raises:
        ImportError: gensim is not installed.
    """
    package = find_spec("gensim")
    if package is None or package.origin is None:
        raise ImportError(f"{name} comes with gensim, the extra `gensim`: pip install 'tf-emb[gensim]'.")
    return Path(package.origin).parent / "test" / "test_data" / name


def parts(
    source: Source, tokenize: Tokenize = "whitespace", argument: str = "source"
) -> Iterator[tuple[Sequence[str], bool]]:
    """Yield the tokens of every sentence, a long one in several parts, and whether the sentence ends there.

    Args:
        source: a file, compressed if its suffix is .gz, .bz2, .xz or .zst; "-" for standard input; an open binary
            stream; or an iterable of lists of tokens. Text is UTF-8; a byte-order mark is skipped.
        tokenize: see `tf_emb.corpus.tokenizers.tokenizer`; not applied to lists of tokens.
        argument: the caller's name for `source`, for error messages.

    Raises:
        ValueError: `source` cannot be read, is not UTF-8, or holds sentences that are not lists.
    """
    if isinstance(source, str | os.PathLike) or hasattr(source, "read"):
        yield from _lines(_text(cast(Text, source), argument), tokenizer(tokenize))
    else:
        for sentence in source:
            if isinstance(sentence, str | bytes):
                raise ValueError(
                    f"`{argument}` must hold lists of tokens; got {sentence[:40]!r}. Split it, or pass a stream."
                )
            yield sentence, True


def _text(source: Text, argument: str) -> Iterator[str]:
    """Yield the text of a file or stream, about 1 MiB at a time."""
    stream, name = _stream(source, argument)
    try:
        with stream as file:
            yield from _decoded(file, argument, name)
    except OSError as error:
        raise ValueError(f"`{argument}` must be a readable file; got {name} ({error.strerror}).") from None


def _stream(source: Text, argument: str) -> tuple[AbstractContextManager[IO[bytes]], str]:
    """Return the stream to read, and its name in messages."""
    if not isinstance(source, str | os.PathLike):
        return nullcontext(source), str(getattr(source, "name", "a stream"))
    if os.fspath(source) == "-":
        return nullcontext(sys.stdin.buffer), "standard input"
    return opened(source, argument=argument), os.fspath(source)


def _decoded(file: IO[bytes], argument: str, name: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    read, start, block = 0, True, b"unread"
    while block:
        block = file.read(PIECE)
        if isinstance(block, str):
            raise ValueError(f"`{argument}` must be open in binary mode; got {name} open as text. Open it with 'rb'.")
        held = len(decoder.getstate()[0])  # first bytes of a character that the last block cut in two
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"`{argument}` must be UTF-8 text; {name} is not ({error.reason} at byte {read - held + error.start}). "
                "Convert it first, for example with iconv."
            ) from None
        read += len(block)
        if text:
            yield text.removeprefix("\ufeff") if start else text
            start = False


def _lines(blocks: Iterable[str], by: Tokenizer) -> Iterator[tuple[Sequence[str], bool]]:
    """Yield the tokens of every line; of a long one, those of each piece as soon as it can be cut off."""
    rest, open_, limit = "", False, PIECE
    for block in blocks:
        first, *lines = block.split("\n")
        rest += first
        if lines:
            *whole, last = lines
            yield from ((_tokens(line, by), True) for line in (rest, *whole))
            rest, open_, limit = last, False, PIECE
        if len(rest) >= limit:
            cut = by.cut(rest)
            limit = PIECE if cut else 2 * len(rest)  # so that the time is linear in the length of a token
            if cut:
                yield _tokens(rest[:cut], by), False
                rest, open_ = rest[cut:], True
    if rest or open_:
        yield _tokens(rest, by), True


def _tokens(line: str, by: Tokenizer) -> Sequence[str]:
    tokens = by.tokens(line.rstrip("\r"))
    return tokens if isinstance(tokens, list) else list(tokens)
