"""`python -m compare --quick`: a declared part of the whole, which never passes for it."""

import io
import json
from xml.etree import ElementTree as ET

import pytest
from report_sample import sample
from rich.console import Console
from test_parity import compare as command

import compare.cases
from compare import SUITE
from tf_emb.parity import engines, suite
from tf_emb.parity import run as parity
from tf_emb.parity.plan import Options, make_plan
from tf_emb.parity.report import as_json
from tf_emb.parity.report.html import as_html
from tf_emb.parity.report.junit import as_junit
from tf_emb.parity.report.terminal import print_report

LEFT_OUT = {"cases": ["one-hot", "[red]bag"], "engines": ["keras-xla"]}


def subjects():
    return {module.__name__: module.CASES for module in suite.subjects(compare.cases)}


@pytest.mark.parametrize("subject", subjects())
def test_every_subject_has_a_quick_case(subject):
    quick = [case for case in subjects()[subject] if case.quick]
    assert quick
    assert not any(case.full for case in quick)


def test_quick_takes_what_declares_it_and_says_what_it_leaves_out():
    known, made = SUITE.load(), make_plan(Options(SUITE, quick=True))
    assert [case.name for case in made.cases] == [name for name, case in known.items() if case.quick]
    assert made.left_out["cases"] == [name for name, case in known.items() if not case.quick]
    assert set(made.names) | set(made.left_out["engines"]) == set(engines.HOMES)
    assert not set(made.run) & {name for name, home in engines.HOMES.items() if not home.quick}
    whole = make_plan(Options(SUITE))
    assert whole.left_out == {}
    assert set(whole.names) == set(engines.HOMES)


def test_quick_runs_the_engines_that_are_named():
    made = make_plan(Options(SUITE, quick=True, engines=("numpy", "keras-xla")))
    assert made.run == ["numpy", "keras-xla"]
    assert "torch" in made.left_out["engines"]


@pytest.mark.parametrize(("args", "said"), [(("--case", "lookup"), "--case lookup"), (("--full",), "--full")])
def test_quick_chooses_the_cases_itself(args, said):
    status, _, error = command("--quick", *args)
    assert status == 2
    assert f"`--quick` must choose the cases; got {said} too." in error
    assert len(error.strip().splitlines()) == 1


def test_list_says_which_cases_are_quick():
    text = command("--list")[1]
    assert "lookup (--quick)" in text
    assert "one-hot (--quick)" not in text


def test_a_quick_run_says_so_in_its_last_line_and_keeps_every_fault(monkeypatch, tmp_path):
    known = {name: SUITE.load()[name] for name in ("lookup", "one-hot")}
    monkeypatch.setattr(suite.Suite, "load", lambda self: known)
    result = parity.run_comparison(Options(SUITE, quick=True, engines=("numpy",)), tmp_path)
    count = len(engines.HOMES)
    assert result.last_line == f"{result.passed} passed, 0 failed (quick: 1 of 2 cases, 1 of {count} engines)"
    assert {fault.name for fault in result.faults} > set(known["lookup"].faults)


def test_every_report_names_what_was_left_out():
    result = sample()
    result.left_out = LEFT_OUT
    line = f"{result.passed} passed, {result.failed} failed (quick: 3 of 5 cases, 4 of 6 engines)"
    assert result.last_line == line
    file = io.StringIO()
    print_report(result, Console(file=file, width=80))
    assert "Left out by --quick\n  cases: one-hot, [red]bag" in "\n".join(map(str.rstrip, file.getvalue().split("\n")))
    html = as_html(result)
    assert line in html
    assert "cases: one-hot, [red]bag" in html
    assert json.loads(as_json(result))["left_out"] == LEFT_OUT
    skipped = [
        test.get("name")
        for test in ET.fromstring(as_junit(result)).iter("testcase")
        if test.find("skipped") is not None and test.find("skipped").text == "left out by --quick"
    ]
    assert skipped == ["one-hot", "[red]bag", "keras-xla"]


def test_a_whole_run_speaks_of_no_quick_one():
    result = sample()
    assert "quick" not in result.last_line
    assert "--quick" not in as_html(result)
