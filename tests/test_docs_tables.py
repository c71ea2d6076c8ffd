"""`python -m compare docs`: from a report to tables, from imports to a picture."""

import re
from xml.etree import ElementTree as ET

import pytest
from report_sample import KERAS, sample
from typer.testing import CliRunner

import compare.cases
from compare import SUITE
from compare.docs import pages, tables
from compare.docs.drawing import BOX, draw, placed, reduced
from compare.docs.groups import GROUPS, Group, grouped, home
from compare.docs.rooms import between, imports, modules
from tf_emb.parity.report import as_json
from tf_emb.parity.suite import subjects

TABLES = {
    Group(("Tables", "表"), ("rows are copied", "取行"), ()): ["lookup", "gone"],
    Group(("Bags", "袋"), ("rows are averaged", "平均"), ()): ["bag"],
    Group(("Updates", "更新"), ("squares add up", "平方和"), ()): ["adagrad"],
    Group(("Nothing", "无"), ("no case of the report", "无"), ()): [],
}


def cells(text):
    """Each row of the tables in `text`, by its first cell."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in ([cell.strip() for cell in line[1:-1].split(" | ")] for line in lines)}


@pytest.mark.parametrize("language", [0, 1])
def test_the_summary_has_a_row_per_group_and_their_sum(language):
    found = cells(tables.summary(sample(), TABLES, language))
    assert list(found)[2:] == [list(TABLES)[i].title[language] for i in range(3)] + [tables.ALL[language]]
    rows = list(found.values())[2:]
    assert [row[0] for row in rows] == ["1", "1", "1", "3"]
    assert [row[3] for row in rows] == ["exact", "0.99", "1.0", "1.0"]
    assert [row[4] for row in rows] == ["0/0", "1/2", "1/1", "2/3"]
    assert rows[0][2] == tables.JOINED[language].join(["numpy", "torch", KERAS])


def test_the_summary_counts_the_ways_to_run_keras():
    result = sample()
    result.rows = [
        row
        for engine in (KERAS, "keras-jax")
        for row in result.rows
        if row.engine == KERAS
        for row in [type(row)(**{**row.as_dict(), "engine": engine})]
    ]
    result.engines = [type(result.engines[2])(engine, "ran") for engine in (KERAS, "keras-jax")]
    assert cells(tables.summary(result, TABLES))["Tables"][2] == "keras × 2"


def test_the_results_have_a_section_per_group_and_a_cell_per_engine():
    text = tables.results(sample(), TABLES)
    assert re.findall(r"^### (.+)$", text, re.MULTILINE) == ["Tables", "Bags", "Updates", "Declared divergences"]
    found = cells(text)
    assert found["**bag**, faults 1/2"] == ["", "", ""]
    assert found["out"][1:] == ["0.12 · 0.50", "✗ 3.4e5 · 0.99"]
    assert found["accumulator"] == ["1.0 · –", "≠ 4.0e7 · healed"]
    assert found["adagrad"][:2] == [KERAS, r"It never coalesces \<repeated> ids."]
    assert "| out | exact | exact | exact |" in text


def test_the_results_say_how_they_were_made_and_where_is_left_out():
    result = sample()
    result.command += " --out /tmp/x --json=/tmp/x.json --dtype float32"
    text = tables.results(result, TABLES)
    said = "`python -m compare parity --seed 7 --dtype float32` found on 2026-01-31, with seed 7, on CPU"
    assert said in text
    assert result.last_line in text
    assert "numpy 2.3.5, torch 2.13, keras 3.15.1, tensorflow 2.21. Not run: torch recorded, jax absent." in text


def test_markup_in_a_name_stays_text():
    assert tables._escaped("a|b *c* `d` <e> tf_emb _f_ \x1b[31m") == r"a\|b \*c\* \`d\` \<e> tf_emb \_f\_ "


def test_every_subject_falls_into_a_group_and_every_group_names_what_exists():
    assert sorted(name for names in grouped().values() for name in names) == sorted(SUITE.load())
    assert all(grouped().values())
    named = {f"compare.cases.{name}" for group in GROUPS for name in group.subjects}
    assert named <= set(modules())
    assert all(home(module.__name__.removeprefix("compare.cases.")) in GROUPS for module in subjects(compare.cases))


def test_the_group_of_a_case_is_the_longest_name_it_lies_in():
    titles = {name: home(name).title[0] for name in ("layers.new", "layers.embedding_bag", "word2vec.gensim")}
    assert list(titles.values()) == ["Embedding layers", "Bags", "word2vec, gensim's"]
    with pytest.raises(ValueError, match="must name every folder; it lacks audio"):
        home("audio.new")


@pytest.mark.parametrize(
    "text",
    ["none", "<!-- parity: begin -->", "<!-- parity: end --><!-- parity: begin -->", "<!-- parity: begin -->" * 2],
)
def test_a_page_without_its_markers_is_refused(text, tmp_path):
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(ValueError, match=r"page\.md must hold <!-- parity: begin --> and, after it, <!-- parity: end"):
        pages.filled(tmp_path / "page.md", "parity", "table")


def test_what_stands_outside_of_the_markers_stays(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- parity: begin -->\nold\n<!-- parity: end -->\nafter\n")
    for _ in range(2):
        path.write_text(pages.filled(path, "parity", "| new |"))
    assert path.read_text() == "before\n<!-- parity: begin -->\n\n| new |\n\n<!-- parity: end -->\nafter\n"


def run(*args):
    result = CliRunner().invoke(command_line(), args)
    return result.exit_code, result.output


def command_line():
    from compare.__main__ import app

    return app


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """Pages of our own, and a report of every case."""
    for name in ("README.md", "README.zh-CN.md", "results.md"):
        (tmp_path / name).write_text("# Page\n<!-- parity: begin -->\n<!-- parity: end -->\n")
    (tmp_path / "architecture.md").write_text("<!-- rooms: begin -->\n<!-- rooms: end -->\n")
    (tmp_path / "semantics.md").write_text(pages.SEMANTICS.read_text())
    monkeypatch.setattr(pages, "SEMANTICS", tmp_path / "semantics.md")
    monkeypatch.setattr(pages.words, "block", lambda: "| class |")  # tests/test_docs_words.py has the real one
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "READMES", (tmp_path / "README.md", tmp_path / "README.zh-CN.md"))
    monkeypatch.setattr(pages, "RESULTS", tmp_path / "results.md")
    monkeypatch.setattr(pages, "ARCHITECTURE", tmp_path / "architecture.md")
    monkeypatch.setattr(pages, "PICTURE", tmp_path / "rooms.svg")
    monkeypatch.setattr(pages, "LOGS", tmp_path / "logs")
    return tmp_path


def report(folder, name="report", **changes):
    """Write a report that holds every case of the suite and no failure, but for `changes`."""
    result = sample()
    entry = result.cases[0]
    result.cases = [entry | {"name": case.name} for case in SUITE.load().values() if not case.full]
    result.rows = [type(row)(**{**row.as_dict(), "case": "lookup"}) for row in result.rows if not row.failed]
    result.faults = [fault for fault in result.faults if fault.caught]
    result.engines = [engine for engine in result.engines if engine.status != "error"]
    for key, value in changes.items():
        setattr(result, key, value)
    path = folder / f"{name}.json"
    path.write_text(as_json(result))
    return path


def test_docs_writes_every_page_once_and_check_says_whether_it_would(elsewhere):
    path = report(elsewhere)
    status, said = run("docs", "--report", str(path), "--check")
    assert [status, said.count("would change")] == [1, 5]
    assert not (elsewhere / "rooms.svg").exists()
    status, said = run("docs", "--report", str(path))
    assert [status, said.count("written")] == [0, 5]
    status, said = run("docs", "--report", str(path), "--check")
    assert [status, said.count("as it is")] == [0, 5]
    assert "| 嵌入层 |" in (elsewhere / "README.zh-CN.md").read_text()
    assert "`tf_emb.ops`" in (elsewhere / "architecture.md").read_text()


def test_docs_takes_the_newest_report_unless_one_is_named(elsewhere):
    for name in ("20260101", "20260102"):
        (elsewhere / "logs" / name).mkdir(parents=True)
        report(elsewhere / "logs" / name, seed=int(name))
    assert run("docs")[0] == 0
    assert "with seed 20260102" in (elsewhere / "README.md").read_text()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cases": []}, "`--report` must hold every case; "),
        ({"faults": [f for f in sample().faults if not f.caught]}, "must be of a run without failures; "),
    ],
)
def test_a_report_that_proves_less_is_refused(elsewhere, changes, said):
    with pytest.raises(ValueError, match=said):
        pages.read(report(elsewhere, **changes))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--report", "nowhere.json"), "must be a report.json that can be read; got nowhere.json"),
        (("--report", "README.md"), "a report must be a report.json of this version"),
        (("--report", "README.md", "--map"), "`--map` must stand without a report"),
        ((), "`--report` must name a report.json; got none"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(args, said, elsewhere, monkeypatch):
    monkeypatch.chdir(elsewhere)
    status, text = run("docs", *args)
    assert status == 2
    assert said in text
    assert len(text.strip().splitlines()) == 1


DIAMOND = {"bottom": [], "left": ["bottom"], "right": ["bottom"], "top": ["left", "right", "bottom"]}


def test_an_import_that_others_imply_is_not_drawn_dark():
    assert reduced(DIAMOND) == {"bottom": [], "left": ["bottom"], "right": ["bottom"], "top": ["left", "right"]}


def test_boxes_stand_apart_and_a_long_line_runs_between_them():
    places = placed(DIAMOND, {"top": 0, "left": 1, "right": 1, "bottom": 2})
    (left, _), (right, _) = places["left", "left"][0], places["right", "right"][0]
    assert abs(left - right) > BOX
    line = places["top", "bottom"]
    assert [row for _, row in line] == [0, 1, 2]
    assert min(abs(line[1][0] - x) for x in (left, right)) > BOX / 2
    assert line[0] == places["top", "top"][0]


def test_the_picture_is_the_same_every_time(tmp_path):
    rooms = between(imports())
    texts = []
    for name in ("a.svg", "b.svg"):
        draw(rooms, tmp_path / name)
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    assert ET.fromstring(texts[0]).tag.endswith("svg")
    draw(rooms, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
