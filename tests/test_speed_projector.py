"""`python -m compare speed --subject projector`: that it measures what it says; never how fast anything is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("speed")
    options = f"--subject projector --quick --rounds 1 --out {out} --json {out / 'copy.json'}".split()
    done = subprocess.run([sys.executable, "-m", "compare", "speed", *options], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, "COLUMNS": "80"}, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out, json.loads((out / "speed.json").read_text()), done.stdout


def test_both_log_and_are_served_in_every_round(run):
    _, result, _ = run
    assert list(result["turns"]) == ["tf_emb", "torch"]
    for turns in result["turns"].values():
        assert len(turns) == 1
        for turn in turns:
            assert all(turn[what][unit] > 0 for what in ("log", "serve") for unit in ("seconds", "grown_mib"))
            assert turn["log"]["size_mib"] > 200 * 60 * 4 / 2**20  # the vectors are there
    for what in ("log", "serve"):
        rounds = [ours[what]["seconds"] / theirs[what]["seconds"] for ours, theirs in zip(*result["turns"].values())]  # noqa: B905
        assert result["ratios"][f"{what} seconds"]["rounds"] == rounds


def test_files_and_table(run):
    out, result, said = run
    assert json.loads((out / "copy.json").read_text()) == result
    assert "200 x 60" in said
    assert "numbers mean nothing" in said
    assert max(map(len, said.partition("\n\n")[0].splitlines())) <= 80
    assert "…" not in said
