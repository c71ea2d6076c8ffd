"""The examples of docs/layers.md run, each alone, and print what the page shows.

`PYTHONPATH=. python tests/test_layers_page.py` puts what they print now into the page.
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "layers.md"
SECTION = re.compile(
    r"^## (?P<title>\d+\. [^\n]+)\n\n(?P<why>.+?)\n\n```python\n(?P<code>.*?)^```\n\n```text\n(?P<shown>.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)
SECTIONS = list(SECTION.finditer(PAGE.read_text(encoding="utf-8")))


def printed(code, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section["title"])
def test_an_example_prints_what_the_page_shows(section, tmp_path):
    if "torch" in section["code"] and find_spec("torch") is None:
        pytest.skip("torch is not installed")
    assert printed(section["code"], tmp_path) == section["shown"]


def test_there_are_ten_short_examples_each_with_a_reason():
    assert [int(section["title"].split(".")[0]) for section in SECTIONS] == list(range(1, 11))
    for section in SECTIONS:
        assert len(section["code"].splitlines()) < 20, section["title"]
        assert section["shown"].strip(), section["title"]
        assert section["why"].count(". ") <= 1, section["title"]


def rewrite():
    """Put into the page what its examples print."""

    def renewed(match):
        with tempfile.TemporaryDirectory() as folder:
            try:
                shown = printed(match["code"], folder)
            except AssertionError as error:
                print(match["title"], str(error)[-1500:])
                return match[0]
        return match[0].replace(f"```text\n{match['shown']}```", f"```text\n{shown}```")

    PAGE.write_text(SECTION.sub(renewed, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
