"""What all subjects of `python -m compare bench` share: sessions, child processes, turns and tables."""

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from compare.__main__ import app
from compare.bench.child import Child, call
from compare.bench.command import SUBJECTS
from compare.bench.options import chosen
from compare.bench.rounds import ratio, rotated
from compare.bench.session import View, read, session
from compare.bench.tables import Table, beside

ROOT = Path(__file__).parent.parent
VIEW = View(lambda result: [f"{len(result['measured'])} measured"], lambda measured: {"count": len(measured)})


def invoke(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def printed(part, width=80):
    console = Console(width=width, file=open(os.devnull, "w"), record=True)  # noqa: SIM115
    with console.file:
        console.print(part)
    return console.export_text().splitlines()


def test_every_subject_is_a_sub_command():
    assert SUBJECTS == ["layers", "machine", "methods", "projector", "vectors", "word2vec"]
    said = invoke("--help").stdout
    assert all(f"\n  {subject} " in said for subject in SUBJECTS)


@pytest.mark.parametrize("options", [
    ["cakes"], ["layers", "--corpus", "x"], ["projector", "--row", "x"], ["methods", "--threads", "1"],
    ["word2vec", "--rounds", "1"], ["word2vec", "--data", "x=y"], ["machine", "--row", "x"],
    ["layers", "--rounds", "0"],
])  # fmt: skip
def test_another_subject_and_an_option_of_another_are_errors(options, tmp_path):
    done = invoke(*options)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith(("Error: No such", "Error: Invalid value for '--rounds'"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_measured(subject, tmp_path):
    (tmp_path / "file").touch()
    done = invoke(subject, "--quick", "--out", tmp_path / "file" / "out")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("compare: `--out` must be a folder; ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("content", "said"), [
    ("no JSON", "must be a JSON report of `bench {}`"),
    (json.dumps({"subject": "cakes", "started": "", "settings": {}, "measured": []}), ", of `bench cakes`."),
])  # fmt: skip
@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_file_of_another_subject_is_not_resumed(subject, content, said, tmp_path):
    (tmp_path / "other.json").write_text(content)
    done = invoke(subject, "--quick", "--resume", tmp_path / "other.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert said.format(subject) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


def bench(out, items, measure, *, settings=None, free=(), copy=None, resume=None):
    """Run a session like a subject does; return the exit status and what the file holds."""
    status = 0
    try:
        with session("cakes", out, copy, resume, VIEW) as run:
            run.begin(settings or {"size": 1, "quick": True}, free)
            for key, item in run.left(items):
                run.add(key, measure(item))
    except Exception as error:
        status = error.exit_code
    path = out / "cakes.json"
    return status, json.loads(path.read_text()) if path.exists() else None


def broken(item):
    if item == 2:
        raise KeyboardInterrupt
    if item == 3:
        raise RuntimeError("the oven\nbroke")
    return {"value": item}


def test_what_is_measured_is_kept_and_not_measured_again(tmp_path, capsys):
    items = {"a": 1, "b": 2, "c": 3}
    path = tmp_path / "cakes.json"
    status, result = bench(tmp_path, items, broken, copy=tmp_path / "sub" / "copy.json")
    assert (status, result["count"]) == (130, 1)
    out, err = capsys.readouterr()
    assert out.splitlines() == ["1 measured", "", f"Reports: {path}"]
    assert err == f"compare: stopped. To continue, add --resume {path}\n"
    assert json.loads((tmp_path / "sub" / "copy.json").read_text()) == result
    status, again = bench(tmp_path, items, lambda item: broken(item) if item == 3 else {"value": -item}, resume=path)
    assert (status, again["started"]) == (2, result["started"])
    assert capsys.readouterr().err == f"compare: the oven broke To continue, add --resume {path}\n"
    assert again["measured"] == [{"key": "a", "value": 1}, {"key": "b", "value": -2}]
    status, whole = bench(tmp_path, items, lambda item: {"value": 9}, resume=path)
    assert (status, [of["value"] for of in whole["measured"]]) == (0, [1, -2, 9])
    assert {path.name for path in tmp_path.iterdir()} == {"cakes.json", "sub"}  # no drafts


def test_a_report_that_was_altered_or_torn_is_refused_by_name(tmp_path, capsys):
    bench(tmp_path, {"a": 1}, broken)
    path = tmp_path / "cakes.json"
    whole = path.read_text()
    for bad in (whole.replace('"value": 1', '"value": 2'), whole[: len(whole) // 2], "[" * 100_000):
        path.write_text(bad)
        with pytest.raises(ValueError, match="`--resume` must be") as caught:
            read(path, "cakes")
        assert str(path) in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_measurements_are_never_overwritten_by_another_run(tmp_path, capsys):
    _, result = bench(tmp_path, {"a": 1}, broken)
    assert bench(tmp_path, {"a": 4}, broken) == (2, result)
    path = tmp_path / "cakes.json"
    assert f"`--out` must be a folder without cakes.json; got {tmp_path}. Choose another" in capsys.readouterr().err
    other = {"size": 2, "quick": True}
    assert bench(tmp_path, {"a": 4}, broken, settings=other, resume=path) == (2, result)
    assert "`--resume` must continue with the same settings; that run had size 1, not 2." in capsys.readouterr().err
    status, again = bench(tmp_path, {"a": 4}, broken, settings=other, free=["size"], resume=path)
    assert (status, again["measured"], again["settings"]) == (0, result["measured"], other)


def test_an_item_that_is_not_whole_is_measured_again(tmp_path):
    path = tmp_path / "cakes.json"
    _, result = bench(tmp_path, {"a": 1, "b": 4}, lambda item: {"whole": item == 4, "value": item})
    assert len(result["measured"]) == 2
    _, result = bench(tmp_path, {"a": 5, "b": 6}, lambda item: {"whole": True, "value": item}, resume=path)
    assert {of["key"]: of["value"] for of in result["measured"]} == {"a": 5, "b": 4}


def test_ctrl_c_and_a_killed_child_lose_nothing(tmp_path):
    """In processes, as a user's: the first row is kept, and the child's death is one line."""
    killer = """
import os, signal, sys
from compare.__main__ import app
from compare.bench.layers import command

measure, count = command.measure, []

def once(*given):
    count.append(1)
    if len(count) == 2:
        os.kill(os.getpid() if sys.argv[1] == "self" else command_child(*given), signal.SIGINT)
    return measure(*given)

def command_child(row, work, *_):
    start = command.start
    def started(*of):
        child = start(*of)
        os.kill(child._process.pid, signal.SIGKILL)
        return child
    command.start = started
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return os.getpid()

command.measure = once
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in the background
app(["bench", "layers", "--quick", "--rounds", "1", "--out", sys.argv[2]])
"""
    for whom, status, said in (("self", 130, "stopped."), ("child", 2, "tf_emb was killed by SIGKILL: no message")):
        out = tmp_path / whom
        done = subprocess.run(
            [sys.executable, "-c", killer, whom, str(out)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stderr
        assert done.stderr == f"compare: {said} To continue, add --resume {out / 'layers.json'}\n"
        kept = json.loads((out / "layers.json").read_text())["measured"]
        assert [of["key"] for of in kept] == ["Embedding SGD 1k x 8"]
        assert "Embedding SGD 1k x 8" in done.stdout


def test_a_child_says_events_and_then_waits(tmp_path, monkeypatch):
    module(
        tmp_path,
        monkeypatch,
        """
import time

def work(first):
    print("noise")
    for i in range(3):
        yield {"i": first + i, "at": time.monotonic()}
    raise ValueError("no more")
""",
    )
    with Child("baker", "baked", {"first": 5}, threads=1, log=tmp_path / "log") as child:
        assert child.answer()["i"] == 5
        for i in (6, 7):
            time.sleep(0.1)
            asked, said = time.monotonic(), child.turn()
            assert said["i"] == i
            assert said["at"] >= asked
        with pytest.raises(RuntimeError, match=r"^baker ended with exit status 1: ValueError: no more$"):
            child.turn()
    assert call("baker", "baked", {"first": 1}, threads=1, log=tmp_path / "log")["i"] == 1


def test_a_child_that_was_killed_between_turns_says_so(tmp_path, monkeypatch):
    module(tmp_path, monkeypatch, "def work():\n    while True:\n        yield {}\n")
    with Child("baker", "baked", {}, threads=1, log=tmp_path / "log") as child:
        assert child.answer() == {}
        os.kill(child._process.pid, signal.SIGKILL)
        child._process.wait()
        with pytest.raises(RuntimeError, match=r"^baker was killed by SIGKILL: no message$"):
            child.turn()


def module(folder, monkeypatch, code):
    """Make `baked` importable for children."""
    (folder / "baked.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)


def test_a_child_has_its_threads_and_no_accelerator(tmp_path, monkeypatch):
    module(tmp_path, monkeypatch, "import os\ndef work():\n    yield dict(os.environ)\n")
    said = call("baker", "baked", {}, threads=3, log=tmp_path / "log")
    assert (said["OMP_NUM_THREADS"], said["MKL_NUM_THREADS"], said["CUDA_VISIBLE_DEVICES"]) == ("3", "3", "")


def test_a_round_starts_with_another_contender():
    assert [rotated("abc", number) for number in range(4)] == [[*"abc"], [*"bca"], [*"cab"], [*"abc"]]


def test_a_ratio_is_taken_within_a_round():
    of = ratio([1, 8, 3], [2, 2, 2])
    assert of == {"median": 1.5, "least": 0.5, "most": 4, "rounds": [0.5, 4, 1.5]}
    assert (beside(of).plain, beside(of).style) == ("1.50 (0.50..4.00)", "")
    assert beside(ratio([1], [2])).plain == "0.50"
    assert [beside(ratio([1], [2]), more=more).style for more in (False, True)] == ["green", "red"]
    assert beside(ratio([1, 500], [1, 1]), 3).plain == "250 (1.000..500)"


def test_rows_are_chosen_by_part_of_their_names():
    rows = {"skip-gram full": 1, "CBOW": 2, "whole_graph": 3}
    assert chosen("", rows) == rows
    assert [chosen(part, rows) for part in ("SKIP gram", "cbow", "whole-graph")] == [
        {"skip-gram full": 1},
        {"CBOW": 2},
        {"whole_graph": 3},
    ]
    with pytest.raises(ValueError, match=r"^`--row` must be part of the name of a row; got 'cakes'\. The rows: skip"):
        chosen("cakes", rows)


def test_tables_are_as_wide_as_their_cells_and_long_labels_get_lines_of_their_own():
    table = Table("measure", "ours", "bar", left=[2])
    table.heading("a heading that is longer than all of the columns together")
    table.row("  公主", "1.5", "ok")
    table.row("  a very long label", "12345.5", "no")
    table.row("  only a label, long")
    heading = "a heading that is longer than all of the columns together"
    assert printed(table) == ["measure                  ours  bar", heading, "  公主                    1.5  ok",
                              "  a very long label   12345.5  no", "  only a label, long"]  # fmt: skip
    assert printed(table, 60) == printed(table)
    assert printed(table, 24)[-4:] == ["  公主          1.5  ok", "  a very long label", "            12345.5  no",
                                       "  only a label, long"]  # fmt: skip


def files():
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "compare" / "bench").rglob("*.py")
    }


def test_no_circle_of_imports():
    known = files()
    arrows = {name: {of for of in imported(path) if of in known} - {name} for name, path in known.items()}
    while free := [name for name, of in arrows.items() if not of & arrows.keys()]:
        for name in free:
            del arrows[name]
    assert not arrows


def imported(path):
    """What a file imports; of a package, only that it is imported from by name."""
    known = files()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in whole)
