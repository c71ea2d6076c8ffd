"""Who may import whom: read from the source, and proved in processes of their own."""

import ast
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

from compare.docs.imports import circles, imports, member, modules, siblings
from compare.docs.rooms import ROOMS, between, room, upward

ROOT = Path(__file__).parent.parent
GRAPH = imports()
HEAVY = (
    "tensorflow", "keras", "torch", "jax", "paddle", "gensim", "tensorboard", "matplotlib", "sklearn", "umap",
    "openTSNE", "pyarrow", "PIL", "jieba", "playwright", "scipy", "networkx",
)  # fmt: skip


def loaded_after(code):
    """Top-level packages in sys.modules after `code`, in a fresh interpreter."""
    script = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def imported_by(path):
    """Modules that a file imports, at any depth, with the line of each."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


@pytest.mark.parametrize("package", siblings(GRAPH))
def test_no_circle_of_files_or_packages(package):
    """The members of each package, and with them all files: a circle of files is one of some package's members."""
    found = [(chain, evidence(chain, package)) for chain in circles(siblings(GRAPH)[package])]
    assert not found, "\n".join(f"{' -> '.join(chain)}: {'; '.join(why)}" for chain, why in found)


def evidence(chain, package):
    """For each link of a chain, one import of a file that makes it."""
    for here, there in pairwise(chain):
        yield next(f"{module} imports {target}" for module, targets in GRAPH.items() for target in sorted(targets)
                   if member(module, package) == here and member(target, package) == there)  # fmt: skip


def test_no_arrow_runs_back_up():
    assert not [f"{module} imports {target}, of a later room" for module, target in upward(GRAPH)]


def test_every_room_is_one_of_the_order():
    assert set(between(GRAPH)) <= set(ROOMS)
    with pytest.raises(ValueError, match=r"must name every room; it lacks tf_emb\.attic"):
        room("tf_emb.attic.trunk")


def test_the_harness_knows_no_other_room_and_the_library_knows_no_suite():
    known = between(GRAPH)
    assert known["tf_emb.parity"] == []
    assert not any(other.startswith("compare") for name, others in known.items() for other in others
                   if name.startswith("tf_emb"))  # fmt: skip


FILES = {
    "tf_emb/__init__.py": "def __getattr__(name):\n    return {'Bag': 'tf_emb.layers'}[name]",
    "tf_emb/layers/__init__.py": "from tf_emb.layers.bag import Bag",
    "tf_emb/layers/bag.py": "def f():\n    from tf_emb.ops import ids",
    "tf_emb/ops/__init__.py": "",
    "tf_emb/ops/ids.py": "",
}


@pytest.mark.parametrize(
    ("path", "text", "package", "chain"),
    [
        ("tf_emb/ops/ids.py", "", "", None),
        ("tf_emb/ops/ids.py", "import tf_emb.layers.bag", "tf_emb", "layers ops layers"),
        ("tf_emb/ops/ids.py", "def f():\n    from tf_emb.layers import bag", "tf_emb", "layers ops layers"),
        ("tf_emb/ops/ids.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tf_emb.layers import Bag",
         "tf_emb", "layers ops layers"),
        ("tf_emb/ops/ids.py", "from tf_emb import Bag", "tf_emb", "__init__ layers ops __init__"),
        ("tf_emb/layers/bag.py", "from tf_emb.layers import Bag", "tf_emb.layers", "__init__ bag __init__"),
        ("tf_emb/layers/bag.py", "from tf_emb.layers import other", "tf_emb.layers", "__init__ bag __init__"),
    ],
)  # fmt: skip
def test_every_kind_of_import_is_seen(path, text, package, chain, tmp_path):
    """The walker finds the circle that `text` in `path` closes, and no other."""
    for name, source in (FILES | {path: text}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    found = {package: circles(members) for package, members in siblings(imports(tmp_path)).items()}
    want = {package: [[f"{package}.{name}" for name in chain.split()]]} if chain else {}
    assert {package: chains for package, chains in found.items() if chains} == want


def test_imports_are_absolute():
    relative = [name for name, path in modules().items() for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.ImportFrom) and node.level]  # fmt: skip
    assert not relative, "the graph of imports does not resolve them"


def test_the_probe_sees_what_is_loaded():
    assert "tensorboard" in loaded_after("import tensorboard")


@pytest.mark.parametrize(
    "code",
    ["import tf_emb", "import tf_emb.cli", "import tf_emb.corpus", "import tf_emb.projector", "import tf_emb.vectors",
     "import tf_emb.evaluate", "import tf_emb.commands",
     "from tf_emb import Vocabulary, log_projection", "import compare.__main__", "import tf_emb.parity",
     "from compare import SUITE; SUITE.load()"],
)  # fmt: skip
def test_nothing_heavy_is_loaded_before_it_is_needed(code):
    assert not loaded_after(code) & set(HEAVY)


