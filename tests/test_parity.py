"""The comparison as its users run it: the command, its exit status, its files, its vectors."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tensorboard_server import TensorBoard

from compare import SUITE
from compare.cases.word2vec import logged as vectors
from tf_emb.parity import engines, record
from tf_emb.parity import run as parity
from tf_emb.parity.dtypes import WIDE
from tf_emb.parity.jobs import Job
from tf_emb.parity.plan import Options, make_plan
from tf_emb.parity.stand_ins import DTYPES

ROOT = Path(__file__).parent.parent


def compare(*args, cwd=ROOT, **environment):
    """Run `python -m compare`; return status, standard output, standard error."""
    command = [sys.executable, "-m", "compare", *map(str, args)]
    environment = {**os.environ, "COLUMNS": "100", **environment}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """One run of three quick cases on every engine."""
    out = tmp_path_factory.mktemp("quick")
    cases = ("--case", "lookup", "--case", "skipgram", "--case", "keras-adagrad-repeats")
    status, text, _ = compare(*cases, "--out", out, "--json", out / "copy.json")
    return status, text, out


def test_a_run_that_agrees_exits_0_and_ends_with_its_count(quick):
    status, text, _ = quick
    assert status == 0
    passed, failed = map(int, re.fullmatch(r"(\d+) passed, (\d+) failed", text.splitlines()[-1]).groups())
    assert failed == 0
    assert passed > 40


def test_every_report_is_written_and_agrees_with_the_last_line(quick):
    _, text, out = quick
    report = json.loads((out / "report.json").read_text())
    assert json.loads((out / "copy.json").read_text()) == report
    assert text.splitlines()[-1] == f"{report['passed']} passed, {report['failed']} failed"
    assert (out / "report.html").read_text().lstrip().lower().startswith("<!doctype html>")
    assert (out / "junit.xml").read_text().startswith("<?xml")
    rows = {(r["case"], r["engine"], r["dtype"]) for r in report["rows"] if r["status"] == "pass"}
    assert {("skipgram", e, d) for e in ("torch", "keras-tensorflow") for d in WIDE} <= rows
    assert all(r["used"] <= 1 for r in report["rows"] if r["status"] == "pass")
    assert all(fault["caught"] for fault in report["faults"])
    assert report["engines"][0]["versions"]
    assert report["seed"] == 0


def test_a_known_divergence_is_shown_and_is_no_failure(quick):
    _, text, out = quick
    rows = [r for r in json.loads((out / "report.json").read_text())["rows"] if r["status"] == "diverges"]
    assert {(r["case"], r["engine"]) for r in rows} == {("keras-adagrad-repeats", "keras-tensorflow")}
    assert all(r["used"] > 1 for r in rows)
    assert "sum(g^2)" in text


def test_one_wrong_sign_in_tf_emb_exits_1_and_says_where(tmp_path):
    for name in ("tf_emb", "compare"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "tf_emb" / "layers" / "negative_sampling.py"
    right, wrong = "ops.log_sigmoid(positive)", "ops.log_sigmoid(-positive)"
    assert right in source.read_text()
    source.write_text(source.read_text().replace(right, wrong))
    # An installed copy must not be found instead of this one.
    status, text, _ = compare(
        "--case", "skipgram", "--engine", "keras-tensorflow", "--out", tmp_path / "out", cwd=tmp_path
    )
    assert status == 1
    assert text.splitlines()[-1].endswith(" failed")
    assert not text.splitlines()[-1].endswith(" 0 failed")
    failures = text[text.index("Failures") :]
    for said in ("skipgram", "loss", "keras-tensorflow", "float64", "index", "measured", "allowed"):
        assert said in failures


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--case", "nonsense"), "`--case` must be one of"),
        (("--engine", "mxnet"), "`--engine` must be one of"),
        (("--dtype", "float8"), "`--dtype` must be one of"),
        (
            ("--case", "sgd", "--dtype", "float16"),
            "`--dtype` must be one of float64, float32 for case sgd; got float16",
        ),
        (("--device", "abacus"), "`--device` must be one of"),
        (("references",), "Give one of --check and --record"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(args, said):
    status, _, error = compare(*args)
    assert status == 2
    assert said in error
    assert "Traceback" not in error


def test_list_names_cases_and_engines_without_running_anything():
    status, text, _ = compare("--list")
    assert status == 0
    for name in ("lookup", "word2vec-full (--full)", "engine torch: installed"):
        assert name in text


def test_a_named_engine_that_is_not_installed_is_an_error_and_an_unnamed_one_is_not(monkeypatch):
    monkeypatch.setattr(engines, "missing", lambda name: ["keras"] if name == "keras-tensorflow" else [])
    with pytest.raises(ImportError, match="keras-tensorflow needs keras"):
        make_plan(Options(SUITE, engines=("keras-tensorflow",)))
    made = make_plan(Options(SUITE, cases=("lookup",)))
    assert made.absent == {"keras-tensorflow": "keras not installed"}
    assert set(made.run) == set(engines.HOMES) - {"keras-tensorflow"}


def test_recorded_outputs_stand_in_for_a_missing_pytorch(monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "missing", lambda name: ["torch"] if name == "torch" else [])
    result = parity.run_comparison(Options(SUITE, cases=("skipgram", "adagrad")), tmp_path)
    rows = [row for row in result.rows if row.engine == "torch"]
    assert len(rows) == 2 * (4 + 8)
    assert {row.status for row in rows} == {"pass"}
    assert next(e for e in result.engines if e.name == "torch").status == "recorded"
    other = parity.run_comparison(Options(SUITE, cases=("skipgram",), seed=1), tmp_path / "other")
    assert {row.status for row in other.rows if row.engine == "torch"} == {"absent"}


def test_the_record_is_small_and_every_entry_belongs_to_a_case_of_a_default_run():
    assert sum(path.stat().st_size for path in SUITE.recorded.rglob("*.npz")) < 2_000_000
    made = make_plan(Options(SUITE, dtypes=DTYPES))
    assert set(made.stand_ins.cases("torch")) <= {job.case for job in record.implemented(made)}


@pytest.mark.skipif(not engines.missing("torch") and __import__("torch").cuda.is_available(), reason="a GPU is there")
def test_a_device_that_an_engine_does_not_see_is_an_error_that_says_so(tmp_path):
    status, text, _ = compare("--case", "lookup", "--device", "gpu", "--out", tmp_path)
    assert status == 1
    assert "must be one that torch can use" in " ".join(text.split())


@pytest.mark.gpu
@pytest.mark.skipif(not __import__("torch").cuda.is_available(), reason="no GPU")
def test_the_comparison_holds_on_a_gpu(tmp_path):
    status, text, _ = compare("--device", "gpu", "--out", tmp_path)
    assert status == 0, text


def test_tensorboard_serves_the_vectors_that_were_trained(tmp_path):
    work, logs = tmp_path / "work", tmp_path / "logs"
    result = parity.run_comparison(Options(SUITE, cases=("word2vec",), dtypes=("float32",)), work)
    assert result.failed == 0
    run = logs / "compare" / "20260101-000000"
    assert vectors.log(result, work, run) == ["numpy", "torch", "keras-tensorflow"]
    assert (run / "vectors.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (run / "vectors.svg").read_text()
    (logged,) = [path.relative_to(logs).as_posix() for path in run.iterdir() if path.is_dir()]
    with TensorBoard(logs) as board:
        board.wait_for(lambda: board.runs() == [logged])
        for name in ("numpy", "torch", "keras-tensorflow"):
            served = board.tensor(logged, name, 50)
            trained = Job("word2vec", "float32").read(work, name)["center"]
            assert trained.dtype == np.float32
            assert trained.shape == (1759, 50)
            assert np.array_equal(served, trained)
