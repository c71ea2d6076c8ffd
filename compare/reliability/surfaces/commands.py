"""Command lines of `tf-emb`: options of every command, mutated, with tiny files that are valid."""

import contextlib
import functools
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
import typer
from typer.models import OptionInfo

from compare.reliability.fuzz import Surface
from compare.reliability.verdict import current
from tf_emb.cli import LONGEST, app
from tf_emb.files import scratch
from tf_emb.files.whole import PREFIX

T = TypeVar("T")
WRITTEN = ("-o", "--output", "--image", "--export")  # what follows these is written
Words = list[str]
Given = tuple[Words, Path]

NUMBERS = (
    "0", "1", "2", "3", "-1", "-0", "0.5", "1e-3", "1e300", "1e-300", "nan", "inf", "-inf", "1e309", "2147483647",
    "2147483648", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616",
    "1" * 40, "9" * 400, "1_000", "٣", "0x10", "1,5", "½", " 1", "1 ", "", "true", "None", "1e2", "+3", "3.0",
)  # fmt: skip
TEXTS = (
    "", " ", "-", "--", "---", "\0", "a\0b", "\n", "\r\n", "\x1b[31mred", "\x1b]52;c;aGk=\x07", "[bold]", "[/]", "{}",
    "{0}", "%s", "\u2028", "\u202egnp", "\ud800", "é", "语", "a" * 300, "a" * 5000, "..", ".", "~", "*", "king queen",
    "'", '"', "`id`", "$(id)", "; id", "-5", "--help=1", "--version", "--install-completion", "block", "exact", "NaN",
)  # fmt: skip
PATHS = (
    "c.txt", "empty.txt", "words.txt", "v.txt", "v.bin", "v.npz", "edges.txt", "pairs.tsv", "questions.txt", "m.npy",
    "folder", ".", "/dev/null", "/dev/full", "/proc/self/mem", "missing.txt", "missing/v.bin", "c.txt/v.bin",
    "folder/v.bin", "folder/v.png", "folder/v.parquet", "link.txt", "loop.txt", "v.unknown", "v.txt.gz", "v.bin.xz",
    "v.safetensors", "v.glove", "v.kv", "v.pt", "", ".bin", "folder/\x1b.txt", "folder/语.txt", "-", "-.bin",
)  # fmt: skip

TINY = "-o folder/v.bin --dim 2 --epochs 1 --window 2"
LINES = [
    line.split()
    for line in (
        f"train c.txt {TINY} --min-count 1 --negatives 1",
        f"train c.txt {TINY} --min-count 1 --mode exact",
        f"train empty.txt {TINY} --min-count 1 --negatives 1",
        f"graph edges.txt {TINY} --walks 1 --length 3 --p 2 --q 0.5 --format edgelist",
        f"graph empty.txt {TINY} --walks 1 --length 3 --method deepwalk",
        "eval v.txt --pairs pairs.tsv --analogies questions.txt --vocab 10",
        "similar v.txt king queen --minus boy --top 3",
        "convert v.txt folder/w.bin",
        "convert v.bin folder/w.npz",
        "project v.txt --logdir folder --views pca --top 4 --name run --include king",
        "project m.npy --labels words.txt --logdir folder --views pca",
        "project --check --logdir folder",
    )
]
KINDS = ("int", "float", "bool", "Path", "str")
ITERATIONS = ("--epochs", "--walks")  # many of them are long work, and no mistake
INTEGERS = [text for text in NUMBERS if text.strip().lstrip("-").isdecimal()]
CHOICES = (
    "skipgram", "cbow", "negative-sampling", "hierarchical-softmax", "full-softmax", "whitespace", "characters",
    "letters", "jieba", "block", "exact", "node2vec", "deepwalk", "edgelist", "adjlist", "pca", "pca,pca", "pca,", ",",
)  # fmt: skip


def make(random: np.random.Generator, folder: Path) -> Given:
    """Return a command line, and the folder with its files."""
    loaded()
    write(folder)
    line = pick(random, LINES)
    for _ in range(random.integers(1, 4)):
        line = pick(random, MUTATIONS)(random, line)
    return quick(line), folder


@functools.cache
def loaded() -> None:
    """Train once in every way, so that TensorFlow is loaded and its graphs are built."""
    for line in LINES:
        with scratch("commands") as folder:
            write(folder)
            with current(folder), contextlib.suppress(ValueError, OSError, ImportError, typer.Exit):
                use((line, folder))


@functools.cache
def commands() -> dict[str, dict[str, str]]:
    """Return the options of each command, each with its type."""
    return {str(command.name): options(command.callback) for command in app.registered_commands}


def options(command: Any) -> dict[str, str]:
    """Return the options of a command, with the names of their types; that of a flag is "bool"."""
    found: dict[str, str] = {}
    for name, hint in get_type_hints(command, include_extras=True).items():
        for info in getattr(hint, "__metadata__", ()):
            if isinstance(info, OptionInfo):
                kinds = [kind for kind in KINDS if kind in str(hint.__origin__)]
                names = [*(info.param_decls or ()), f"--{name.replace('_', '-')}"]
                found |= {one: kinds[0] for one in names if one.startswith("-")}
    return found


