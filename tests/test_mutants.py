"""`python -m compare mutants`: which errors are planted, and that one which no test sees is told."""

import ast
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compare.__main__ import app
from compare.reliability.mutants import command, reach, run
from compare.reliability.mutants.client import Server
from compare.reliability.mutants.operators import Mutant, mutants
from compare.reliability.mutants.reach import Ran, Reach
from compare.reliability.mutants.run import Fate, staged
from compare.reliability.verdict import ROOT


def planted(tmp_path: Path, source: str) -> list[str]:
    """Return the code with each error in it, one after another."""
    path = tmp_path / "code.py"
    path.write_text(source, encoding="utf-8")
    found = [mutant.apply(path.read_bytes()).decode() for mutant in mutants(path, tmp_path)]
    for text in found:
        ast.parse(text)
        assert text.count("\n") == source.count("\n")
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a not  in b", {"a in b"}),
        ("a is not b", {"a is b"}),
        ("(a) == (b)", {"(a) != (b)"}),
        ("é = a * b", {"é = a + b"}),
        ("a // b", {"a / b"}),
        ("a and b or c", {"a or b or c", "a and b and c"}),
        ("not a", {"a"}),
        ("a[0]", {"a[1]"}),
        ("a[-1]", {"a[-2]", "a[1]"}),
        ("a = True", {"a = False"}),
        ("a = 0.5", {"a = 1.5"}),
        ("def f(a=1): return a", {"def f(a=2): return a", "def f(a=1): return None"}),
        ("f(a,\n  b)", {"pass\n"}),
        ("a.b = c", {"pass"}),
        ("a += b", {"a -= b", "pass"}),
        ("if a: b", {"if (not (a)): b"}),
        ("a if b else c", {"a if (not (b)) else c"}),
        ("raise ValueError(f'{1 + 1}')", {"pass"}),
        ("while a:\n  break", {"while (not (a)):\n  break", "while a:\n  continue"}),
        ("def f(a: int | None = None) -> int | None:\n  'a + 1'", set()),
        ("if TYPE_CHECKING: a = 1 + 1", set()),
        ("a = 'text' + b", set()),
    ],
)
def test_each_kind_of_error(source, expected, tmp_path):
    assert set(planted(tmp_path, source)) == expected


def test_every_error_leaves_a_file_that_can_be_read_with_its_lines_where_they_were(tmp_path):
    for path in sorted((ROOT / "tf_emb" / "ops").glob("*.py")):
        assert planted(tmp_path, path.read_text(encoding="utf-8")) or path.name == "__init__.py"


def ran(name: str, seconds: float, *lines: int) -> Ran:
    return Ran(name, seconds, {"tf_emb/a.py": frozenset(lines)})


def test_the_tests_that_run_a_line_are_chosen_the_quickest_first():
    of = Reach([ran("slow", 3, 1, 2), ran("quick", 1, 2), ran("other", 1, 3)])
    assert [test.name for test in of.of("tf_emb/a.py", [2])] == ["quick", "slow", "other"], "few run it: others too"
    assert [test.name for test in of.of("tf_emb/a.py", [9])] == ["other", "quick", "slow"], "what ran on import"
    assert of.of("tf_emb/b.py", [1]) == []
    many = Reach([ran(f"{i}", i, 2) for i in range(5)] + [ran("other", 0, 1), ran("tests/test_defaults.py::test", 9)])
    assert [test.name for test in many.of("tf_emb/a.py", [2])] == ["tests/test_defaults.py::test", *"01234"]


def test_long_tests_come_in_a_second_stage_or_not_at_all():
    tests = [ran("a", 1), ran("b", 20), ran("c", 30), ran("d", 50)]
    assert [[test.name for test in stage] for stage in staged(tests)] == [["a"], ["b", "c"]]
    assert [[test.name for test in stage] for stage in staged(tests[3:])] == [["d"]]
    assert staged([]) == []


