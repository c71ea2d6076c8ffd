"""`python -m compare bench layers`: that it measures what it says; never how fast anything is."""

import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compare.bench.layers import workloads
from compare.bench.layers.command import apart, start

ROOT = Path(__file__).parent.parent
ROUNDS = 3
PEERS = {
    "SGD": ["tf_emb", "tf_emb, keras SGD", "keras", "torch"],
    "int8": ["tf_emb", "keras", "torch"],
    "exported": ["tf_emb", "keras", "torch"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-m", "compare", "bench", "layers", "--quick", "--rounds", str(ROUNDS)]
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [*command, "--out", str(out), "--json", str(out / "copy" / "layers.json")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out, json.loads((out / "layers.json").read_text()), done.stdout


def test_every_contender_of_every_row_is_measured_in_every_round(run):
    _, result, _ = run
    assert [row["key"] for row in result["measured"]] == [of.name for of in workloads.workloads(quick=True, seed=0)]
    for row in result["measured"]:
        assert list(row["contenders"]) == PEERS[row["task"]]
        for of in row["contenders"].values():
            assert len(of["seconds"]) == ROUNDS
            assert all(math.isfinite(seconds) and seconds > 0 for seconds in of["seconds"])
            assert of["peak_mib"] > of["grown_mib"] > 0


def test_figures_follow_from_the_rounds(run):
    for row in run[1]["measured"]:
        ours = row["contenders"]["tf_emb"]["seconds"]
        assert list(row["ratios"]) == PEERS[row["task"]][1:]
        for name, ratio in row["ratios"].items():
            of = row["contenders"][name]
            rounds = [a / b for a, b in zip(ours, of["seconds"], strict=True)]
            assert of["median"] == statistics.median(of["seconds"])
            assert ratio["rounds"] == rounds
            assert ratio["median"] == statistics.median(rounds)
            assert ratio["least"] == min(rounds) <= ratio["median"] <= max(rounds) == ratio["most"]


def test_contenders_train_alike(run):
    _, result, said = run
    rows = result["measured"]
    assert not list(apart(rows))
    assert "differently" not in said
    rows[1]["contenders"]["torch"]["moved"] *= 1.01
    assert list(apart(rows)) == [rows[1]["key"]]


def test_what_is_looked_up_is_the_table(run):
    """Exported, to the bit; at int8, off by half a step of a row at most, of which there are 127 or 255."""
    for row in run[1]["measured"]:
        moved = {name: of["moved"] for name, of in row["contenders"].items()}
        if row["task"] == "exported":
            assert set(moved.values()) == {0}
        if row["task"] == "int8":
            assert moved["tf_emb"] == moved["keras"]
            assert all(0 < of <= 0.5 / 127 * math.sqrt(row["vocab"] * row["dim"]) for of in moved.values())


def test_files_and_table(run):
    out, result, said = run
    assert (out / "layers.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (out / "layers.svg").read_text()
    assert (out / "copy" / "layers.json").read_text() == (out / "layers.json").read_text()
    assert result["command"].startswith("python -m compare bench layers --quick")
    table = said.partition("\n\n")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "\x1b" not in said
    assert "…" not in table
    for row in result["measured"]:
        assert row["key"] in table


def test_zipf_gives_the_first_id_its_share():
    ids = workloads.zipf(np.random.default_rng(0), 100, (20_000,))
    assert ids.min() == 0
    assert ids.max() == 99
    assert np.mean(ids == 0) == pytest.approx(1 / sum(1 / rank for rank in range(1, 101)), abs=0.01)


def test_a_contender_that_breaks_says_why(tmp_path):
    row = workloads.Workload("Embedding", "NoSuchOptimizer", 10, 2)
    with (
        start("torch", row, 1, tmp_path) as of,
        pytest.raises(RuntimeError, match=r"^torch ended with exit status 1: .*NoSuchOptimizer"),
    ):
        of.answer()
