"""Text from files and streams: compressed or not, in lines or in one, in pieces that cut nothing."""

import bz2
import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from tf_emb.corpus import read_sentences, source
from tf_emb.corpus.tokenizers import Tokenizer, after_white_space, tokenizer

TEXT = "the 猫 sat\n\non the mat\r\nzoë 😀\n"
SENTENCES = [["the", "猫", "sat"], [], ["on", "the", "mat"], ["zoë", "😀"]]
COMPRESSORS = {".txt": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd.compress}


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_the_suffix_tells_the_compressor(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"corpus{suffix}"
    path.write_bytes(COMPRESSORS[suffix](TEXT.encode()))
    assert list(read_sentences(path)) == SENTENCES
    with path.open("ab") as file:  # gzip and the others allow files one after another
        file.write(COMPRESSORS[suffix](b"more"))
    assert list(read_sentences(str(path))) == [*SENTENCES, ["more"]]


def test_a_function_sees_lines_without_their_ends() -> None:
    seen: list[str] = []
    found = list(read_sentences(io.BytesIO(b"a b\r\nc \r\r\n\nd\r"), lambda line: seen.append(line) or iter(line)))
    assert seen == ["a b", "c ", "", "d"]
    assert found == [["a", " ", "b"], ["c", " "], [], ["d"]]


def test_a_capital_suffix_is_one_too(tmp_path: Path) -> None:
    (tmp_path / "A.GZ").write_bytes(gzip.compress(b"a b"))
    assert list(read_sentences(tmp_path / "A.GZ")) == [["a", "b"]]


@pytest.mark.parametrize("suffix", [suffix for suffix in COMPRESSORS if suffix != ".txt"])
def test_a_file_that_is_cut_short_or_another_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"corpus{suffix}"
    whole = COMPRESSORS[suffix](TEXT.encode() * 10)
    for content in (whole[: len(whole) // 2], b"no such thing, but text\n"):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=rf"^`path` must be a whole {suffix} file by its suffix; got .*\. Fetch it"
        ):
            list(read_sentences(path))


def test_zstandard_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zst").write_bytes(zstd.compress(b"a"))
    monkeypatch.setitem(sys.modules, "backports", None)
    with pytest.raises(ModuleNotFoundError, match=r"extra `zst`: pip install 'tf-emb\[zst\]'"):
        list(read_sentences(tmp_path / "a.zst"))


def test_streams_and_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(read_sentences(io.BytesIO(TEXT.encode()))) == SENTENCES
    for dash in ("-", Path("-")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
        assert list(read_sentences(dash)) == SENTENCES
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    with pytest.raises(ValueError, match="`path` must be UTF-8 text; standard input is not"):
        list(read_sentences("-"))


def test_a_stream_may_give_less_than_it_is_asked_for() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(1)

    assert list(read_sentences(Slow(TEXT.encode()))) == SENTENCES


def test_lists_of_tokens_are_taken_as_they_are() -> None:
    given_ = [["new york", ""], [], ("a",)]
    assert list(read_sentences(iter(given_))) == [["new york", ""], [], ["a"]]


@pytest.mark.parametrize("wrong", [["the cat sat"], [b"the cat"]])
def test_strings_are_not_lists_of_tokens(wrong: list[str]) -> None:
    with pytest.raises(
        ValueError, match=r"^`source` must hold lists of tokens; got b?'the cat.*' for sentence 1\. Split it"
    ):
        list(source.parts(wrong))


def test_a_stream_open_as_text_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^`path` must be open in binary mode; got a stream open as text"):
        list(read_sentences(io.StringIO(TEXT)))  # type: ignore[arg-type]


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1 << 20])
@pytest.mark.parametrize(
    ("text", "byte"),
    [(b"ab\ncaf\xe9 au lait", 6), (b"\xef\xbb\xbfab \xff", 6), ("猫".encode() * 3 + "猫".encode()[:2], 9)],
    ids=["latin-1", "after a mark", "cut character"],
)
def test_an_error_names_the_byte_wherever_the_reads_fall(
    monkeypatch: pytest.MonkeyPatch, piece: int, text: bytes, byte: int
) -> None:
    monkeypatch.setattr(source, "PIECE", piece)
    with pytest.raises(ValueError, match=rf"^`source` must be UTF-8 text; a stream is not \(.* at byte {byte}\)\."):
        list(source.parts(io.BytesIO(text)))


def whole_lines(text: str, by: Tokenizer) -> list[list[str]]:
    """Return the tokens of every line, each taken as a whole: what pieces must come to."""
    lines = [line.lstrip("\ufeff") for line in text.split("\n")]
    return [list(by.tokens(line.rstrip("\r"))) for line in (lines if lines[-1] else lines[:-1])]


def joined(text: str, tokenize: str) -> list[list[str]]:
    sentences: list[list[str]] = [[]]
    for tokens, ends in source.parts(io.BytesIO(text.encode()), tokenize):
        sentences[-1] += tokens
        if ends:
            sentences += [[] for _ in range(ends)]
    assert sentences.pop() == []  # the last sentence ended
    return sentences


LETTERS = st.text(st.sampled_from(" \n\r\t\u3000\u00a0aΣß猫😀,.。1\ufeff"), max_size=60)


@pytest.mark.parametrize("tokenize", ["whitespace", "characters", "letters"])
@given(text=LETTERS, piece=st.integers(1, 9))
def test_pieces_of_any_size_give_the_tokens_of_whole_lines(tokenize: str, text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "PIECE", piece)
        assert joined(text, tokenize) == whole_lines(text, tokenizer(tokenize))  # type: ignore[arg-type]


CHINESE = (
    "我来到北京清华大学，他来到了网易杭研大厦。小明 graduated 2.5% 硕士C++\t毕业于中国科学院计算所！乒乓球拍卖完了"
)


@pytest.mark.parametrize("piece", [1, 2, 7, 20])
def test_pieces_for_jieba_never_part_a_word(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    text = (CHINESE + "。") * 3 + CHINESE
    expected = whole_lines(text, tokenizer("jieba"))
    monkeypatch.setattr(source, "PIECE", piece)
    assert joined(text, "jieba") == expected
    assert len(list(source.parts(io.BytesIO(text.encode()), "jieba"))) > 10  # in pieces they came


def test_a_long_line_comes_in_pieces_and_a_short_one_never_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PIECE", 10)
    short, long = "aa bb cc\n" * 5, "aa bb cc " * 5
    assert [ends for _, ends in source.parts(io.BytesIO(short.encode()))] == [True] * 5
    found = [ends for _, ends in source.parts(io.BytesIO(long.encode()))]
    assert len(found) > 3
    assert found == [False] * (len(found) - 1) + [True]


def test_a_token_longer_than_a_piece_stays_whole_and_takes_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []
    by = Tokenizer(str.split, lambda text: searched.append(len(text)) or after_white_space(text))
    monkeypatch.setattr(source, "PIECE", 10)
    monkeypatch.setattr(source, "tokenizer", lambda _: by)
    assert joined("a " + "b" * 10_000 + " c", "whitespace") == [["a", "b" * 10_000, "c"]]
    assert sum(searched) < 4 * 10_000  # twice the length in all, by doubling; a search a piece would be 5,000,000
