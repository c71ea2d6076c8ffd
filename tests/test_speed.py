"""`python -m compare speed`: that it measures what it says; never how fast anything is."""

import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compare.bench import harness as speed
from compare.bench.layers import rows as layers
from compare.bench.report import apart

ROOT = Path(__file__).parent.parent
ROUNDS = 3


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("speed")
    command = [sys.executable, "-m", "compare.bench.harness", "--subject", "layers", "--quick", "--rounds", str(ROUNDS)]
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run([*command, "--out", str(out), "--json", str(out / "copy" / "speed.json")], cwd=ROOT,
                          env=environment, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out, json.loads((out / "speed.json").read_text()), done.stdout


def test_every_contender_of_every_row_is_measured_in_every_round(run):
    _, result, _ = run
    assert [row["name"] for row in result["rows"]] == [row.name for row in layers.rows(quick=True, seed=0)]
    for row in result["rows"]:
        assert list(row["contenders"]) == ["tf_emb", "tf_emb, keras SGD", "keras", "torch"]
        for of in row["contenders"].values():
            assert len(of["seconds"]) == ROUNDS
            assert all(math.isfinite(seconds) and seconds > 0 for seconds in of["seconds"])
            assert of["peak_mib"] > of["grown_mib"] > 0


def test_figures_follow_from_the_rounds(run):
    for row in run[1]["rows"]:
        ours = row["contenders"]["tf_emb"]["seconds"]
        assert list(row["ratios"]) == ["tf_emb, keras SGD", "keras", "torch"]
        for name, ratio in row["ratios"].items():
            of = row["contenders"][name]
            rounds = [a / b for a, b in zip(ours, of["seconds"], strict=True)]
            assert of["median"] == statistics.median(of["seconds"])
            assert ratio["rounds"] == rounds
            assert ratio["median"] == statistics.median(rounds)
            assert ratio["least"] == min(rounds) <= ratio["median"] <= max(rounds) == ratio["most"]


def test_contenders_train_alike(run):
    _, result, said = run
    assert not list(apart(result))
    assert "differently" not in said
    result["rows"][1]["contenders"]["torch"]["moved"] *= 1.01
    assert list(apart(result)) == [result["rows"][1]["name"]]


def test_files_and_table(run):
    out, result, said = run
    assert (out / "speed.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (out / "speed.svg").read_text()
    assert (out / "copy" / "speed.json").read_text() == (out / "speed.json").read_text()
    table = said.partition("\n\n")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "\x1b" not in said
    assert "…" not in table
    for row in result["rows"]:
        assert row["name"] in table


def test_zipf_gives_the_first_id_its_share():
    ids = layers.zipf(np.random.default_rng(0), 100, (20_000,))
    assert ids.min() == 0
    assert ids.max() == 99
    assert np.mean(ids == 0) == pytest.approx(1 / sum(1 / rank for rank in range(1, 101)), abs=0.01)


def test_a_round_starts_with_another_contender():
    assert [speed.rotated("abc", number) for number in range(4)] == [[*"abc"], [*"bca"], [*"cab"], [*"abc"]]


def test_a_contender_that_breaks_says_why(tmp_path):
    row = layers.Row("Embedding", "NoSuchOptimizer", 10, 2)
    with (
        speed.Contender("torch", row, 1, tmp_path / "log") as of,
        pytest.raises(RuntimeError, match=r"^torch ended, exit status 1: .*NoSuchOptimizer"),
    ):
        of.answer()


def test_what_cannot_be_measured_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`--subject` must be one of layers, projector, word2vec; got 'cakes'\."):
        speed.run(tmp_path, subject="cakes")


def test_what_is_measured_is_handed_over_after_every_row(tmp_path):
    seen = []
    whole = speed.run(tmp_path, only="Embedding", rounds=1, quick=True,
                      on_result=lambda result: seen.append([row["name"] for row in result["rows"]]))  # fmt: skip
    names = [row["name"] for row in whole["rows"]]
    assert seen == [names[:1], names]