HARNESS = sorted(name for name in modules() if name.startswith("tf_emb.parity"))
TERMINAL = "tf_emb.parity.report.terminal"  # draws with rich, whose classes its functions return


def test_the_harness_imports_numpy_and_the_standard_library_only():
    """Engines included: frameworks, jinja2 and matplotlib wait for the functions that use them."""
    assert {"tf_emb.parity.run", "tf_emb.parity.report.html", "tf_emb.parity.engines.torch"} <= set(HARNESS)
    # All of NumPy that is loaded on first use: random is, and brings Cython's own entries.
    before = loaded_after("import numpy, numpy.random")
    assert "numpy" in before
    everything = ", ".join(name for name in HARNESS if name != TERMINAL)
    assert loaded_after(f"import {everything}, numpy.random") - before - sys.stdlib_module_names == {"tf_emb"}
    assert not [name for name in GRAPH if name in HARNESS and TERMINAL in GRAPH[name]]


def test_tf_emb_loads_neither_torch_nor_compare_even_when_all_of_it_is_used():
    loaded = loaded_after("import tf_emb\nfor name in tf_emb.__all__: getattr(tf_emb, name)")
    assert "tensorflow" in loaded
    # Keras itself imports jax where it is installed.
    assert not (loaded - loaded_after("import keras")) & {"compare", "torch", "paddle", "jax"}


@pytest.mark.parametrize("path", sorted((ROOT / "tf_emb").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_tf_emb_never_imports_compare_tests_or_another_framework(path):
    """The engines of the harness are other frameworks: each is loaded in a process of its own."""
    others = () if path.is_relative_to(ROOT / "tf_emb" / "parity" / "engines") else ("torch", "jax", "paddle")
    wrong = [(name, line) for name, line in imported_by(path) if name.split(".")[0] in ("compare", "tests", *others)]
    assert not wrong


def subject(module):
    """The module that defines the cases which `module` serves: itself, or the package that it lies in."""
    parts = module.split(".")
    return next((name for i in range(4, len(parts) + 1) if defines_cases(name := ".".join(parts[:i]))), None)


def defines_cases(module):
    path = modules().get(module)
    return path is not None and any(
        isinstance(node, ast.Assign | ast.AnnAssign) and "CASES" in ast.unparse(node).split("=")[0]
        for node in ast.parse(path.read_text()).body
    )


def test_a_case_imports_no_other_subject():
    """What two subjects share lies in a file that is no subject; `<subject>_tied` may build on `<subject>`."""
    for module in (name for name in GRAPH if name.startswith("compare.cases.")):
        for target in GRAPH[module]:
            mine, other = subject(module), subject(target)
            assert other in (None, mine) or (mine or "").startswith(f"{other}_"), f"{module} imports {target}"


GUARDED = "from tf_emb.parity import engines; engines.start('numpy', 'cpu')\n"


@pytest.mark.parametrize(
    "statement",
    ["from tf_emb import Embedding", "import tf_emb.layers", "import tf_emb.corpus", "from tf_emb import ops",
     "import tf_emb.methods.kernel", "import torch", "import tensorflow", "import keras", "import jax"],
)  # fmt: skip
def test_the_oracle_process_cannot_import_what_it_judges(statement):
    done = subprocess.run([sys.executable, "-c", GUARDED + statement], cwd=ROOT, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(("ModuleNotFoundError: ", "ImportError: "))


def test_the_oracle_process_can_import_the_harness():
    assert "tf_emb" in loaded_after(f"{GUARDED}import tf_emb, tf_emb.parity, tf_emb.parity.report.html")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the sources."""
    out = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (out / name).write_bytes((ROOT / name).read_bytes())
    for package in ("tf_emb", "compare"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                target = out / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    code = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    subprocess.run([sys.executable, "-c", code], cwd=out, capture_output=True, check=True)
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_ships_tf_emb_only(wheel):
    names = wheel.namelist()
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"tf_emb"}
    assert "tf_emb/py.typed" in names
    (entry,) = [wheel.read(name).decode() for name in names if name.endswith("entry_points.txt")]
    assert "tf-emb = tf_emb.cli:main" in entry


def test_the_wheel_runs_the_harness_and_renders_a_report(wheel, tmp_path):
    """Unpacked where there is no source tree: templates and styles come with it."""
    wheel.extractall(tmp_path)
    (tmp_path / "report_sample.py").write_bytes((ROOT / "tests" / "report_sample.py").read_bytes())
    code = """
import sys; from pathlib import Path
import tf_emb.parity.run
from tf_emb.parity.report import write
from report_sample import sample
assert Path(tf_emb.__file__).is_relative_to(Path.cwd())
print(*sorted(write(sample(), Path("out"))))
"""
    # An editable install adds a finder of its own: the folder comes before it, and -P would leave it out.
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={}, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.stdout.split() == ["junit.xml", "report.html", "report.json"], done.stderr
    assert "<style>" in (tmp_path / "out" / "report.html").read_text()
