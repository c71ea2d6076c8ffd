"""Text from files and streams, read in pieces of bounded size, as tokens. A line is a sentence, however long."""

import codecs
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from itertools import repeat
from pathlib import Path
from typing import IO, Any, cast

from tf_emb.corpus.checks import shown
from tf_emb.corpus.lines import lines_of
from tf_emb.corpus.sentences import sentences_of
from tf_emb.corpus.tokenizers import Tokenize, tokenizer
from tf_emb.files import opened, printable

Text = str | os.PathLike[str] | IO[bytes]
Source = Text | Iterable[Sequence[str]]
PIECE = 1 << 20  # bytes per read; a line of more characters is cut
MOST = 1 << 24  # bytes that a compressed file may inflate to, whatever its size
ERRORS = ("strict", "replace", "ignore", "backslashreplace", "surrogateescape")


def read_sentences(path: Source, tokenize: Tokenize = "whitespace", *, errors: str = "strict") -> Iterator[list[str]]:
    """Yield one list of tokens for every line of UTF-8 text.

    A whole line is held in memory; `prepare` reads text of any shape.

    Args:
        path: a file, compressed or not, "-" for standard input, or an open binary stream; see `prepare`.
        tokenize: the name of a tokenizer, or a function from a line to its tokens.
        errors: see `prepare`.

    Raises:
        ValueError: `path` is not readable UTF-8 text.
    """
    sentence: list[str] = []
    for tokens, ends in parts(path, tokenize, "path", errors=errors):
        sentence += tokens
        if ends:
            yield sentence
            yield from ([] for _ in range(ends - 1))
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
    source: Source, tokenize: Tokenize = "whitespace", argument: str = "source", *, errors: str = "strict"
) -> Iterator[tuple[Sequence[str], int]]:
    """Yield the tokens of every sentence, a long one in several parts, and the number of sentences that end there.

    A line feed ends a sentence, and nothing else does; a lone carriage return or U+2028 is white space. More than one
    sentence ends after the tokens where blank lines follow. A byte-order mark at the beginning of a line, as in files
    that were joined, is skipped.

    Args:
        source: a file, compressed if its suffix is .gz, .bz2, .xz or .zst or its first bytes say so; "-" for standard
            input; an open binary stream; or an iterable of lists of tokens. Text is UTF-8. A named pipe is waited for.
        tokenize: see `tf_emb.corpus.tokenizers.tokenizer`; not applied to lists of tokens.
        argument: the caller's name for `source`, for error messages.
        errors: what becomes of bytes that are not UTF-8: "strict", "replace", "ignore", "backslashreplace" or
            "surrogateescape", as in `open`.

    Raises:
        ValueError: `source` cannot be read, is not UTF-8, holds the character 0 (where errors are strict), or 2,097,152
            characters without a place to cut, such as white space; or sentences that are not lists of strings.
    """
    by = tokenizer(tokenize)
    if errors not in ERRORS:
        raise ValueError(f"`errors` must be one of {', '.join(ERRORS)}; got {shown(errors)}. Choose one.")
    if isinstance(source, str | os.PathLike) or hasattr(source, "read"):
        text = _text(cast(Text, source), argument, errors)
        yield from lines_of(text, by, PIECE, every=callable(tokenize), argument=argument)
    else:
        yield from zip(sentences_of(source, argument), repeat(1))


def _text(source: Text, argument: str, errors: str) -> Iterator[str]:
    """Yield the text of a file or stream, about 1 MiB at a time."""
    name = printable(_name(source, argument))
    try:
        with _stream(source, argument) as file:
            yield from _decoded(file, argument, name, errors)
    except OSError as error:
        why = error.strerror or printable(error)
        raise ValueError(f"`{argument}` must be a readable file; got {name} ({why}). Name a text file.") from None


def _name(source: Text, argument: str) -> str:
    """Return what messages call a source.

    Raises:
        ValueError: it is a path that no file can have, or a stream that is closed.
    """
    if not isinstance(source, str | os.PathLike):
        if getattr(source, "closed", False) is True:
            raise ValueError(f"`{argument}` must be an open stream; got {shown(source)}, which is closed. Open it.")
        name = getattr(source, "name", None)
        return name if isinstance(name, str) else "a stream"
    path = os.fspath(source)
    if path == "-":
        return "standard input"
    try:
        if b"\0" in os.fsencode(path):
            raise UnicodeError
    except UnicodeError:
        raise ValueError(f"`{argument}` must be the name of a file; got {shown(path)}. Correct it.") from None
    return os.fsdecode(path)


def _stream(source: Text, argument: str) -> AbstractContextManager[IO[bytes]]:
    if not isinstance(source, str | os.PathLike):
        return nullcontext(source)
    if os.fspath(source) == "-":
        return nullcontext(sys.stdin.buffer)
    return opened(os.fsdecode(source), argument=argument, most=MOST)


def _decoded(file: IO[bytes], argument: str, name: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    read, block = 0, b"unread"
    while block:
        block = _read(file, argument, name)
        held = len(decoder.getstate()[0])  # first bytes of a character that the last block cut in two
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"`{argument}` must be UTF-8 text; {name} is not ({error.reason} at byte {read - held + error.start}). "
                "Convert it first, for example with iconv, or pass errors='replace'."
            ) from None
        if errors == "strict" and (at := block.find(0)) >= 0:
            raise ValueError(
                f"`{argument}` must be text; {name} has the character 0 at byte {read + at}. "
                "Convert it from UTF-16 if it is that, for example with iconv, or pass errors='replace'."
            )
        read += len(block)
        yield text


def _read(file: Any, argument: str, name: str) -> bytes:
    block = file.read(PIECE)
    if isinstance(block, str):
        raise ValueError(f"`{argument}` must be open in binary mode; got {name} open as text. Open it with 'rb'.")
    if not isinstance(block, bytes | bytearray):
        raise ValueError(f"`{argument}` must give bytes; got {shown(block)} from {name}. Open a file with 'rb'.")
    return bytes(block)
