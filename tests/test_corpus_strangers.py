"""What strangers give as a corpus: every kind of object and file ends in a corpus that is right, or in one line."""

import gzip
import io
import os
import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compare.reliability.surfaces.corpora import SURFACES
from compare.reliability.verdict import judged, made
from tf_emb.corpus import Vocabulary, encode_corpus, lines, prepare, read_sentences, skipgram_draws, source
from tf_emb.corpus.tokenizers import tokenizer, words
from tf_emb.methods.ngram import language_vocabulary, train_ngram
from tf_emb.word2vec import Options, start_tables


class Colour(str, Enum):  # noqa: UP042 - StrEnum hashes as its text, this one as its name
    RED = "red"


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_made_up_inputs_end_right(surface: Any) -> None:
    for number in range(100):
        with made(surface, number, 0) as (given, folder):
            verdict = judged(surface, given, folder)
        assert verdict.kind != "wrong", (number, verdict.said)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("cafe\u0301 nai\u0308ve", ["cafe\u0301", "nai\u0308ve"]),
        ("İstanbul İZMİR", ["i̇stanbul", "i̇zmi̇r"]),
        ("שָׁלוֹם, مُحَمَّد", ["שָׁלוֹם", "مُحَمَّد"]),
        ("می\u200cخواهم a\u200d \u200cb", ["می\u200cخواهم", "a", "b"]),
        ("co\u00adoperate", ["cooperate"]),
        ("\u0301a -\u0301b 1\ufe0f\u20e3", ["a", "b"]),
    ],
)
def test_a_combining_mark_belongs_to_its_word(line: str, expected: list[str]) -> None:
    assert words(line) == expected


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([["a"], float("nan")], "lists of tokens; got nan for sentence 2"),
        ([["a"], None], "lists of tokens; got None for sentence 2"),
        ([["a"], 5], "lists of tokens; got 5"),
        ([["a"], {"a": 1}], "lists of tokens; got {'a': 1}"),
        ([["a"], {"a"}], "lists of tokens; got {'a'}"),
        ([[["a", "b"]]], "lists of strings; got ['a', 'b'] in sentence 1"),
        ([["a", float("nan")]], "lists of strings; got nan"),
        (np.eye(2), "lists of strings; got np.float64(1.0)"),
        (np.array(3), "lists of tokens; got array(3)"),
        ({"a": ["b"]}, "lists of tokens; got {'a': ['b']}"),
        (b"a b", "lists of tokens; got b'a b'"),
        (5, "lists of tokens; got 5"),
        ("a\0b", "the name of a file; got 'a\\x00b'"),
        ("\ud800", "the name of a file"),
        (".", "a readable file; got . (Is a directory)"),
    ],
)
def test_what_is_no_corpus_is_refused_in_one_line(wrong: Any, said: str) -> None:
    vocabulary = Vocabulary(("a",), np.array([1]))
    functions: list[Callable[[], Any]] = [
        lambda: prepare(wrong, min_count=1),
        lambda: encode_corpus(wrong, vocabulary),
        lambda: list(read_sentences(wrong)),
    ]
    for function in functions:
        with pytest.raises(ValueError, match=r"^`(source|path)` must ") as error:
            function()
        assert said in str(error.value)
        assert "\n" not in str(error.value)


def test_arrays_of_strings_and_subclasses_are_sentences() -> None:
    assert prepare(np.array([["a", "b"], ["c", "a"]]), min_count=1).vocabulary.words == ("a", "b", "c")
    found = prepare([[Colour.RED, "red", np.str_("x")]], min_count=1).vocabulary
    assert found.words == ("red", "x")
    assert {type(word) for word in found.words} == {str}


def test_an_iterator_that_has_been_read_says_so() -> None:
    once = iter([["a", "b"]])
    prepare(once, min_count=1)
    with pytest.raises(ValueError, match="that was read to its end has none left"):
        prepare(once, min_count=1)
    closed = io.BytesIO(b"a")
    closed.close()
    with pytest.raises(ValueError, match="`source` must be an open stream"):
        prepare(closed)


@pytest.mark.parametrize("wrong", [str.lower, lambda line: None, lambda line: [1], lambda line: [["a"]]])
def test_a_function_that_returns_no_tokens_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^`tokenize` must return a list of"):
        prepare(io.BytesIO(b"A b"), wrong, min_count=1)


@pytest.mark.parametrize("wrong", [None, 3, ["letters"]])
def test_what_is_no_tokenizer_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^`tokenize` must be one of"):
        tokenizer(wrong)


def test_bytes_that_are_not_utf8_have_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"ab caf\xe9\n")
    with pytest.raises(ValueError, match=r"a\.txt is not \(.* at byte 6\)\. .*errors='replace'"):
        prepare(path, min_count=1)
    assert list(read_sentences(path, errors="replace")) == [["ab", "caf\ufffd"]]
    assert prepare(path, min_count=1, errors="ignore").vocabulary.words == ("ab", "caf")
    escaped = prepare(path, min_count=1, errors="surrogateescape").vocabulary
    assert escaped.words[1].encode("utf-8", "surrogateescape") == b"caf\xe9"
    assert encode_corpus(path, escaped, errors="surrogateescape").known_words == 2
    with pytest.raises(ValueError, match=r"^`errors` must be one of strict, "):
        prepare(path, errors="xml")


