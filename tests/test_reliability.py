"""`python -m compare reliability`: every surface in short, and the runner with faults planted."""

import re
import sys
from pathlib import Path

import pytest
import typer
from planted_surfaces import SURFACES as PLANTED
from typer.testing import CliRunner

from compare.__main__ import app
from compare.reliability import attacks, command, fuzz, verdict
from compare.reliability.surfaces import found
from compare.reliability.verdict import judged, made, of_our_own
from tf_emb.vectors import load_vectors

SHORT = 40  # inputs to each surface
BY_NAME = {surface.name: surface for surface in PLANTED}


@pytest.mark.filterwarnings("ignore")  # those of a file that is accepted are its reader's to see
@pytest.mark.parametrize("surface", found().values(), ids=list(found()))
def test_every_surface_in_short(surface, monkeypatch):
    for name in ("train", "graph"):  # TensorFlow's threads are those of this process already
        monkeypatch.setattr(f"tf_emb.commands.{name}.one_thread_per_operation", lambda: None, raising=False)
    wrong = []
    for number in range(SHORT):
        with made(surface, number, 7) as (given, folder):
            came = judged(surface, given, folder)
        if came.kind == "wrong":
            wrong.append(f"--seed 7 --only {number}: {came.said}")
    assert not wrong, "\n".join(wrong)


def outcome(name: str) -> verdict.Verdict:
    with made(BY_NAME[name], 0, 0) as (given, folder):
        return judged(BY_NAME[name], given, folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("leave", "left 'left' behind"),
        ("leave_temporary", "left '../temporary/tmp"),
        ("of_another", "ValueError of another's words: invalid literal for int"),
        ("in_lines", "ValueError whose message is not one line of text"),
        ("steering", "ValueError whose message is not one line of text"),
        ("endless", "ValueError with a message of 100,000 characters"),
        ("key_error", "KeyError: 'x'"),
        ("exit_", "SystemExit: 2"),
        ("no_module", "ModuleNotFoundError of another's words"),
    ],
)
def test_what_is_wrong(name, said):
    came = outcome(name)
    assert came.kind == "wrong"
    assert said in came.said


def test_what_is_right():
    assert outcome("fine").kind == "accepted"
    assert outcome("missing_file").kind == "refused"
    assert verdict.complaints(typer.BadParameter("wrong")) == []


def test_an_error_of_our_own_is_raised_by_us(tmp_path: Path):
    (tmp_path / "v.txt").write_text("not a file of vectors")
    with pytest.raises(ValueError, match="must be a word2vec file") as caught:
        load_vectors(tmp_path / "v.txt")
    assert of_our_own(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_is_measured(monkeypatch):
    monkeypatch.setattr(verdict, "MIB", 100)
    assert re.search(r"memory grew by (19|20)\d MiB", outcome("eat").said)


def test_time_is_measured(monkeypatch):
    monkeypatch.setattr(verdict, "SECONDS", -1)
    assert "took 0.0 s" in outcome("fine").said


def run(name: str, count: int) -> fuzz.Counts:
    return fuzz.run(BY_NAME[name], count, home="planted_surfaces")


@pytest.fixture
def limits(monkeypatch):
    """Small ones, but of time; and the planted surfaces where a new process finds them."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")
    monkeypatch.setattr(fuzz, "SECONDS", 60)  # a busy machine is no reason to fail
    monkeypatch.setattr(fuzz, "MIB", 300)


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hang", "using it took longer than"),
        ("eat_all", "memory grew by more than 450 MiB"),
        ("kill", "the process was killed by SIGSEGV"),
        ("end", "the process ended with exit status 0"),
        ("unmade", "the input could not be made: OSError: no"),
    ],
)
def test_an_input_that_ends_its_process_is_counted_and_the_next_is_given(name, said, monkeypatch):
    if name == "hang":  # for as long as it is waited for
        monkeypatch.setattr(fuzz, "SECONDS", 0.2)
        monkeypatch.setattr(fuzz, "WARMING", 0.5)
        monkeypatch.setattr(fuzz, "CONFIRMED", 1)
    counts = run(name, 2)
    assert (counts.inputs, counts.accepted, counts.refused, counts.wrong) == (2, 0, 0, 2)
    assert [wrong.number for wrong in counts.examples] == [0, 1]
    assert all(said in wrong.said for wrong in counts.examples)


@pytest.mark.usefixtures("limits")
def test_a_wrong_input_is_made_again_from_its_number():
    counts = run("odd", 30)
    assert 0 < counts.wrong < 30
    assert counts.accepted == 30 - counts.wrong
    for wrong in counts.examples:
        with made(BY_NAME["odd"], wrong.number, 0) as (given, folder):
            assert judged(BY_NAME["odd"], given, folder).said == wrong.said


def invoked(monkeypatch, tmp_path, *arguments):
    page = tmp_path / "reliability.md"
    page.write_text("<!-- reliability: begin -->\n\n| what | tried |\n| --- | --- |\n| b | 1 |\n| gone | 1 |\n\n"
                    "<!-- reliability: end -->\n")  # fmt: skip
    monkeypatch.setattr(command, "PAGE", page)
    monkeypatch.setattr(command.surfaces, "found", lambda: {name: BY_NAME[name] for name in ("odd", "fine")})
    known = {name: attacks.Attack(name, lambda: attacks.Outcome(24, 23, "1 lost")) for name in "ab"}
    monkeypatch.setattr(command.attacks, "found", lambda: known)
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["reliability", *arguments])
    return result, page.read_text()


def test_the_page_keeps_what_was_not_run_and_is_still_there(monkeypatch, tmp_path):
    result, text = invoked(monkeypatch, tmp_path, "a", "--write")
    assert result.exit_code == 1
    assert re.search(r"a +24 +23 +1 +1 lost", result.stdout)
    assert "| a | 24 | 23 | 1 | 1 lost |\n| b | 1 |\n" in text
    assert "gone" not in text


def test_the_command_shows_one_input(monkeypatch, tmp_path):
    numbers = range(10)
    kinds = {number: invoked(monkeypatch, tmp_path, "odd", "--only", str(number))[0] for number in numbers}
    assert {result.exit_code for result in kinds.values()} == {0, 1}
    said = next(result.stdout for result in kinds.values() if result.exit_code)
    assert "input: 4 bytes" in said
    assert "AssertionError" in said


def test_the_command_names_what_there_is(monkeypatch, tmp_path):
    assert invoked(monkeypatch, tmp_path, "--list")[0].stdout.split() == ["odd", "fine", "a", "b"]
    assert "must be one of odd, fine, a, b; got 'c'" in invoked(monkeypatch, tmp_path, "c")[0].stderr
