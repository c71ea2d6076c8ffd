"""The optional engine: named where it is absent, and held to the same cases where it is there."""

import importlib.util
import io
import json

import numpy as np
import pytest
from rich.console import Console
from test_parity import compare

from compare import SUITE
from tf_emb.parity import engines, worker
from tf_emb.parity import run as parity
from tf_emb.parity.dtypes import DTYPES, LOW, as_numpy
from tf_emb.parity.jobs import Job
from tf_emb.parity.plan import Options, make_plan
from tf_emb.parity.report.terminal import print_report
from tf_emb.parity.stand_ins import StandIns
from tf_emb.parity.suite import diverging

PADDED = ("embedding-padding", "embedding-all")
installed = pytest.mark.skipif(not importlib.util.find_spec("paddle"), reason="pip install -e '.[paddle]'")


@pytest.fixture
def without(monkeypatch):
    monkeypatch.setattr(engines, "missing", lambda name: ["paddle"] if name == "paddle" else [])


def test_absent_and_unnamed_it_is_said_to_be_absent_and_has_no_column(monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "missing", lambda name: [] if name == "numpy" else [engines.HOMES[name].needs[0]])
    monkeypatch.setattr(StandIns, "engines", lambda self: [])
    result = parity.run_comparison(Options(SUITE, cases=("lookup",), dtypes=("float32",)), tmp_path)
    assert {row.engine for row in result.rows} == set(engines.HOMES) - {"paddle"}
    assert {row.status for row in result.rows if row.engine == "torch"} == {"absent"}
    (paddle,) = [engine for engine in result.engines if engine.name == "paddle"]
    assert paddle.status == "absent"
    file = io.StringIO()
    print_report(result, Console(file=file, width=80))
    assert "paddle absent: paddle not installed" in file.getvalue()


def test_absent_and_named_it_is_an_error_that_says_what_to_install(without):
    with pytest.raises(ImportError, match=r"`--engine` paddle needs paddle; not installed\. .*'tf-emb\[paddle\]'"):
        make_plan(Options(SUITE, engines=("paddle",)))


def test_where_it_differs_is_declared_for_the_padding_row_only():
    declared = {name for name, case in SUITE.load().items() if "paddle" in case.diverges}
    assert declared == {name for name in SUITE.load() if name == "lookup" or name.startswith(PADDED)}
    assert not any(diverging(SUITE.load()[name]) for name in ("lookup", "embedding-padding"))


def test_a_dtype_that_a_framework_lacks_is_no_error_and_no_pass(tmp_path):
    case = SUITE.load()["one-hot"]
    assert case.lacks["paddle"] == LOW
    job = Job("one-hot", "float16")
    assert worker.run("paddle", None, case, job, tmp_path) == {"absent": True}


@installed
def test_it_gets_and_gives_every_number():
    engine = engines.start("paddle", "cpu")
    for dtype in DTYPES:
        given = {"a": np.array([1.5, -0.0, np.inf, 3e-5]).astype(as_numpy(dtype)), "rate": np.asarray(0.5)}
        loaded = engine.load(given, dtype)
        back = engine.unload(loaded["a"])
        assert loaded["rate"] == 0.5
        assert back.dtype == as_numpy(dtype)
        assert back.tobytes() == given["a"].tobytes()


@installed
def test_it_agrees_or_differs_as_declared(tmp_path):
    names = ("lookup", "one-hot", "embedding-all", "embedding-by-freq")
    chosen = [word for name in names for word in ("--case", name)]
    status, text, _ = compare(*chosen, "--engine", "paddle", "--out", tmp_path)
    assert status == 0, text
    rows = json.loads((tmp_path / "report.json").read_text())["rows"]
    found = {(row["case"], row["output"], row["dtype"]): row["status"] for row in rows}
    assert found["lookup", "forward", "float64"] == "diverges"
    assert found["lookup", "gradient", "float16"] == "pass"
    assert found["embedding-by-freq", "gradient", "bfloat16"] == "pass"
    assert found["embedding-all", "table", "float64"] == "n/a"
