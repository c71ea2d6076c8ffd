"""Text files, one sentence a line, as lists of tokens."""

from collections.abc import Iterator

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
    """Return the 300 news documents that gensim ships (Lee, Pincombe and Welsh 2005), tokenised."""
    from gensim.test.utils import datapath

    return list(read_sentences(datapath("lee_background.cor"), "letters"))
