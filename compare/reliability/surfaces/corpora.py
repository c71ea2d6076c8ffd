"""Corpora: text as bytes, mutated and compressed; sentences as Python objects; and options of a training."""

import bz2
import functools
import gzip
import io
import lzma
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from compare.reliability.surface import Surface
from tf_emb.corpus import EncodedCorpus, encode_corpus, prepare, read_sentences
from tf_emb.corpus.source import PIECE
from tf_emb.corpus.tokenizers import tokenizer
from tf_emb.word2vec.options import CHOICES, Options

T = TypeVar("T")

TEXT = "the 猫 sat\n\non the mat\r\nzoë 😀 हिन्दी में\nשָׁלוֹם İstanbul cafe\u0301 a\u200db\n我来到北京。Ω 3 <unk> </s>\n" * 4
BYTES = (
    b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\r", b"\r\n", b"\n\n\n", b"\xc0\x80", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b\x0c\x1c", b"\x1b[31m", b" " * 99, b"\xe7\x8c",
    b"\xcc\x81",
    b"a" * 5000, b"\xef\xbb\xbf" * 5, b"\xf0\x9f\x98", "İΣ\u0345".encode(), b"\xe2\x80\x8d", b"\xc2\xad",
)  # fmt: skip
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
TOKENIZERS: tuple[Any, ...] = ("whitespace", "characters", "letters", str.split, lambda line: line.lower().split(","))
ERRORS = ("strict", "strict", "strict", "replace", "ignore", "backslashreplace", "surrogateescape")
JIEBA_EVERY = 50


def pick(random: np.random.Generator, choices: Sequence[T]) -> T:
    """Return one of the choices."""
    return choices[int(random.integers(len(choices)))]


def spliced(random: np.random.Generator, data: bytes) -> bytes:
    """Return bytes with something put in, or in place of others."""
    at, end = sorted(random.integers(len(data) + 1, size=2).tolist())
    return data[:at] + pick(random, BYTES) + data[at if random.random() < 0.5 else end :]


def flipped(random: np.random.Generator, data: bytes) -> bytes:
    """Return bytes with some of them exchanged for any."""
    found = bytearray(data)
    for at in random.integers(len(data), size=random.integers(1, 9)) if data else ():
        found[at] = random.integers(256)
    return bytes(found)


def cut(random: np.random.Generator, data: bytes) -> bytes:
    """Return the beginning."""
    return data[: random.integers(len(data) + 1)]


def characters(random: np.random.Generator, data: bytes) -> bytes:
    """Return characters of any of Unicode's classes, and some bytes."""
    codes = random.integers(0x110000 if random.random() < 0.5 else 0x3000, size=random.integers(1, 200))
    return (
        "".join(" \n"[code % 2] if code % 7 == 0 else chr(code) for code in codes).encode("utf-8", "ignore") + data[:40]
    )


def noise(random: np.random.Generator, data: bytes) -> bytes:
    """Return bytes that are no text."""
    return random.bytes(int(random.integers(300)))


def repeated(random: np.random.Generator, data: bytes) -> bytes:
    """Return one of the odd things very often, up to 4 MiB of it."""
    if random.random() < 0.95:
        return pick(random, BYTES) * int(random.integers(1, 300)) + data
    return pick(random, BYTES)[:1] * int(random.integers(1 << 20, 1 << 22))


MUTATIONS = (spliced, spliced, spliced, flipped, cut, characters, noise, repeated)


def make_bytes(random: np.random.Generator, folder: Path) -> dict[str, Any]:
    """Write a corpus, and return how to read it."""
    loaded()
    data = TEXT.encode()
    for _ in range(random.integers(1, 4)):
        data = pick(random, MUTATIONS)(random, data)
    suffix = pick(random, ("", "", "", ".txt", *COMPRESSORS))
    if suffix in COMPRESSORS:
        data = COMPRESSORS[suffix](data)
        if random.random() < 0.5:
            data = pick(random, (flipped, cut, spliced))(random, data)
        suffix = "" if random.random() < 0.3 else suffix
    path = folder / f"corpus{suffix}"
    path.write_bytes(data)
    sparse = len(data) < 2000 and random.integers(JIEBA_EVERY) == 0
    return {"path": path, "tokenize": "jieba" if sparse else pick(random, TOKENIZERS), "errors": pick(random, ERRORS)}


@functools.cache
def loaded() -> None:
    """Load the dictionary of jieba."""
    tokenizer("jieba").tokens("我")


def use_bytes(given: dict[str, Any]) -> None:
    """Prepare, encode and read a corpus; whatever is accepted is all there."""
    path, by = given["path"], {"tokenize": given["tokenize"], "errors": given["errors"]}
    corpus = prepare(path, min_count=1, **by)
    check(corpus, list(read_sentences(path, **by)))
    check(encode_corpus(path, corpus.vocabulary, **by), list(sentences(corpus)))
    check_against_whole_lines(path, given, list(sentences(corpus)))