def test_the_character_0_is_refused_with_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("a b".encode("utf-16-le"))
    with pytest.raises(ValueError, match=r"a\.txt has the character 0 at byte 1\. Convert it from UTF-16"):
        prepare(path)
    assert prepare(path, min_count=1, errors="replace").raw_words == 2


@pytest.mark.parametrize("blanks", [0, 1, 5, 400])
def test_a_mark_of_byte_order_behind_blank_lines_is_no_part_of_a_word(blanks: int) -> None:
    text = "a\n" + "\n" * blanks + "\ufeff\ufeffthe cat\n\n\n\ufeffsat\n"
    found = [tokens for tokens in read_sentences(io.BytesIO(text.encode())) if tokens]
    assert found == [["a"], ["the", "cat"], ["sat"]]


def test_marks_of_files_that_were_joined_are_skipped_and_other_breaks_are_white_space() -> None:
    text = b"\xef\xbb\xbfa b\n\xef\xbb\xbfc\xe2\x80\xa8d\re\n\xef\xbb\xbf\n"
    assert list(read_sentences(io.BytesIO(text))) == [["a", "b"], ["c", "d", "e"], []]


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \n", b"\n \n\n"])
def test_blank_lines_are_counted_and_quick(blank: bytes) -> None:
    text = b"a b" + blank * 2000 + b"c"
    of = prepare(io.BytesIO(text), min_count=1)
    assert of.sentences == text.count(b"\n") + 1
    assert of.ids[[0, 1, -2]].tolist() == [0, 1, 2]
    assert [len(one) for one in read_sentences(io.BytesIO(text))] == [2, *[0] * (text.count(b"\n") - 1), 1]
    assert len(list(source.parts(io.BytesIO(blank * 2000)))) < 100 or blank == b" \n"


def test_a_token_without_an_end_is_refused_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PIECE", 100)
    monkeypatch.setattr(lines, "LONGEST", 1000)
    assert list(read_sentences(io.BytesIO(b"a\n" + b"b" * 1000)))[1] == ["b" * 1000]
    for by in ("whitespace", "letters", "jieba", str.split):
        for text in (b"a\n" + b"b" * 1001, b"a\n" + b"b" * 1001 + b"\nc", b"a\n" + b"b" * 5000):
            with pytest.raises(ValueError, match=r"within 1,000 characters; got none in line 2\."):
                prepare(io.BytesIO(text), by)  # type: ignore[arg-type]


def test_text_that_inflates_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"\n" * (source.MOST + 2**20)))
    with pytest.raises(ValueError, match="must not inflate to more than 200 times"):
        prepare(path)


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"a b\n",), daemon=True)
    writer.start()
    assert prepare(path, min_count=1).vocabulary.words == ("a", "b")


@pytest.mark.parametrize(
    ("words_", "counts"),
    [
        (("a", "a"), [1, 1]),
        (("a",), [1, 2]),
        (("a",), [-1]),
        (("a",), [np.nan]),
        ((1,), [1]),
        ("ab", [1, 2]),
        (("a",), None),
    ],
)
def test_a_vocabulary_holds_distinct_words_and_their_counts(words_: Any, counts: Any) -> None:
    with pytest.raises(ValueError, match=r"^`(words|counts)` must "):
        Vocabulary(words_, counts)


def test_a_text_with_marks_of_its_own_has_one_row_a_token() -> None:
    text = [["the", "<unk>", "sat"], ["a", "cat", "<unk>", "</s>"]] * 5 + [["once", "the", "cat"]]
    known = language_vocabulary(iter(text), min_count=2)
    assert len(set(known.words)) == len(known.words)
    of = dict(zip(known.words, known.counts.tolist(), strict=True))
    assert (of["<unk>"], of["</s>"], of["the"]) == (10 + 1, 11 + 5, 6)
    assert sum(of.values()) == sum(map(len, text)) + len(text)


@pytest.mark.parametrize("seed", [None, "x", -1, 1.5, True, 2**31, 2**32 - 1, 10**400])
def test_a_seed_is_a_whole_number_below_2_to_the_31(seed: Any) -> None:
    calls: list[Callable[[], Any]] = [lambda: start_tables(2, 2, seed), lambda: Options(seed=seed)]
    calls.append(lambda: train_ngram([["a", "b"]], min_count=1, seed=seed))
    for call in calls:
        with pytest.raises(ValueError, match=r"^`seed` must be an integer"):
            call()


def test_draws_beyond_memory_are_refused_and_an_encoded_corpus_gives_the_same() -> None:
    text = [["a", "b", "c"] * 20, ["d"], [], ["b", "d"]]
    of = prepare(text, min_count=1)
    one, other = (
        skipgram_draws(given, of.vocabulary, np.random.default_rng(0), sample=0.1, epochs=2) for given in (text, of)
    )
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("center", "context", "noise"))
    with pytest.raises(ValueError, match=r"at most 8,388,608 pairs, which are held in memory"):
        skipgram_draws(
            [["a", "b"] * 50_000], of.vocabulary, np.random.default_rng(0), sample=0, epochs=10**6, window=50
        )