LIBRARY = "LIMIT = 3\n\n\ndef within(number):\n    while number < 0:\n        number += 1\n    return number < LIMIT\n"
TESTS = """
import tf_emb.planted as planted

def test_within():
    assert planted.within(2)
    assert not planted.within(5)
    assert planted.within(-1)
"""


@pytest.mark.parametrize(
    ("before", "after", "came"),
    [("number < LIMIT", "number <= LIMIT", 0), ("number < LIMIT", "number >= LIMIT", 1), ("+= 1", "-= 1", None)],
)
def test_a_mutant_is_killed_or_survives_or_takes_too_long(server, before, after, came):
    tests, library = server.folder / "test_planted.py", server.folder / "planted.py"
    tests.write_text(TESTS)
    library.write_text(LIBRARY.replace(before, after))
    seconds = 3 if came is None else 60
    assert server.test([str(tests)], seconds, "tf_emb.planted", library) == came, server.said()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that loads no framework, which would take its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUTANTS_LOADED", "pytest")
        with Server(tmp_path_factory.mktemp("server")) as server:
            yield server


def test_a_process_that_a_test_starts_has_the_mutant_too(server):
    tests, library = server.folder / "test_apart.py", server.folder / "printable.py"
    tests.write_text(
        "import subprocess, sys\ndef test_it(): subprocess.run([sys.executable, '-c', "
        "'from tf_emb.files.shown import printable; assert printable(1) == \"1\"'], check=True)\n"
    )
    library.write_text("def printable(text): return 'another'\n")
    assert server.test([str(tests)], 60, "tf_emb.files.shown", library) == 1
    assert server.test([str(tests)], 60, "tf_emb.planted", library) == 0, server.said()


def test_lines_are_recorded_test_by_test(server):
    tests, into = server.folder / "test_recorded.py", server.folder / "lines"
    tests.write_text("from tf_emb.files import printable\ndef test_it(): printable('a')\ndef test_no(): assert 0\n")
    assert server.record(tests, into, 60) == 1
    first, second = into.read_text().splitlines()
    lines = reach._ran(first).lines
    assert set(lines) == {"tf_emb/files/shown.py"}
    assert reach._ran(second) is None, "it fails without a mutant"


def test_tests_that_start_processes_are_left_out():
    names = {path.stem for path in reach.candidates()}
    assert {"test_embedding_bag", "test_corpus"} <= names
    assert not {"test_cli", "test_reliability", "test_mutants"} & names


def test_survivors_are_named_and_counted(monkeypatch):
    class Nothing:
        def __init__(self, folder):
            self.folder = folder

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(command, "Server", Nothing)
    monkeypatch.setattr(reach, "recorded", lambda *_: [])
    cames = iter(["killed", "too long", "survived", "no test"])
    monkeypatch.setattr(run, "one", lambda mutant, *_: Fate(mutant, next(cames), 1, 0.0))
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["mutants", "--sample", "4", str(ROOT / "tf_emb" / "ops")])
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].startswith("survived: tf_emb/ops/")
    assert result.stdout.split()[-6:] == ["all", "4", "2", "1", "2", "50.0%"]


def test_a_sample_is_of_all_files_and_drawn_from_a_seed():
    paths = command.files([ROOT / "tf_emb" / "ops", ROOT / "tf_emb" / "ops" / "csr.py"])
    assert len(paths) == len(set(paths))
    assert run.sampled(paths, 5, 0) == run.sampled(paths, 5, 0) != run.sampled(paths, 5, 1)
    assert len(run.sampled(paths, None, 0)) > 500
    with pytest.raises(ValueError, match="`PATH` must lie in tf_emb"):
        command.files([ROOT / "tests"])


def test_a_mutant_says_where_it_is():
    mutant = Mutant("tf_emb/a.py", 3, 0, 5, "a <\n  b", "a <= b")
    assert str(mutant) == "tf_emb/a.py:3 `a < b` to `a <= b`"