def check_against_whole_lines(path: Path, given: dict[str, Any], found: list[list[str]]) -> None:
    """Compare with the tokenizer's own output for every line, of a file that is not compressed."""
    data = path.read_bytes()
    if any(data.startswith(magic) for magic in (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        return
    lines = [line.lstrip("\ufeff") for line in data.decode("utf-8", given["errors"]).split("\n")]
    if not lines[-1]:
        lines.pop()
    if callable(given["tokenize"]) and max(map(len, lines), default=0) > PIECE:
        return  # a function gets a long line in parts
    by = tokenizer(given["tokenize"])
    expected = [list(by.tokens(line.rstrip("\r"))) for line in lines]
    if found != expected:
        raise AssertionError("tokens differ from the tokenizer's own")


def sentences(corpus: EncodedCorpus) -> Iterator[list[str]]:
    """Yield the sentences of ids as words."""
    sentence: list[str] = []
    for word in corpus.ids.tolist():
        if word < 0:
            yield sentence
            sentence = []
        else:
            sentence.append(corpus.vocabulary.words[word])


def check(corpus: EncodedCorpus, expected: list[list[str]]) -> None:
    """Compare a corpus, and its counts, with its sentences."""
    words = sum(map(len, expected))
    counts = (corpus.raw_words, corpus.known_words, int(corpus.vocabulary.counts.sum()), corpus.sentences)
    if counts != (words, words, words, len(expected)):
        raise AssertionError(f"counts do not add up: {counts} for {words} words in {len(expected)} sentences")
    if list(sentences(corpus)) != expected:
        raise AssertionError("ids are not those of the sentences")


class Word(str):
    """A string of a subclass, which hides its text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\x1b[31m\n"

    def __str__(self) -> str:
        return "hidden"

    def __hash__(self) -> int:
        return 7


VALUES: tuple[Callable[[], Any], ...] = (
    lambda: float("nan"), lambda: None, lambda: 5, lambda: 1.5, lambda: True, lambda: 10**5000, lambda: "a", lambda: "",
    lambda: "a b\n", lambda: "\ud800", lambda: "a\0", lambda: "\x1b[31m", lambda: b"a", lambda: bytearray(b"a"),
    dict,
    lambda: {"a": ["b"]}, lambda: {"a"}, lambda: ["a", "b"], lambda: ("a",), list, lambda: [["a"], ["b"]],
    lambda: np.array(["a", "b"]), lambda: np.array([["a", "b"], ["c", "d"]]), lambda: np.array([b"a"]),
    lambda: np.eye(2),
    lambda: np.array(3), lambda: np.array("a"), lambda: np.array(["a", None], object), lambda: np.str_("a"),
    lambda: Word("a"), lambda: [Word("b"), "b"], lambda: (word for word in ("a", "b")), lambda: iter([]),
    lambda: range(3),
    lambda: io.BytesIO(b"a b"), lambda: io.StringIO("a"), lambda: Fraction(1, 3), lambda: 1j, lambda: object(),
    lambda: Options, lambda: np.float32("nan"), lambda: np.datetime64("NaT"), lambda: "x" * 10_000, lambda: -1,
    lambda: 2**31, lambda: 2**32 - 1, lambda: 2**63, lambda: 1e300, lambda: 1e-300, lambda: float("inf"),
    lambda: np.int8(3),
    lambda: np.bool_(True), lambda: np.array([1]), lambda: 10**400, lambda: -0.0, lambda: 1, lambda: 7, lambda: 0.5,
)  # fmt: skip


def value(random: np.random.Generator) -> Any:
    """Return something."""
    return pick(random, VALUES)()


def make_objects(random: np.random.Generator, folder: Path) -> Any:
    """Return sentences with something odd among them, or something else altogether."""
    if random.random() < 0.1:
        return value(random)
    text: list[Any] = [["a", "b", "c"], ["b"], [], ("c", "d")] * int(random.integers(1, 4))
    for _ in range(random.integers(0, 3)):
        at = int(random.integers(len(text)))
        text[at] = value(random) if random.random() < 0.5 else [*("x", "y"), value(random)]
    forms: tuple[Callable[[Any], Any], ...] = (list, list, tuple, iter, lambda of: (one for one in of))
    form = pick(random, forms)
    return form(text)


def use_objects(given: Any) -> None:
    """Prepare sentences, and encode them."""
    if isinstance(given, str):  # the name of a file
        given = [given]
    corpus = prepare(given, min_count=1)
    found = list(sentences(corpus))
    check(corpus, found)
    if any(type(word) is not str for word in corpus.vocabulary.words):
        raise AssertionError("a word is not a plain string")
    if isinstance(given, list):  # what can be read twice
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = len(given)
        if corpus.sentences != expected:
            raise AssertionError(f"{corpus.sentences} sentences of {expected}")


def make_options(random: np.random.Generator, folder: Path) -> dict[str, Any]:
    """Return values for some options, or for all of them."""
    names = [field.name for field in fields(Options)]
    chosen = random.permutation(names)[: random.integers(1, 4 if random.random() < 0.7 else len(names) + 1)]
    return {str(name): option(random, str(name)) for name in chosen}


def option(random: np.random.Generator, name: str) -> Any:
    """Return a value for an option: often one that could be right."""
    if name in CHOICES and random.random() < 0.6:
        return pick(random, CHOICES[name])
    return int(random.integers(1, 9)) if random.random() < 0.3 else value(random)


def use_options(given: dict[str, Any]) -> None:
    """Make options; those that are accepted are plain values that make the same options again."""
    options = Options(**given)
    values = options.as_dict()
    if any(type(one) not in (int, float, str, bool, type(None)) for one in values.values()):
        raise AssertionError("an option is not a plain value")
    if Options(**values) != options or not options.start_rate > 0:
        raise AssertionError("options do not make themselves again")


SURFACES = [
    Surface("corpora as bytes", make_bytes, use_bytes),
    Surface("corpora as objects", make_objects, use_objects),
    Surface("options", make_options, use_options),
]
