"""The tutorial runs, prints what it quotes, draws the pictures it shows, and says the same in both languages.

`PYTHONPATH=. python tests/test_tutorial.py` puts what the code prints and draws now into the files.
"""

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 reads a variable by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy`.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)

FOLDER = Path(__file__).parent.parent / "docs" / "tutorial"
CHAPTERS = sorted(path.name for path in FOLDER.glob("[0-9]*.md") if not path.name.endswith(".zh.md"))
BLOCK = re.compile(
    r"(?:^<!-- needs: (?P<needs>[\w ]+) -->\n)?^```python\n(?P<code>.*?)^```\n(?:\n^```text\n(?P<quoted>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
LARGEST = 60_000  # bytes of a picture


@dataclass(frozen=True)
class Block:
    """Code, what the text says it prints (None: nothing is quoted), and where it stands."""

    code: str
    quoted: str | None
    line: int
    runs: bool


def blocks(path):
    text = path.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("code"))
        runs = all(find_spec(package) for package in (match["needs"] or "").split())
        yield Block(match["code"], match["quoted"], line, runs)


def outputs(path):
    """Run a chapter in the working directory; yield each block and what it printed, None for one that cannot run."""
    import matplotlib as mpl

    mpl.use("agg")
    names = {"__name__": "__main__"}
    for block in blocks(path):
        printed = io.StringIO()
        if block.runs:
            with contextlib.redirect_stdout(printed):
                # Empty lines in front make a traceback name the line of the document.
                exec(compile("\n" * block.line + block.code, str(path), "exec"), names)
        yield block, printed.getvalue() if block.runs else None


def shown(path):
    return set(re.findall(r"!\[[^\]]+\]\(images/([^)]+)\)", path.read_text(encoding="utf-8")))


def twin(path):
    return path.with_suffix(".zh.md")


def rewrite(path):
    """Put what the blocks of a chapter print into it and its twin, and their pictures into `images`."""
    printed = [output for _, output in outputs(path)]
    for document in (path, twin(path)):
        text, found = document.read_text(encoding="utf-8"), iter(printed)

        def renewed(match, found=found):
            output = next(found)
            if output is None:
                return match[0]
            code = match[0][: match.end("code") - match.start()] + "```\n"
            return code + (f"\n```text\n{output}```\n" if output else "")

        document.write_text(BLOCK.sub(renewed, text), encoding="utf-8")
    for picture in Path().glob("*.png"):
        shutil.copy(picture, FOLDER / "images")


def test_there_are_chapters():
    assert len(CHAPTERS) >= 4
    assert all(len(list(blocks(FOLDER / name))) >= 5 for name in CHAPTERS)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_runs_and_prints_and_draws_what_it_says(name, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    for block, printed in outputs(FOLDER / name):
        if block.runs:
            assert printed == (block.quoted or ""), f"{name}, line {block.line}"
    drawn = {path.name: path for path in tmp_path.glob("*.png")}
    assert set(drawn) == shown(FOLDER / name)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn.values())


@pytest.mark.parametrize("name", CHAPTERS)
def test_both_languages_have_the_same_code_outputs_pictures_and_sections(name):
    english, chinese = FOLDER / name, twin(FOLDER / name)
    assert [(b.code, b.quoted) for b in blocks(english)] == [(b.code, b.quoted) for b in blocks(chinese)]
    assert shown(english) == shown(chinese)
    heads = [
        re.findall(
            r"^(#+) ", re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S), re.MULTILINE
        )
        for path in (english, chinese)
    ]
    assert heads[0] == heads[1]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere_and_every_code_block_is_one_that_runs(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert "://" in target or (path.parent / target).exists(), target
    assert text.count("```python") == len(list(blocks(path)))
    assert text.count("```text") == sum(block.quoted is not None for block in blocks(path))


def test_every_picture_is_shown_and_small():
    pictures = {path.name: path.stat().st_size for path in (FOLDER / "images").iterdir()}
    assert set(pictures) == set().union(*(shown(FOLDER / name) for name in CHAPTERS))
    assert all(size < LARGEST for size in pictures.values()), pictures


if __name__ == "__main__":
    for chapter in sys.argv[1:] or CHAPTERS:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            rewrite(FOLDER / chapter)
