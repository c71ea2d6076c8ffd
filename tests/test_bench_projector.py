"""`python -m compare bench projector`: that it measures what it says; never how fast anything is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("bench")
    options = f"projector --quick --rounds 1 --out {out} --json {out / 'copy.json'}".split()
    done = subprocess.run(
        [sys.executable, "-m", "compare", "bench", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out, json.loads((out / "projector.json").read_text()), done.stdout


def test_both_log_and_are_served_in_every_round(run):
    turns = {turn["contender"]: turn for turn in run[1]["measured"]}
    assert sorted(turns) == ["tf_emb", "torch"]
    assert len(run[1]["measured"]) == 2
    for turn in turns.values():
        assert turn["round"] == 0
        assert all(turn[what][unit] > 0 for what in ("log", "serve") for unit in ("seconds", "grown_mib"))
        assert turn["log"]["size_mib"] > 200 * 60 * 4 / 2**20  # the vectors are there
    for what in ("log", "serve"):
        rounds = [turns["tf_emb"][what]["seconds"] / turns["torch"][what]["seconds"]]
        assert run[1]["ratios"][f"{what} seconds"]["rounds"] == rounds


def test_files_and_table(run):
    out, result, said = run
    assert json.loads((out / "copy.json").read_text()) == result
    assert "200 x 60" in said
    assert "numbers mean nothing" in said
    assert max(map(len, said.partition("\n\n")[0].splitlines())) <= 80
    assert "…" not in said
