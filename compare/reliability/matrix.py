"""`python -m compare matrix`: the tests with other versions of Python and of the frameworks, one environment each."""

import re
import subprocess
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Annotated

import typer

from compare.bench.child import environment
from compare.docs import pages, tables
from compare.reliability.verdict import ROOT
from tf_emb.files import scratch

PAGE = ROOT / "docs" / "reliability.md"
EXTRAS = ("gensim", "graph", "safetensors", "zst")
BESIDE = ("expecttest", "hypothesis", "jax", "matplotlib", "pyarrow", "pytest", "scikit-learn")
# What a version can break: layers and their gradients, losses, optimizers, files, text, training, the command line,
# and the layers on JAX and PyTorch.
KINDS = ("compare", "projector", "test")
TESTS = (
    "test_layers", "test_layers_kept", "test_embedding_bag", "test_negative_sampling", "test_hierarchical",
    "test_optimizers", "test_quantized", "test_backends", "test_corpus", "test_corpus_encode", "test_vectors",
    "test_vectors_formats", "test_files", "test_walks", "test_word2vec_block", "test_word2vec_exact", "test_cli",
)  # fmt: skip
HEADINGS = ("what", "Python", "Keras", "TensorFlow", "torch", "NumPy", "tests")
SHOWN = ("keras", "tensorflow", "torch", "numpy")


@dataclass(frozen=True)
class Row:
    """One environment: a Python, releases that are not those of constraints.txt, and whether it has PyTorch.

    PyPI has torch with CUDA only, which is gigabytes. It is left out where no other build was at hand.
    """

    name: str
    python: str = "3.11"
    releases: dict[str, str] = field(default_factory=dict)
    torch: bool = True


# The last two releases of each, as of December 2026; constraints.txt has the last.
MATRIX = (
    Row("today's", "3.11"),
    Row("Python 3.12", "3.12", torch=False),
    Row("Python 3.13", "3.13", torch=False),
    Row("Keras before", releases={"keras": "3.14.1"}),
    Row("TensorFlow before", releases={"tensorflow": "2.20.0"}),
    Row("NumPy before", releases={"numpy": "2.3.5"}),
    Row("torch after", releases={"torch": "2.14.1"}),
)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Rows; all by default. Try --list.")]


def run_matrix(
    names: Names = None,
    tests: Annotated[list[str] | None, typer.Option("--test", help="This file of tests; may be repeated.")] = None,
    cuda: Annotated[bool, typer.Option("--cuda", help="Also rows whose torch comes with CUDA: gigabytes.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Print the rows and stop.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put the table into docs/reliability.md.")] = False,
) -> None:
    """Make an environment for each row, run a short set of tests in it, and remove it; exit 1 if a test fails.

    Each takes minutes and 3 GB for the time being. A row whose Python or releases cannot be had here is not run.
    """
    known = {row.name: row for row in MATRIX}
    for name in names or ():
        if name not in known:
            raise ValueError(f"`NAME` must be one of {', '.join(known)}; got {name!r}. Try --list.")
    if list_:
        print("\n".join(known))
        return
    lines = []
    for row in (known[name] for name in names or known):
        lines.append(line(row, *tried(row, tests or TESTS, cuda)))
        print(" | ".join(lines[-1]), flush=True)
    if write:
        PAGE.write_text(pages.filled(PAGE, "versions", merged(lines)), encoding="utf-8")
    raise typer.Exit(1 if any("failed" in cells[-1] or "ended" in cells[-1] for cells in lines) else 0)


def tried(row: Row, tests: Sequence[str], cuda: bool) -> tuple[dict[str, str], str]:
    """Return the releases of an environment that was made, and what its tests said; no release if it was not."""
    python = interpreter(row.python)
    if python is None:
        return {}, f"not run: no Python {row.python} here"
    if "torch" in row.releases and not cuda:
        return {}, "not run: PyPI has it with CUDA only"
    with scratch("matrix") as folder:
        if missing := install(row, python, folder):
            return {}, f"not run: {missing}"
        return versions(folder), outcome(folder, tests)


