"""What the documents say is run, and what they quote is what the commands print."""

import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from compare import SUITE

ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "docs/methods.md",
    "docs/parity.md",
    "docs/projector.md",
    "docs/results.md",
    "docs/semantics.md",
    "docs/word2vec.md",
)
TEXT = "the cat sat on the mat\nthe dog sat on the rug\nthe cat saw the dog\n" * 40


def blocks(document, language):
    text = (ROOT / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands():
    for document in DOCUMENTS:
        for block in blocks(document, "sh"):
            for line in block.splitlines():
                if line.strip():
                    yield pytest.param(line, id=f"{document}: {line.split('#')[0].strip()}")


def run(arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


PYTHON = [pytest.param(block, id=f"{document} {i}") for document in DOCUMENTS
          for i, block in enumerate(blocks(document, "python"))]  # fmt: skip


def test_there_is_something_to_run():
    assert len(PYTHON) >= 6
    assert len(list(commands())) >= 10


@pytest.mark.parametrize("code", PYTHON)
def test_python_examples_run(code, tmp_path):
    run([sys.executable, "-c", code], tmp_path)


@pytest.mark.parametrize("line", list(commands()))
def test_commands_exist_and_take_their_options(line, tmp_path):
    """`make` targets exist; `compare` commands are parsed; `tf-emb` commands are run."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif words[:2] == ["python", "-m"] and words[2].partition(".")[0] == "compare":
        # --help makes typer parse what stands before it and run nothing.
        run([sys.executable, *words[1:], "--help"], ROOT)
        known = SUITE.load()
        assert all(name in known for option, name in pairwise(words) if option == "--case")
    else:
        assert words[0] == "tf-emb"
        (tmp_path / "corpus.txt").write_text(TEXT)
        program = [sys.executable, "-c", "from tf_emb.cli import main; main()"]
        if words[1] != "train":
            run([*program, "train", "corpus.txt", "-o", "vectors.bin", "--dim", "4", "--epochs", "1"], tmp_path)
        run([*program, *words[1:]], tmp_path)


def parity_table(document):
    text = (ROOT / document).read_text()
    return text.split("<!-- parity: begin -->")[1].split("<!-- parity: end -->")[0]


@pytest.mark.parametrize("document", ["README.md", "README.zh-CN.md", "docs/results.md"])
def test_the_parity_table_lists_every_case_of_today(document):
    """The README those of `--quick`, docs/results.md all."""
    lines = [line.strip() for line in parity_table(document).splitlines()]
    for case in SUITE.load().values():
        if not case.full and (case.quick or document == "docs/results.md"):
            heading, *_ = [line for line in lines if re.match(rf"{case.name}\s+faults", line)]
            count = len(case.faults) + 1  # and the element moved by ten bounds
            assert f"{count}/{count} caught" in heading


@pytest.mark.parametrize("document", ["README.md", "README.zh-CN.md"])
def test_the_parity_table_shows_no_failure_and_both_readmes_show_the_same(document):
    table = parity_table(document)
    assert "✗" not in table
    assert "!" not in table
    assert table == parity_table("README.md")


@pytest.mark.parametrize("document", [*DOCUMENTS, "compare/references/README.md", "logs/README.md"])
def test_links_lead_somewhere(document):
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_two_readmes_have_the_same_examples():
    for language in ("python", "sh"):
        strip = [re.sub(r"\s*#.*", "", block) for block in blocks("README.md", language)]
        assert strip == [re.sub(r"\s*#.*", "", block) for block in blocks("README.zh-CN.md", language)]


def test_the_changelog_names_every_case():
    text = (ROOT / "CHANGELOG.md").read_text()
    families = ("embedding-", "bag-", "trajectory-", "exact-", "block-")
    named = [case.name for case in SUITE.load().values() if not case.diverges and not case.name.startswith(families)]
    assert all(f"`{name}`" in text for name in named)
    assert all(f"`{family}*`" in text for family in families)


def test_every_row_of_the_semantics_names_a_case_or_a_test_that_exists():
    text = (ROOT / "docs" / "semantics.md").read_text()
    rows = [
        line for line in text.splitlines() if line.startswith("| ") and "| item |" not in line and "policy" not in line
    ]
    known = set(SUITE.load())
    for row in rows:
        last = row.rstrip(" |").split("|")[-1]
        names = re.findall(r"`([\w*-]+)`", last)
        tests = re.findall(r"tests/\w+\.py", last)
        if row.count("|") == 4:  # item, semantics, case
            assert names or tests or last.strip().startswith("the same"), row
        assert all(any(k.startswith(name.rstrip("*")) for k in known) for name in names if "-" in name), row
        assert all((ROOT / test).exists() for test in tests), row


def test_the_table_of_optimizers_names_every_case_about_them_and_each_row_names_one():
    from compare.cases.optimizers import gradient_clipping, learning_rate_schedules
    from compare.cases.optimizers import rules as optimizer_rules
    from compare.cases.optimizers import trajectories as optimizers

    section = (ROOT / "docs" / "semantics.md").read_text().split("## Optimizers\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    known, named = set(SUITE.load()), set()
    for row in rows:
        here = set(re.findall(r"`([\w-]+)`", row.rstrip(" |").split("|")[-1]))
        assert here, row
        assert here <= known, row
        named |= here
    for subject in (gradient_clipping, learning_rate_schedules, optimizer_rules, optimizers):
        assert {case.name for case in subject.CASES} <= named


def test_the_page_of_methods_names_every_method():
    text = (ROOT / "docs" / "methods.md").read_text()
    names = [path.stem for path in (ROOT / "compare" / "bench" / "methods" / "measures").glob("[!_]*.py")]
    assert len(names) >= 9
    assert all(f"`tf_emb.methods.{name}" in text or f"`tf_emb.evaluate.{name}`" in text for name in names)
