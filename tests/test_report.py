import io
import json
import math
import re
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from report_sample import KERAS, LONG, judged, sample
from rich.cells import cell_len
from rich.console import Console

from tf_emb.parity import report
from tf_emb.parity.check import Row, describe
from tf_emb.parity.dtypes import DTYPES
from tf_emb.parity.report import as_json, view
from tf_emb.parity.report.junit import as_junit
from tf_emb.parity.report.read import from_json
from tf_emb.parity.report.terminal import print_report
from tf_emb.parity.result import FaultResult, Result


@pytest.fixture
def result():
    return sample()


def printed(result, width=80, **console):
    file = io.StringIO()
    print_report(result, Console(file=file, width=width, **console))
    return "\n".join(map(str.rstrip, file.getvalue().splitlines()))


def failures_in(result):
    return [row for row in result.rows if row.failed]


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_terminal_fits_the_console_and_keeps_every_cell(result, width):
    text = printed(result, width)
    assert max(map(cell_len, text.splitlines())) <= width
    cells = text.partition("How to read")[0].split()
    for row in result.rows:
        assert view.cell(row).split()[-1] in cells


@pytest.mark.parametrize("width", [80, 100])
def test_terminal_says_where_a_failure_is_and_how_far_off(result, width):
    wrong = next(row for row in failures_in(result) if row.index)
    block = printed(result, width).partition("Failures\n")[2]
    assert f"✗ bag · out · {KERAS} · float64" in block
    for value in (
        wrong.index,
        repr(wrong.got),
        repr(wrong.want),
        "measured  3.400e-02",
        "allowed   1.000e-07",
    ):
        assert str(value) in block
    assert "shape must be (3, 4); got (4, 3)" in block


def test_terminal_tells_states_apart_without_colour(result):
    text = printed(result, 100)
    assert "\x1b" not in text
    cells = {view.state(row): view.cell(row) for row in result.rows}
    assert set(cells) == set(view.LEGEND)
    assert len({re.sub(r"[\d.e-]+$", "", cell) for cell in cells.values()}) == len(view.LEGEND)


def test_terminal_colours_what_it_says(result):
    coloured = printed(result, 100, force_terminal=True, color_system="standard", no_color=False)
    assert "\x1b[1;31m✗ 3.4e5\x1b[0m" in coloured.partition("How to read")[0]


@pytest.mark.parametrize(("width", "tables"), [(60, 2), (80, 1)])
def test_terminal_splits_the_engines_when_they_do_not_fit(result, width, tables):
    text = printed(result, width)
    assert text.count("case and output") == tables
    assert text.count(KERAS) == printed(result, 140).count(KERAS)


def test_four_precisions_fit_eighty_columns_and_tear_no_engine_apart():
    names = ("numpy", "torch", KERAS)
    rows = [judged("bag", "weights gradient", e, d, error=0.0071) for e in names for d in DTYPES]
    rows.append(Row("bag", "weights gradient", "jax", "bfloat16", "diverges", "NaN stands elsewhere"))
    text = printed(replace(sample(), rows=rows, dtypes=list(DTYPES)), 80)
    lines = text.partition("How to read")[0].splitlines()
    assert max(map(cell_len, lines)) <= 80
    heads = [line.removeprefix("case and output").split() for line in lines if line.startswith("case and output")]
    assert heads == [[*DTYPES], [*DTYPES], [*DTYPES, "bfloat16"]]
    assert "≠ differs" in text


def test_the_name_of_a_case_is_not_folded_where_the_table_is_narrow():
    name = "embedding-out-of-range-raise"
    faults = [FaultResult(name, "off by one", "a", "b", {"float16": 9.0}, True)]
    narrow = replace(sample(), rows=[judged(name, "out", "jax", "float16")], cases=[], faults=faults)
    assert re.search(rf"{name}\s+faults 1/1 caught", printed(narrow, 80))


def test_a_message_is_repeated_only_when_it_says_more_than_the_numbers(result):
    wrong = next(row for row in failures_in(result) if row.index)
    assert view.remark(wrong) == ""
    assert view.remark(replace(wrong, message="not as declared")) == "not as declared"


def test_terminal_prints_markup_as_it_stands_and_no_control_characters(result):
    text = printed(result, 140)
    assert "[bold]not markup[/bold] <script>alert(1)</script> & \\x1b[31mred\\x00" in text
    assert "adagrad [red]" in text
    assert "\x00" not in text


