"""`pytest --changed`, which `make check` runs: the tests of what changed, then those that load no framework.

A test file is of what changed if it changed itself, or imports a changed module: directly, or through a package's
`__init__.py`. Changes are those since the last commit, and since origin/main where there is one. What has not begun
after `BUDGET` seconds is skipped, visibly: `make test` runs it.
"""

import ast
import subprocess
import time
from pathlib import Path

import pytest

from compare.docs.rooms import PACKAGES, imported, imports, modules, room

TESTS = Path(__file__).parent
ROOT = TESTS.parent
BUDGET = 55
SLOW = {
    "tensorflow", "keras", "torch", "jax", "gensim", "subprocess", "playwright", "tensorboard", "tensorboard_server",
    "test_parity", "test_tutorial",
}  # fmt: skip
SLOW_ROOMS = {"tf_emb", "compare.bench", "compare.__main__"} | {
    f"tf_emb.{name}" for name in ("ops", "layers", "optimizers", "word2vec", "methods", "commands", "cli")
}
CHOSEN, BEGAN = pytest.StashKey[list[Path]](), pytest.StashKey[float]()


def pytest_addoption(parser):
    parser.addoption("--changed", action="store_true", help="tests of what changed, then those that load no framework")


def pytest_configure(config):
    if config.getoption("changed"):
        config.stash[CHOSEN] = chosen(changed())
    config.stash[BEGAN] = time.monotonic()


def pytest_ignore_collect(collection_path, config):
    """Leave a file out before it is imported."""
    if CHOSEN in config.stash and collection_path.name.startswith("test_"):
        return collection_path not in config.stash[CHOSEN] or None
    return None


def pytest_collection_modifyitems(config, items):
    if CHOSEN in config.stash:
        items.sort(key=lambda item: config.stash[CHOSEN].index(item.path))


def pytest_runtest_setup(item):
    if CHOSEN in item.config.stash and time.monotonic() - item.config.stash[BEGAN] > BUDGET:
        pytest.skip(f"not begun within {BUDGET} s; `make test` runs it")


def changed():
    """Return the files that differ from the last commit, or from where this branch left origin/main."""
    base = git("merge-base", "HEAD", "origin/main") or ["HEAD"]
    lines = git("diff", "--name-only", *base) + git("ls-files", "--others", "--exclude-standard")
    return {ROOT / line for line in lines}


def git(*args):
    done = subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def chosen(paths):
    """Return the test files to run, in their order: changed, of a changed module, through a package, fast."""
    helpers = {path.stem: path for path in TESTS.glob("*.py")}
    known, graph = modules() | helpers, imports()
    names = {name for name, path in known.items() if path in paths}
    ranked = []
    for path in sorted(TESTS.glob("test_*.py")):
        direct = imported(path, known)
        exported = {
            name for package in direct & set(graph) if known[package].name == "__init__.py" for name in graph[package]
        }
        ranks = [path in paths, bool(direct & names), bool(exported & names), fast(path, direct)]
        ranked += [(ranks.index(True), path)] if any(ranks) else []
    return [path for _, path in sorted(ranked)]


def fast(path, direct):
    """Return whether a test file loads no framework and starts no process."""
    ours = {room(name) for name in direct if name.partition(".")[0] in PACKAGES}
    names = {path.stem}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return not ours & SLOW_ROOMS and not names & SLOW
