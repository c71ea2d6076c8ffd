"""Who may import whom, proved in processes of their own; tests/test_rooms.py has what the source shows."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from compare.docs.rooms import imports, modules

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


def test_the_harness_imports_numpy_and_the_standard_library_only():
    """Engines included: frameworks, jinja2, rich and matplotlib wait for the functions that use them."""
    assert {"tf_emb.parity.run", "tf_emb.parity.report.html", "tf_emb.parity.engines.torch"} <= set(HARNESS)
    # All of NumPy that is loaded on first use: random is, and brings Cython's own entries.
    before = loaded_after("import numpy, numpy.random")
    assert "numpy" in before
    loaded = loaded_after(f"import {', '.join(HARNESS)}, numpy.random")
    assert loaded - before - sys.stdlib_module_names == {"tf_emb"}


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
    done = subprocess.run(
        [sys.executable, "-c", GUARDED + statement], cwd=ROOT, capture_output=True, text=True, check=False
    )
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
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["junit.xml", "report.html", "report.json"], done.stderr
    assert "<style>" in (tmp_path / "out" / "report.html").read_text()
