"""Runs what Keras' own tests say of `layers.Embedding`, from the installed wheel, with ours in its place.

python tests/keras_judge.py OUT.json MODULE ... runs every test of the modules that reaches `Embedding`, on the backend
of KERAS_BACKEND, and writes the outcome of each to OUT.json, with the first line of what failed.
Nothing of Keras is changed but the names `layers`, `keras` and `Embedding` in the test modules themselves.
"""

import ast
import importlib
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FAILURE = "failed: "


class Swapped:
    """A module with some of its names exchanged."""

    def __init__(self, module: ModuleType, **names: Any) -> None:
        self.__dict__.update(names, _module=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class Judge:
    """A plugin of pytest: chooses the tests, and keeps their outcomes."""

    def __init__(self, modules: list[ModuleType]) -> None:
        self.chosen = {module.__name__: reaching("Embedding", module) for module in modules}
        self.outcomes: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.name.startswith(tuple(self.chosen[item.module.__name__]))]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            crash = getattr(report.longrepr, "reprcrash", None)
            said = crash.message.partition("\n")[0] if crash else ""
            self.outcomes[f"{report.location[2]}"] = FAILURE + said if report.failed else report.outcome


def reaching(name: str, module: ModuleType) -> set[str]:
    """Return the functions of a module that use a name, themselves or through other functions of the module."""
    used = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            used[node.name] = names | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    found = {function for function, names in used.items() if name in names}
    classes = {node.name for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.ClassDef)}
    while more := {f for f, names in used.items() if names & (found - classes)} - found:
        found |= more
    return found - classes


def swap(module: ModuleType) -> None:
    """Put our Embedding where the module finds Keras'."""
    import keras

    from tf_emb.layers import Embedding

    layers = Swapped(keras.src.layers, Embedding=Embedding)
    for name, other in (("layers", layers), ("keras", Swapped(keras, layers=layers)), ("Embedding", Embedding)):
        if hasattr(module, name):
            setattr(module, name, other)


def main(out: str, *names: str) -> None:
    modules, missing = [], {}
    for name in names:
        try:
            modules.append(importlib.import_module(name))
        except ModuleNotFoundError as error:
            missing[name] = FAILURE + str(error)
        else:
            swap(modules[-1])
    judge = Judge(modules)
    files = [str(module.__file__) for module in modules]
    options = [
        "-q",
        "-c",
        "/dev/null",
        "--rootdir",
        str(Path(out).parent),
        "-p",
        "no:cacheprovider",
        "--tb=short",
        "--durations=15",
    ]
    pytest.main([*options, *files], plugins=[judge])
    Path(out).write_text(json.dumps({**missing, **judge.outcomes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
