"""`tf-emb eval | similar | convert`, as their users see them."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from gensim.test.utils import datapath
from typer.testing import CliRunner, Result

from tf_emb.cli import app
from tf_emb.commands.vectors import spelled_alike
from tf_emb.evaluate import analogies, word_pairs
from tf_emb.vectors import Vectors, load_vectors, save_vectors

WORDS = ["man", "king", "woman", "queen", "boy", "Paris", "boys"]
TABLE = np.array(
    [[1, 0, 0.1], [1, 1, 0.1], [-1, 0, 0.1], [-0.6, 0.8, 0.1], [0.9, -0.2, 0], [0, 0, 1], [0.8, -0.3, 0.1]]
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_vectors(tmp_path / "w.npz", Vectors(WORDS, TABLE, {"count": np.arange(7)[::-1]}))
    return tmp_path / "w.npz"


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, list(map(str, arguments)))


def refused(*arguments: object) -> str:
    """Return the one line of a command that ends with status 2."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("tf-emb: ")
    return result.stderr


def test_similar_takes_several_words_and_takes_words_away(path: Path) -> None:
    result = run("similar", path, "king", "woman", "--minus", "man", "--minus", "boy", "--top", 2)
    assert result.exit_code == 0
    expected = load_vectors(path).most_similar(["king", "woman"], ["man", "boy"], topn=2)
    assert result.stdout == "".join(f"{cosine:7.4f}  {word}\n" for word, cosine in expected)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["paris"], r"`WORD` must be one of the 7 words of .*w\.npz; got 'paris'\. Is it 'Paris'\?"),
        (["king", "womann"], r"got 'womann'\. Is it 'woman' or 'man'\?"),
        (["king", "--minus", "kng"], r"`--minus` must be one of .*; got 'kng'\. Is it 'king'\?"),
        (["zebra"], r"got 'zebra'\.$"),
    ],
)
def test_an_unknown_word_is_refused_with_those_spelled_alike(path: Path, arguments: list[str], said: str) -> None:
    assert re.search(said, refused("similar", path, *arguments))


def test_words_that_differ_in_case_come_first_and_three_at_most() -> None:
    assert spelled_alike("US", ["uss", "us", "use", "Us", "bus", "U"]) == ["us", "Us", "U"]
    assert spelled_alike("word", ["words", "sword", "world", "lord", "WORD"])[0] == "WORD"
    assert len(spelled_alike("word", ["words", "sword", "world", "lord", "WORD"])) == 3


def test_convert_says_what_it_wrote_and_what_was_lost(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "w.txt.gz"
    result = run("convert", path, target)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.replace("\n", " ").startswith(
        f"7 vectors of 3 numbers written to {target} The counts of {path}"
    )
    assert load_vectors(target).index_to_key == WORDS
    kept = run("convert", path, tmp_path / "w.safetensors").stdout
    assert kept.strip() == f"7 vectors of 3 numbers written to {tmp_path / 'w.safetensors'}"


def test_convert_refuses_before_it_reads_and_leaves_nothing(path: Path, tmp_path: Path) -> None:
    assert "`path` must end in one of" in refused("convert", tmp_path / "none.bin", tmp_path / "w.xyz")
    assert "none.bin" in refused("convert", tmp_path / "none.bin", tmp_path / "w.txt")
    save_vectors(tmp_path / "odd.npz", Vectors(["new york"], [[1]]))
    assert "'new york' in row 0" in refused("convert", tmp_path / "odd.npz", tmp_path / "w.txt")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["odd.npz", "w.npz"]


def test_a_missing_extra_is_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "backports", None)
    assert "pip install 'tf-emb[zst]'" in refused("convert", path, path.with_name("w.bin.zst"))


