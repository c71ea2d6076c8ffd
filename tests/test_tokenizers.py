"""Tokenizers by name."""

import subprocess
import sys
import typing
from pathlib import Path

import pytest

from tf_emb.corpus.tokenizers import Name, tokenizer

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("whitespace", " The\tcat's 猫\u3000sat. ", ["The", "cat's", "猫", "sat."]),
        ("characters", " 我爱 zoë\u3000！", ["我", "爱", "z", "o", "ë", "！"]),
        ("letters", "It's 3 o'Clock", ["it", "s", "o", "clock"]),
        ("jieba", "我爱北京天安门。 The cat", ["我", "爱", "北京", "天安门", "。", "The", "cat"]),
    ],
)
def test_tokens_by_name(name: Name, line: str, expected: list[str]) -> None:
    by = tokenizer(name)
    assert list(by.tokens(line)) == expected
    assert list(by.tokens("")) == []


def test_jieba_is_silent() -> None:
    program = "from tf_emb.corpus.tokenizers import tokenizer; print(len(tokenizer('jieba').tokens('我爱北京')))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("3\n", "")


@pytest.mark.parametrize(
    ("name", "text", "cut"),
    [
        ("whitespace", "ab cd\u3000ef", 6),
        ("whitespace", "ab ", 3),
        ("whitespace", "ab", 0),
        ("whitespace", " ab", 1),
        ("letters", "a-b c", 4),
        ("characters", "猫sat", 4),
        ("jieba", "我爱，北京", 3),
        ("jieba", "我爱 a.b", 3),
        ("jieba", "我爱北京", 0),
        ("jieba", "我爱。", 3),
    ],
)
def test_the_last_place_to_cut(name: Name, text: str, cut: int) -> None:
    assert tokenizer(name).cut(text) == cut


def test_every_name_there_is_has_a_tokenizer() -> None:
    for name in typing.get_args(Name):
        assert list(tokenizer(name).tokens("a")) == ["a"]


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    message = r"^`tokenize` must be one of whitespace, characters, letters, jieba or a function; got 'words'\."
    with pytest.raises(ValueError, match=message):
        tokenizer("words")  # type: ignore[arg-type]


def test_jieba_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(ModuleNotFoundError, match=r"extra `zh`: pip install 'tf-emb\[zh\]'"):
        tokenizer("jieba")
