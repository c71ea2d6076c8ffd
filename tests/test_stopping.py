"""Processes that do not answer, die or are told to end: named, cleared away, in one line."""

import json
import os
import signal
import time

import numpy as np
import pytest
from signals import alive, strike

from compare.terminal import check_reports
from tf_emb.parity import processes, stand_ins
from tf_emb.parity.jobs import Job
from tf_emb.parity.processes import run_all
from tf_emb.parity.stand_ins import StandIns

WORKER = """
import json, os, signal, sys, time
def say(**event): print("@compare " + json.dumps(event), flush=True)
say(event="ready", versions={}, device="cpu")
say(event="job", case="first", dtype="float64", seconds=0)
%s
"""


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSTOP)", "torch gave no answer in 2 s in case second at float32; it was ended"),
        ("time.sleep(600)", "torch gave no answer in 2 s in case second at float32; it was ended"),
        ("os.kill(os.getpid(), 9)", "torch was killed by SIGKILL in case second at float32: no message"),
        ("os._exit(0)", "torch ended with exit status 0 in case second at float32: no message"),
        ("sys.stderr.buffer.write(b'\\xff!'); sys.exit(3)",
         "torch ended with exit status 3 in case second at float32: \ufffd!"),
        ("print('@compare {'); os._exit(1)", "torch ended with exit status 1 in case second at float32: no message"),
    ],
)  # fmt: skip
def test_a_process_that_does_not_finish_is_named_with_its_case(act, said, tmp_path, monkeypatch):
    jobs = [["first", "float64"], ["second", "float32"]]
    (tmp_path / "jobs.json").write_text(json.dumps({"suite": "none", "jobs": jobs}))
    (tmp_path / "fake.py").write_text(WORKER % act)
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec "{processes.sys.executable}" {tmp_path}/fake.py\n')
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(processes.sys, "executable", str(tmp_path / "python"))
    found = run_all(["torch"], tmp_path, "cpu", patience=2)["torch"]
    assert found.broken == said
    assert list(found.jobs) == [Job("first", "float64")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_one_line_and_leaves_nothing(number, tmp_path):
    status, lines, left, files = strike(number, 3, tmp_path / "t", "--case", "lookup", "--out", tmp_path / "out")
    assert (status, lines, left, files) == (128 + number, ["compare: stopped."], [], [])


def test_the_children_of_a_killed_run_end_by_themselves(tmp_path):
    folder = tmp_path / "t"
    strike(signal.SIGKILL, 4, folder, "--case", "lookup", "--out", tmp_path / "out", forgive=5)
    for _ in range(100):
        if not alive(folder):
            break
        time.sleep(0.1)
    assert alive(folder) == []


def test_reports_are_refused_where_they_cannot_be_written(tmp_path):
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.write_text("precious")
    folder.mkdir()
    for out, name, said in [
        (file, None, "`--out` must be a folder"), (file / "x", None, "`--out` must be a folder"),
        (folder, folder, "must be another file"), (folder, folder / "report.html", "must be another file"),
        (folder, file, "must be a new file, or an earlier report"), (folder, tmp_path, "`--json` must be a file"),
        (folder, tmp_path / "no" / "x.json", "`--json` must lie in a folder"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=said):
            check_reports(out, name)
    check_reports(tmp_path / "new", tmp_path / "new" / "copy.json")
    assert file.read_text() == "precious"


def test_a_damaged_record_is_named(tmp_path):
    job = Job("toy", "float64")
    record = StandIns(tmp_path)
    (path,) = record.save("torch", {job: ("0", {"out": np.arange(50.0)})}, {"torch": "2"})
    whole, rng, told = path.read_bytes(), np.random.default_rng(0), []
    assert np.array_equal((record.outputs("torch", job, "0") or {})["out"], np.arange(50.0))
    for number in range(300):
        bad = bytearray(whole[: rng.integers(len(whole))] if number % 3 == 0 else whole)
        for at in rng.integers(max(len(bad), 1), size=2) if bad else ():
            bad[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        os.utime(path)
        stand_ins._read.cache_clear()
        try:
            found = record.outputs("torch", job, "0")
        except ValueError as error:
            told.append(str(error))
        else:
            assert found is None or np.array_equal(found["out"], np.arange(50.0))
    assert len(told) > 200
    assert all(str(path) in line and len(line.splitlines()) == 1 for line in told)