def interpreter(version: str) -> str | None:
    """Return the Python of this version: one of pyenv's, or on the path."""
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(found[-1]) if found else which(f"python{version}")


def install(row: Row, python: str, folder: Path) -> str:
    """Make the environment; return why it cannot be made, or nothing."""
    limits = folder / "constraints.txt"
    limits.write_text("\n".join(constraints(row)))
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--constraint", str(limits)]
    done = subprocess.run([*pip, *wanted(row)], capture_output=True, text=True, check=False)
    said = [said for said in done.stderr.splitlines() if said.startswith("ERROR")]
    return "" if done.returncode == 0 else (said or ["pip failed"])[0][:200]


def constraints(row: Row) -> Iterator[str]:
    """Yield the lines of constraints.txt, with the releases of a row in the place of those there.

    What hangs on a release that is not the last is left to pip: TensorFlow names the ml_dtypes and protobuf it takes.
    """
    hanging = {"ml-dtypes", "protobuf", "tensorboard", "flatbuffers", "jax", "jaxlib"} if row.releases else set()
    for text in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        name = re.split(r"[=<>!~;\s]", text)[0].lower().replace("_", "-")
        if name not in row.releases and name not in hanging:
            yield text
    yield from (f"{name}=={release}" for name, release in row.releases.items())


def wanted(row: Row) -> list[str]:
    """Return what pyproject.toml asks for, with the extras that the tests need, without the project itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = {*BESIDE, "torch"} if row.torch else set(BESIDE)
    beside = [text for kind in KINDS for text in extras[kind] if re.split(r"[\[><=]", text)[0] in names]
    return [*project["dependencies"], *(text for name in EXTRAS for text in extras[name]), *beside]


def versions(folder: Path) -> dict[str, str]:
    """Return the releases that are installed, by name."""
    code = (
        "import platform; from importlib.metadata import distributions as found;"
        "print('python', platform.python_version());"
        f"[print(d.name.lower(), d.version) for d in found() if d.name.lower() in {SHOWN!r}]"
    )
    done = subprocess.run([str(folder / "venv/bin/python"), "-c", code], capture_output=True, text=True, check=True)
    return dict(line.split() for line in done.stdout.splitlines())


def outcome(folder: Path, tests: Sequence[str]) -> str:
    """Run the tests in an environment; return pytest's last line, and the names of those that failed."""
    files = [str(ROOT / "tests" / f"{name}.py") for name in tests]
    command = [str(folder / "venv/bin/python"), "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", *files]
    mine = {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
        "COLUMNS": "250",
        "PATH": f"{folder}/venv/bin:/usr/bin:/bin",
    }
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment(1) | mine, capture_output=True, text=True, check=False)
    said = done.stdout.strip().splitlines() or [f"ended with exit status {done.returncode}"]
    failed = [text for text in said if text.startswith(("FAILED", "ERROR"))]
    print("\n".join(failed))
    last = re.sub(r" in [\d.]+s.*", "", said[-1].strip("= "))
    if done.returncode not in (0, 1):
        last = f"ended with exit status {done.returncode}: {last[:150]}"
    return f"{last} ({(time.monotonic() - began) / 60:.0f} min)"


def line(row: Row, found: dict[str, str], said: str) -> list[str]:
    """Return a row of the table."""
    asked = {"python": row.python} | row.releases
    return [
        row.name,
        *(found.get(name, tables.NONE if found else asked.get(name, tables.NONE)) for name in ("python", *SHOWN)),
        said,
    ]


def merged(lines: Sequence[Sequence[str]]) -> str:
    """Return the table of the page: these rows, and those on it that were not tried this time."""
    old = [text.strip("| ").split(" | ") for text in pages.parted(PAGE, "versions")[1].splitlines()[2:]]
    rows = {cells[0]: cells for cells in [*old, *lines]}
    return tables.table(HEADINGS, [rows[row.name] for row in MATRIX if row.name in rows])