def lines(*arguments: object) -> list[str]:
    result = run("eval", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(map(len, result.stdout.splitlines())) <= 80
    return [" ".join(line.split()) for line in result.stdout.splitlines() if line.strip()]


def test_eval_prints_every_figure_with_what_it_covers(path: Path, tmp_path: Path) -> None:
    pairs, questions = tmp_path / "pairs.tsv", tmp_path / "questions.txt"
    pairs.write_text("man\tboy\t9\nking\tqueen\t5\nwoman\tqueen\t7\nman\tzebra\t1\n")
    questions.write_text(
        ": [b]royal\nman king woman queen\nwoman queen man king\nman king woman boy\nman king woman zebra\n"
        ": none\na b c d\n"
    )
    found = lines(path, "--pairs", pairs, "--analogies", questions)
    score = word_pairs(load_vectors(path), pairs)
    assert f"pairs.tsv {score.spearman:.3f} {score.pearson:.3f} 3 of 4" in found
    royal, none = analogies(load_vectors(path), questions).sections
    assert f"[b]royal {royal.accuracy:.1%} 3 of 4" in found
    assert 0 < royal.correct < royal.covered == 3
    assert "none - 0 of 1" in found
    assert f"total {royal.accuracy:.1%} 3 of 5" in found
    assert none.covered == 0
    alone = lines(path, "--pairs", pairs, "--pairs", pairs)
    assert not any("questions" in line for line in alone)
    assert sum("pairs.tsv" in line for line in alone) == 2
    assert not any("Spearman" in line for line in lines(path, "--analogies", questions))


def test_eval_takes_the_sets_that_gensim_ships(path: Path) -> None:
    found = lines(path)
    assert [line.split()[0] for line in found if " of " in line][:2] == ["wordsim353.tsv", "simlex999.txt"]
    total = analogies(load_vectors(path), datapath("questions-words.txt")).total
    assert f"total {total.accuracy:.1%} {total.covered} of 19,544" in found
    assert "questions-words.txt, among 7 words correct questions covered" in found


def test_eval_asks_among_the_first_words_only(path: Path, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text(": royal\nman king woman queen\n")
    assert "total - 0 of 1" in lines(path, "--analogies", tmp_path / "q.txt", "--vocab", 3)
    assert any("among 3 words" in line for line in lines(path, "--analogies", tmp_path / "q.txt", "--vocab", 3))


def test_eval_of_no_question_has_no_number(path: Path, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("")
    assert "total - 0 of 0" in lines(path, "--analogies", tmp_path / "q.txt")


def test_eval_refuses_what_it_cannot_read(path: Path, tmp_path: Path) -> None:
    assert "none.bin" in refused("eval", tmp_path / "none.bin")
    assert "`path` must be a readable file" in refused("eval", path, "--pairs", tmp_path / "none")
    (tmp_path / "q.txt").write_text("man king\n")
    assert "in line 1" in refused("eval", path, "--analogies", tmp_path / "q.txt")


def test_help_names_the_formats() -> None:
    text = run("convert", "--help").stdout
    assert all(suffix in text for suffix in (".txt", ".vec", ".bin", ".glove", ".npz", ".safetensors", ".gz", ".zst"))


def test_words_are_shown_and_do_not_steer_the_terminal(tmp_path: Path) -> None:
    odd = "\x1b]52;c;aGk=\x07[bold]"
    save_vectors(tmp_path / "w.npz", Vectors(["king", odd, "nil"], [[1, 2], [1, 1], [0, 0]]))
    result = run("similar", tmp_path / "w.npz", "king")
    assert result.stdout.splitlines() == [" 0.9487  \\x1b]52;c;aGk=\\x07[bold]"]  # and nothing of the row of zeros
    assert "must have a direction" in refused("similar", tmp_path / "w.npz", "nil")
    (tmp_path / "q.txt").write_text(f": {odd}\nking king king king\n")
    (tmp_path / "\x1bp.txt").write_text("king nil 1\n")
    text = run("eval", tmp_path / "w.npz", "--analogies", tmp_path / "q.txt", "--pairs", tmp_path / "\x1bp.txt").stdout
    assert "\x1b" not in text
    assert "\\x1b]52;c;aGk=\\x07[bold]" in text


def test_labels_that_are_not_utf8_have_an_option(tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_bytes(b"2 1\nna\xefve 1\nb 2\n")
    assert "errors='replace' reads it all the same" in refused("similar", tmp_path / "w.txt", "b")
    assert "na\ufffdve" in run("similar", tmp_path / "w.txt", "b", "--errors", "replace").stdout
    assert "2 vectors" in run("convert", tmp_path / "w.txt", tmp_path / "v.bin", "--errors", "ignore").stdout
    assert "`errors` must be one of" in refused("similar", tmp_path / "w.txt", "b", "--errors", "x")


def test_convert_leaves_what_it_reads(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    (tmp_path / f"link{path.suffix}").symlink_to(path)
    for target in (path, tmp_path / f"link{path.suffix}"):
        assert "must be another file than what is read" in refused("convert", path, target)
    assert "does not exist" in refused("convert", path, tmp_path / "none" / "w.txt")
    assert path.read_bytes() == before
