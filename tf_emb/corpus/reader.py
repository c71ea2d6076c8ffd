"""Text files, one sentence a line, as lists of tokens."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tf_emb.corpus.source import Source, parts
from tf_emb.corpus.tokenizers import Tokenize


def read_sentences(path: Source, tokenize: Tokenize = "whitespace") -> Iterator[list[str]]:
    """Yield one list of tokens for every line of UTF-8 text.

    A line is held in memory as a whole; `prepare` reads text of any shape.

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
