"""`tf-emb train`: what is refused before the first step, and what survives stops, kills and full disks."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tf_emb.cli import app
from tf_emb.commands import blocks, exact
from tf_emb.commands.saved import read_state
from tf_emb.files import locked
from tf_emb.vectors import files, load_vectors
from tf_emb.word2vec import progress
from tf_emb.word2vec.checkpoints import before, write_checkpoint
from tf_emb.word2vec.state import load_state

ROOT = Path(__file__).parent.parent
TEXT = "the cat sat on the mat\nthe dog sat on the rug\nthe cat saw the dog\n" * 40
OPTIONS = ("--dim", "6", "--sample", "0", "--epochs", "4", "--window", "2", "--min-count", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "chunk_size", lambda ids, options: 200)
    (tmp_path / "c.txt").write_text(TEXT)
    return tmp_path


def train(*arguments: object, corpus: str = "c.txt", output: str = "v.bin") -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, ["train", corpus, "-o", output, *map(str, arguments)])


def refused(*arguments: object, **names: str) -> str:
    """Return the last line of a training that ends with status 2 before its first step."""
    result = train(*arguments, **names)
    assert result.exit_code == 2, result.output
    assert "%" not in result.stderr
    return result.stderr.splitlines()[-1]


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function after which the next training is asked to stop before its first chunk is over."""

    def stop(number: int) -> None:
        @contextmanager
        def asked(at_once: Any = None) -> Any:
            yield [number]

        for module in (blocks, exact):
            monkeypatch.setattr(module, "interruption", asked)

    return stop


@pytest.mark.parametrize("link", ["", "soft", "hard", "held-out"])
def test_an_output_that_is_read_is_refused(link: str, folder: Path) -> None:
    if link == "soft":
        (folder / "o.txt").symlink_to(folder / "c.txt")
    if link == "hard":
        os.link(folder / "c.txt", folder / "o.txt")
    (folder / "h.txt").write_text(TEXT)
    names = {"": ("c.txt", ()), "held-out": ("h.txt", ("--held-out", "h.txt"))}
    output, more = names.get(link, ("o.txt", ()))
    assert "`--output` must be another file than what is read" in refused(*more, output=output)
    assert (folder / "c.txt").read_text() == TEXT


