"""`tf-emb graph`: what can be refused is refused before the training; signals end it in one line."""

import os
import signal
from contextlib import suppress

import pytest
from typer.testing import CliRunner

from tf_emb.cli import app
from tf_emb.commands.terminal import Ended, ended_by_signals
from tf_emb.methods.graph import node_vectors

EDGES = "a b\nb c\nc a\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command where nothing may be trained."""

    def refuse(*_, **__):
        raise AssertionError("the training began")

    monkeypatch.setattr("tf_emb.commands.graph.one_thread_per_operation", lambda: None)
    monkeypatch.setattr(node_vectors, "random_walks", refuse)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))

    def call(*options, text=EDGES, output="v.bin"):
        (tmp_path / "edges").write_text(text)
        before = sorted(tmp_path.rglob("*"))
        result = CliRunner().invoke(app, ["graph", "edges", "-o", output, *map(str, options)])
        assert sorted(tmp_path.rglob("*")) == before
        assert (tmp_path / "edges").read_text() == text
        return result

    return call


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seed", 2**31], "`seed` must be an integer from 0"),
        (["--length", "9" * 40], "`length` must be an integer from 1 to 2147483647; got 999"),
        (["--walks", 10**9, "--length", 10**6], "must fit in memory"),
        (["--dim", 10**12], "`dim` must be an integer from 1 to 2147483647"),
        (["--dim", 5 * 10**8], "`dim` must be an integer up to 1,048,576; got 500000000"),
        (["--window", "1" * 40], "`window` must be an integer up to"),
        (["--epochs", "1" * 40], "`epochs` must be an integer up to"),
        (["--p", "nan"], "`p` must be positive and finite; got nan"),
        (["--loss", "x"], "`loss` must be one of"),
    ],
)
def test_sizes_are_refused_before_the_training(run, monkeypatch, options, said):
    monkeypatch.setattr("tf_emb.memory.available", lambda: 16 << 30)
    result = run(*options)
    assert result.exit_code == 2
    assert said in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("edges", "must end in one of"),
        ("nowhere/v.bin", "does not exist"),
        ("folder.bin", "is a folder"),
        ("link.txt", "another file than what is read"),
    ],
)
def test_outputs_are_refused_before_the_training(run, tmp_path, output, said):
    (tmp_path / "folder.bin").mkdir()
    (tmp_path / "link.txt").symlink_to("edges")
    result = run(output=output)
    assert result.exit_code == 2
    assert result.stderr.startswith("tf-emb: ")
    assert said in result.stderr.splitlines()[-1]
    assert "nodes" not in result.stderr.splitlines()[0] or len(result.stderr.splitlines()) == 1


def test_names_that_the_format_cannot_carry_and_missing_extras_are_refused_before_the_training(run, monkeypatch):
    result = run(text="a\x0bb c\n")
    assert result.exit_code == 2
    assert r"'a\x0bb'" in result.stderr.splitlines()[-1]
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    monkeypatch.setitem(__import__("sys").modules, "safetensors.numpy", None)
    result = run(output="v.safetensors")
    assert result.exit_code == 2
    assert "safetensors" in result.stderr.splitlines()[-1]


def test_a_graph_without_edges_is_refused_and_what_is_odd_is_said(run):
    result = run(text="a;b\nb;c\n")
    assert result.exit_code == 2
    assert "`graph` must have an edge, along which to walk; got 2 nodes and none" in result.stderr


def test_edges_given_twice_are_told_in_one_line(run):
    said = run(text="a b\n\x1b[31m\x0b b\nb a\n").stderr
    assert "tf-emb: edges gives edges more than once (repeats: 1, the first 'b' to 'a' in line 3)" in said
    assert "\x1b" not in said


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_command_with_its_status(number, status):
    before = signal.getsignal(number)
    with pytest.raises(Ended, match="nothing") as ended, ended_by_signals("nothing"):
        os.kill(os.getpid(), number)
    assert ended.value.status == status
    assert signal.getsignal(number) is before


def test_a_signal_that_was_swallowed_is_found_by_the_next_check():
    with pytest.raises(Ended), ended_by_signals() as check:  # noqa: PT012
        with suppress(Ended):
            os.kill(os.getpid(), signal.SIGTERM)
        check("progress")
        raise AssertionError
    with pytest.raises(Ended), ended_by_signals():  # noqa: PT012
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Ended:
            raise RuntimeError("another library's") from None
    with pytest.raises(ZeroDivisionError), ended_by_signals():
        1 / 0  # noqa: B018


def test_a_signal_ends_the_command_in_one_line(run, monkeypatch):
    monkeypatch.setattr("tf_emb.commands.graph._trained", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    result = run()
    assert result.exit_code == 143
    assert result.stderr.splitlines()[-1] == (
        "tf-emb: stopped. Nothing was written; run the command again to begin anew."
    )


def test_help_says_that_it_does_not_resume():
    assert "cannot be resumed" in " ".join(CliRunner().invoke(app, ["graph", "--help"]).stdout.split())
