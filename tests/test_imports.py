"""Who may import whom, proved in processes of their own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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


@pytest.mark.parametrize("module", ["tf_emb.parity.case", "tf_emb.parity.check"])
def test_the_judge_imports_numpy_only(module):
    # All of NumPy that is loaded on first use: random is, and brings Cython's own entries.
    before = loaded_after("import numpy, numpy.random")
    assert "numpy" in before
    assert loaded_after(f"import {module}, numpy.random") - before - sys.stdlib_module_names == {"compare"}


def test_tf_emb_loads_neither_torch_nor_compare_even_when_all_of_it_is_used():
    loaded = loaded_after("import tf_emb\nfor name in tf_emb.__all__: getattr(tf_emb, name)")
    assert "tensorflow" in loaded
    # Keras itself imports jax where it is installed.
    assert not (loaded - loaded_after("import keras")) & {"compare", "torch", "paddle", "jax"}


@pytest.mark.parametrize("path", sorted((ROOT / "tf_emb").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_tf_emb_never_imports_compare_tests_or_another_framework(path):
    wrong = [(name, line) for name, line in imported_by(path)
             if name.split(".")[0] in ("compare", "tests", "torch", "jax", "paddle")]  # fmt: skip
    assert not wrong


def subjects():
    cases = ROOT / "compare" / "cases"
    return [path for path in sorted(cases.iterdir()) if path.suffix == ".py" or path.is_dir()]


@pytest.mark.parametrize("path", sorted((ROOT / "compare" / "cases").rglob("*.py")), ids=lambda p: p.stem)
def test_a_case_imports_no_other_subject(path):
    mine = path.relative_to(ROOT / "compare" / "cases").parts[0].removesuffix(".py")
    for name, line in imported_by(path):
        if name.startswith("tf_emb.parity.collect."):
            other = name.split(".")[2]
            # a subject may have files of its own beside it: `<subject>_envelope`, `<subject>_tied`
            same = other.startswith(mine) or mine.startswith(f"{other}_")
            assert same, f"{path}:{line} imports {name}"


@pytest.mark.parametrize("package", ["tf_emb", "torch", "tensorflow", "keras"])
def test_the_oracle_process_cannot_import_what_it_judges(package):
    code = f"from compare import engines; engines.start('numpy', 'cpu')\nimport {package}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_the_wheel_ships_tf_emb_only(tmp_path):
    command = [
        sys.executable,
        "-c",
        "from setuptools.build_meta import build_wheel as b; print(b('" + str(tmp_path) + "'))",
    ]
    copy = tmp_path / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    for package in ("tf_emb", "compare"):
        for path in (ROOT / package).rglob("*.py"):
            target = copy / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (copy / "tf_emb" / "py.typed").touch()
    subprocess.run(command, cwd=copy, capture_output=True, check=True)
    import zipfile

    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"tf_emb"}
    assert "tf_emb/py.typed" in names
    (entry,) = [zipfile.ZipFile(wheel).read(n).decode() for n in names if n.endswith("entry_points.txt")]
    assert "tf-emb = tf_emb.cli:main" in entry