@pytest.mark.parametrize(
    ("arguments", "names", "said"),
    [
        ((), {"output": "none/v.bin"}, "does not exist. Create the folder"),
        ((), {"output": "folder.bin"}, "is a folder"),
        ((), {"output": "locked.bin"}, "write-protected"),
        ((), {"output": "c.txt/v.bin"}, "is a file"),
        (("--logdir", "c.txt"), {}, "`--logdir` must be a folder"),
        (("--held-out", "empty.txt"), {}, "`--held-out` must have a sentence with two words"),
        (("--dim", 10**6), {}, "must fit in memory"),
        (("--logdir", "v.bin"), {}, "`--logdir` must be another name than the output"),
        (("--logdir", "v.bin/log"), {}, "`--logdir` must be another name than the output"),
        (("--logdir", "loop"), {}, "`--logdir` must be a folder"),
        ((), {"corpus": "a\0b"}, "must be the name of a file"),
        ((), {"corpus": "\ud800"}, "must be the name of a file"),
        (("--resume",), {}, "`--resume` must find a stopped training at v.bin.state; there is none"),
        (("--checkpoint-every", 0), {}, "`--checkpoint-every` must be above 0 seconds"),
        (("--mode", "exact", "--threads", 1), {}, "`--threads` must come with `--mode block`"),
        (("--mode", "exact", "--checkpoint-every", 3), {}, "`--checkpoint-every` must come with `--mode block`"),
        ((), {"corpus": "one.txt"}, "`corpus` must have a sentence with two words"),
        (("--mode", "exact"), {"corpus": "one.txt"}, "must h"),
    ],
)
def test_what_can_be_refused_is_refused_before_the_first_step(
    arguments: Any, names: Any, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tf_emb.memory.available", lambda: 10**9)
    (folder / "folder.bin").mkdir()
    (folder / "locked.bin").touch(mode=0o444)
    (folder / "empty.txt").touch()
    (folder / "loop").symlink_to("loop")
    (folder / "one.txt").write_text("alpha\nbeta\n" * 9)
    there = sorted(folder.rglob("*"))
    least = () if "--dim" in arguments else OPTIONS
    assert said in refused(*least, *("--min-count", 1), *arguments, **names)
    assert sorted(folder.rglob("*")) == there


def test_an_error_that_repeats_a_long_argument_is_cut() -> None:
    assert refused(corpus="a" * 5000).endswith("…")
    assert len(refused(corpus="a" * 5000)) < 1100


def test_a_training_that_diverges_leaves_nothing_to_resume(folder: Path) -> None:
    result = train(*OPTIONS, "--rate", 1e6)
    assert result.exit_code == 2
    assert "`rate` must be small enough that vectors stay finite" in result.stderr.splitlines()[-1]
    assert sorted(folder.iterdir()) == [folder / "c.txt"]


def test_a_format_whose_extra_is_missing_is_refused_before_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    assert "pip install 'tf-emb[safetensors]'" in refused(*OPTIONS, output="v.safetensors")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(number: int, stopping: Any, folder: Path) -> None:
    assert train(*OPTIONS, output="whole.bin").exit_code == 0
    with pytest.MonkeyPatch.context():
        stopping(number)
        result = train(*OPTIONS)
    assert result.exit_code == 128 + number
    assert "To go on, add --resume to the command." in result.stderr
    assert load_state(folder / "v.bin.state").done == 1
    assert len(load_vectors("v.bin")) == 8


def test_a_resumed_training_has_the_same_text_and_options_or_each_difference_is_named(
    stopping: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(*OPTIONS, output="whole.bin").exit_code == 0
    with monkeypatch.context():
        stopping(2)
        train(*OPTIONS)
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(progress, "chunk_size", lambda ids, options: 200)
    (folder / "half.txt").write_text(TEXT[: len(TEXT) // 2])
    said = refused("--resume", "--dim", 77, "--model", "cbow", "--tokenize", "letters", corpus="half.txt")
    for difference in (
        "--dim was 6 and is 77",
        "--model was skipgram and is cbow",
        "--tokenize was whitespace and is letters",
        "the corpus text is another: it had 680 words",
    ):
        assert difference in said
    (folder / "none.txt").touch()
    assert "it had 680 words, and has 0" in refused("--resume", corpus="none.txt")
    assert train("--resume").exit_code == 0
    assert (folder / "v.bin").read_bytes() == (folder / "whole.bin").read_bytes()
    assert not list(folder.glob("*.state*"))
    assert not list(folder.glob(".*"))


def test_a_torn_checkpoint_is_named_and_the_one_before_it_is_used(stopping: Any, folder: Path) -> None:
    stopping(2)
    train(*OPTIONS)
    state = folder / "v.bin.state"
    before(state).write_bytes(state.read_bytes())
    state.write_bytes(state.read_bytes()[:-100])
    result = train("--resume")
    assert "v.bin.state (it has been cut short or altered" in result.stderr
    assert "The checkpoint before it is used." in result.stderr
    assert result.exit_code == 130


def test_the_first_checkpoint_after_a_torn_one_does_not_take_the_place_of_the_whole_one(
    stopping: Any, folder: Path
) -> None:
    stopping(2)
    train(*OPTIONS)
    state = folder / "v.bin.state"
    state.rename(before(state))
    state.write_bytes(before(state).read_bytes()[:-100])
    read_state(folder / "v.bin")
    write_checkpoint(state, load_state(state))
    assert (load_state(state).done, load_state(before(state)).done) == (1, 1)


def test_a_new_training_keeps_the_state_of_a_stopped_one_and_says_so(stopping: Any, folder: Path) -> None:
    stopping(2)
    train(*OPTIONS)
    written = (folder / "v.bin.state").read_bytes()
    for number in (1, 2):
        assert f"it is kept as v.bin.stopped-{number}.state" in train(*OPTIONS).stderr
    assert (folder / "v.bin.stopped-1.state").read_bytes() == written


def test_the_second_training_of_an_output_is_refused_while_the_first_lives(folder: Path) -> None:
    with locked(folder / "v.bin"):
        said = refused(*OPTIONS)
    assert f"which process {os.getpid()} writes to" in said
    assert train(*OPTIONS).exit_code == 0


def test_vectors_that_cannot_be_written_at_the_end_go_elsewhere_and_the_training_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "out").mkdir()
    save = files.save_vectors

    def full(path: Any, vectors: Any) -> None:
        if Path(path).parent.name == "out":
            raise OSError(28, "No space left on device")
        save(path, vectors)

    monkeypatch.setattr("tf_emb.vectors.save_vectors", full)
    result = train(*OPTIONS, output="out/v.bin")
    assert result.exit_code == 1
    assert (
        f"out/v.bin cannot be written (No space left on device); the vectors are in {folder / 'v.bin'}."
        in result.stderr
    )
    assert len(load_vectors(folder / "v.bin")) == 8
    monkeypatch.setattr("tf_emb.vectors.save_vectors", save)
    assert train("--resume", output="out/v.bin").exit_code == 0
    assert (folder / "out" / "v.bin").read_bytes() == (folder / "v.bin").read_bytes()


def test_the_state_is_written_before_the_vectors(stopping: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is room for one of them only, the training can still go on."""

    def full(path: Any, vectors: Any) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("tf_emb.vectors.save_vectors", full)
    stopping(2)
    result = train(*OPTIONS)
    assert result.exit_code == 2
    assert "No space left on device" in result.stderr.splitlines()[-1]
    assert load_state(folder / "v.bin.state").done == 1


def test_exact_mode_stops_with_the_vectors_so_far(stopping: Any) -> None:
    stopping(15)
    result = train(*OPTIONS, "--mode", "exact")
    assert result.exit_code == 143
    assert "this mode cannot be resumed" in result.stderr
    assert len(load_vectors("v.bin")) == 8


def started(folder: Path, *more: str) -> "subprocess.Popen[str]":
    """Start a training of a minute in a process, and wait for a checkpoint that has learnt something."""
    if not (folder / "long.txt").exists():
        (folder / "long.txt").write_text(TEXT * 150)
    command = [sys.executable, "-c", "from tf_emb.cli import main; main()", "train", "long.txt", "-o", "l.bin"]
    options = ["--dim", "8", "--sample", "0", "--epochs", "300", "--checkpoint-every", "1", *more]
    process = subprocess.Popen(
        [*command, *options], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
    )
    state, until = folder / "l.bin.state", time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        if state.exists() and before(state).exists() and load_state(before(state)).done:
            break
        time.sleep(0.2)
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_ended_leaves_a_whole_training(number: int, folder: Path) -> None:
    process = started(folder)
    process.send_signal(number)
    said = process.communicate()[1]
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in said
    state = load_state(folder / "l.bin.state")
    assert state.done > 0
    assert (folder / "l.bin").exists() == (number == signal.SIGTERM)