def test_terminal_reports_faults_costs_divergences_engines_and_slack(result):
    text = printed(result, 140)
    assert "✗ faults 1/2 caught" in text
    assert "faults 1/1 caught" in text
    assert "one-hot takes 35x the time of lookup: 2.1 ms against 60 µs, float32, torch" in text
    assert "It never coalesces <repeated> ids.\n    accumulator float64 ≠ 4.0e7 · accumulator float32 healed" in text
    assert "torch recorded: from compare/references, torch 2.13" in text
    assert f"bag · {LONG}: at most 2.0e-4" in text
    assert "- s / n\n    + s  # <script>" in text
    assert result.last_line not in text


def test_a_bound_that_one_engine_uses_is_not_slack(result):
    result.rows.append(judged("bag", LONG, "jax", "float64", error=0.5))
    assert view.slack_bounds(result) == []


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.0, "0"), (0.123, "0.12"), (1, "1.0"), (35, "35"), (349.6, "350"), (3.4e5, "3.4e5"), (1e-7, "1.0e-7"),
     (math.inf, "inf")],
)  # fmt: skip
def test_number(x, text):
    assert view.number(x) == text


def test_json_round_trips_and_stays_finite(result, tmp_path):
    read = json.loads(report.write(result, tmp_path)["report.json"].read_text(), parse_constant=pytest.fail)
    assert (read["passed"], read["failed"]) == (result.passed, result.failed)
    assert [row["used"] for row in read["rows"]] == [row.used for row in result.rows]
    assert set(read) == {"passed", "failed", *asdict(result)}
    assert read["faults"][0]["used"] == {"float64": 8e14, "float32": "inf"}
    assert read["curves"][0]["errors"][f"{KERAS} float32"][-2:] == ["inf", "nan"]
    assert {case["name"] for case in read["cases"]} <= {row["case"] for row in read["rows"]}


def test_junit_counts_what_the_last_line_counts(result):
    root = ET.fromstring(as_junit(result))
    tests, failures, errors, skipped = (int(root.get(k)) for k in ("tests", "failures", "errors", "skipped"))
    assert tests == len(result.rows) + len(result.faults) + 1
    assert (failures, errors, skipped) == (3, 3, 2)
    assert failures + errors == result.failed
    assert tests - failures - errors - skipped == result.passed
    assert sum(int(suite.get("tests")) for suite in root) == tests == len(list(root.iter("testcase")))


def test_junit_says_what_was_wrong(result):
    said = {test.get("name"): test for test in ET.fromstring(as_junit(result)).iter("testcase")}
    wrong = next(row for row in failures_in(result) if row.index)
    assert said[f"out [{KERAS} float64]"].find("failure").text == wrong.message == describe(asdict(wrong))
    assert "<script>" in said[f"{LONG} [torch float32]"].find("error").text
    assert said["fault: sum < mean"].find("failure") is not None
    assert said["fault: mean over padding"].find("failure") is None


def test_files_are_replaced_as_a_whole(result, tmp_path, monkeypatch):
    paths = report.write(result, tmp_path / "new")
    assert {p.name for p in (tmp_path / "new").iterdir()} == set(paths) == {"report.html", "report.json", "junit.xml"}
    before = paths["report.html"].read_text()

    def full(path, text, **_):
        path.write_bytes(text[:9].encode())
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="disk full"):
        report.write(result, tmp_path / "new")
    assert paths["report.html"].read_text() == before
    assert len(list((tmp_path / "new").iterdir())) == 3


def test_terminal_prints_an_empty_result():
    assert "Parity" in printed(Result("2026-01-31", 0, "cpu", ["float64"], {}))


def test_json_is_read_back_as_it_was_written(result):
    read = from_json(as_json(result))
    assert as_json(read) == as_json(result)
    assert read.curves[0].errors[f"{KERAS} float32"][-2] == math.inf
    assert read.faults[0].used["float32"] == math.inf
    assert [row.message for row in read.rows] == [row.message for row in result.rows]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": 3}', '{"rows": [{"colour": "red"}]}'])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(ValueError, match=r"^a report must be a report\.json of this version of tf-emb; got "):
        from_json(text)
