"""What the documents say is run, what they name exists, and what commands write in them is as they wrote it."""

import importlib
import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from compare import SUITE
from compare.docs import pages
from compare.docs.groups import GROUPS
from compare.docs.rooms import modules

ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
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


PYTHON = [
    pytest.param(block, id=f"{document} {i}")
    for document in DOCUMENTS
    for i, block in enumerate(blocks(document, "python"))
]


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


def rows(document, name="parity"):
    """The rows of the tables between the markers `name`, each a list of cells; headings are rows as well."""
    block = pages.parted(ROOT / document, name)[1]
    lines = [line for line in block.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_results_name_cases_that_exist_and_show_no_failure():
    found = rows("docs/results.md")
    named = [re.fullmatch(r"\*\*(.+)\*\*, faults (\d+)/(\d+)", row[0]) for row in found]
    assert len([match for match in named if match]) > 90
    for match in filter(None, named):
        assert match[1] in SUITE.load()
        assert match[2] == match[3] != "0"
    assert not [row for row in found for cell in row[1:] if "✗" in cell or "!" in cell or "absent" in cell]


@pytest.mark.parametrize("document", ["README.md", "README.zh-CN.md"])
def test_the_readmes_show_groups_that_exist_with_the_same_figures(document):
    heading, *groups, total = rows(document)
    assert 8 <= len(groups) <= 14
    assert {group[0] for group in groups} <= {title for group in GROUPS for title in group.title}
    assert sum(int(group[1]) for group in groups) == int(total[1])
    assert all(re.fullmatch(r"(\d+)/\1", row[5]) for row in [*groups, total])
    assert all(row[4] == "exact" or 0 < float(row[4]) <= 1 for row in [*groups, total])
    assert [row[4:] for row in rows("README.md")[1:]] == [row[4:] for row in (*groups, total)]
    assert {len(row) for row in (heading, *groups, total)} == {6}


def test_the_known_divergences_name_cases_that_exist():
    section = (ROOT / "docs" / "parity.md").read_text().split("## Known divergences\n")[1].split("\n## ")[0]
    named = [
        name
        for line in section.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([\w*-]+)`", line.split("|")[1])
    ]
    assert len(named) > 7
    assert all(any(re.fullmatch(name.replace("*", ".*"), case) for case in SUITE.load()) for name in named)


@pytest.mark.parametrize("document", [*DOCUMENTS, "docs/layers.md", "compare/references/README.md", "logs/README.md"])
def test_links_lead_somewhere(document):
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_two_readmes_have_the_same_examples():
    for language in ("python", "sh"):
        strip = [re.sub(r"\s*#.*", "", block) for block in blocks("README.md", language)]
        assert strip == [re.sub(r"\s*#.*", "", block) for block in blocks("README.zh-CN.md", language)]


def test_every_row_of_the_semantics_names_a_case_or_a_test_that_exists():
    lines = (ROOT / "docs" / "semantics.md").read_text().splitlines()
    headed = [line.endswith("| case |") for line in lines]
    known, held = set(SUITE.load()), False
    for n, row in enumerate(lines):
        if not row.startswith("| ") or headed[n] or not lines[n - 1].startswith("|"):
            held = headed[n]  # whether this table has a column of cases
            continue
        last = row.rstrip(" |").split("|")[-1]
        names = re.findall(r"`([\w*-]+)`", last)
        tests = re.findall(r"tests/\w+\.py", last)
        if held:
            assert names or tests or last.strip().startswith("the same"), row
        assert all(any(k.startswith(name.rstrip("*")) for k in known) for name in names if "-" in name), row
        assert all((ROOT / test).exists() for test in tests), row
    assert sum(headed) >= 7


def test_each_row_of_the_table_of_optimizers_names_a_case_that_exists():
    section = (ROOT / "docs" / "semantics.md").read_text().split("## Optimizers\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    for line in lines:
        named = set(re.findall(r"`([\w-]+)`", line.rstrip(" |").split("|")[-1]))
        assert named, line
        assert named <= set(SUITE.load()), line


def test_the_page_of_methods_names_what_exists():
    named = set(re.findall(r"`(tf_emb\.(?:methods|evaluate)\.\w+)", (ROOT / "docs" / "methods.md").read_text()))
    assert len(named) >= 9
    for name in named - set(modules()):
        package, _, member = name.rpartition(".")
        assert hasattr(importlib.import_module(package), member), name