def write(folder: Path) -> None:
    """Write the files that command lines name."""
    (folder / "folder").mkdir()
    words = ["king", "queen", "man", "woman", "boy", "girl"]
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    texts = {
        "c.txt": "king queen man woman boy girl\n" * 20,
        "empty.txt": "",
        "words.txt": "".join(f"{word}\n" for word in words),
        "edges.txt": "king queen\nman woman 2\nboy girl\nqueen man\n",
        "pairs.tsv": "king\tqueen\t5\nman\twoman\t3\nboy\tgirl\t4\n",
        "questions.txt": ": one\nking queen man woman\n",
        "v.txt": "6 2\n" + "".join(f"{word} {a} {b}\n" for word, (a, b) in zip(words, rows, strict=True)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    packed = b"".join(word.encode() + b" " + row.tobytes() for word, row in zip(words, rows, strict=True))
    (folder / "v.bin").write_bytes(b"6 2\n" + packed)
    np.savez(folder / "v.npz", labels=np.array(words), vectors=rows)
    np.save(folder / "m.npy", rows)
    (folder / "link.txt").symlink_to("c.txt")
    (folder / "loop.txt").symlink_to("loop.txt")


def inputs(line: Sequence[str], folder: Path) -> set[str]:
    """Return the files that a command line names to be read, through links; an output may replace another file."""
    written = {i + 1 for i, word in enumerate(line) if word in WRITTEN}
    if "convert" in line:
        written.add(len(line) - 1)
    named = [folder / word for i, word in enumerate(line) if i not in written and "\0" not in word]
    return {os.path.relpath(os.path.realpath(path), os.path.realpath(folder)) for path in named}


def use(given: Given) -> None:
    """Run the command line in this process; raise what ended it, if it did not end well."""
    line, folder = given
    before = contents(folder)
    command = typer.main.get_command(app)
    printed = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(printed):
        try:
            with command.make_context("tf-emb", list(line)) as context:
                command.invoke(context)
        except typer.Exit as ended:
            if ended.exit_code not in (0, 1):  # 1: --check has found something
                error = reason(ended)
                if isinstance(error, ValueError | OSError) and len(str(error)) > LONGEST:
                    raise typer.BadParameter(printed.getvalue().rstrip("\n").rpartition("\n")[2]) from error
                raise error from None
    after = contents(folder)
    lost = [name for name in before if after.get(name) != before[name]]
    if read := [name for name in lost if name in inputs(line, folder)]:
        raise AssertionError(f"{read[0]} was an input, and has changed")
    for name in set(after) - set(before):  # what was asked for; a temporary file is not
        if not Path(name).name.startswith(PREFIX):
            (folder / name).unlink()


def reason(ended: typer.Exit) -> BaseException:
    """Return the error that the command line has told in one line."""
    return ended.__context__ if ended.__context__ is not None else ended


def contents(folder: Path) -> dict[str, bytes]:
    """Return every regular file below a folder."""
    found = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}


def pick(random: np.random.Generator, choices: Sequence[T]) -> T:
    """Return one of the choices."""
    return choices[int(random.integers(len(choices)))]


def value(random: np.random.Generator) -> str:
    """Return something that an option may be given."""
    return pick(random, pick(random, (NUMBERS, NUMBERS, TEXTS, PATHS)))


def replaced(random: np.random.Generator, line: Words) -> Words:
    """Put something else in a place after the command's name."""
    at = int(random.integers(len(line)))
    return [*line[:at], value(random), *line[at + 1 :]]


def given(random: np.random.Generator, line: Words) -> Words:
    """Give an option of the command, which may be there already, something of its type."""
    of = commands().get(line[0])
    if not of:
        return replaced(random, line)
    option = pick(random, list(of))
    if of[option] == "bool":
        return [*line, option]
    choices = {"int": INTEGERS, "float": NUMBERS, "Path": PATHS, "str": pick(random, (CHOICES, CHOICES, TEXTS, PATHS))}
    text = pick(random, choices[of[option]])
    joined = option.startswith("--") and random.random() < 0.5
    return [*line, f"{option}={text}"] if joined else [*line, option, text]


def added(random: np.random.Generator, line: Words) -> Words:
    """Add an option of any command, or of none, with anything."""
    known = [option for of in commands().values() for option in of]
    option, text = pick(random, [*known, "--unknown", "-x", "-"]), value(random)
    at = 1 + random.integers(len(line))
    form = pick(random, ([option, text], [f"{option}={text}"], [option]))
    return [*line[:at], *form, *line[at:]]


def dropped(random: np.random.Generator, line: Words) -> Words:
    """Leave out a word."""
    at = random.integers(len(line))
    return [word for index, word in enumerate(line) if index != at] or line


def swapped(random: np.random.Generator, line: Words) -> Words:
    """Exchange two words."""
    line, (a, b) = list(line), random.integers(len(line), size=2)
    line[a], line[b] = line[b], line[a]
    return line


def quick(line: Words) -> Words:
    """Return the line with no honest work that takes more than seconds: no views that import much, few iterations."""
    if "project" in line and not any(word.startswith("--views") for word in line):
        line = [*line, "--views", "pca"]
    for at, word in enumerate(line):
        option, _, text = word.partition("=")
        if option in ITERATIONS and long(text or "".join(line[at + 1 : at + 2])):
            line = [*line, option, "2"]  # the last one counts
    return line


def long(text: str) -> bool:
    """Return whether a number of iterations is more than a few, and yet one that could be meant."""
    try:
        return 5 < int(text) < 2**63  # more than that is one
    except ValueError:
        return False


MUTATIONS: list[Callable[[np.random.Generator, Words], Words]] = [*[given] * 12, replaced, added, dropped, swapped]
SURFACES = [Surface("command lines", make, use)]
