"""The rooms of the house and their order, and which module imports which.

A module imports from its own room and from those before it. Imports are read from the source with `ast`: nothing is
run, nothing is missed. Every import counts: at the top of a file, inside a function, below `if TYPE_CHECKING`.
"""

import ast
from collections import deque
from collections.abc import Iterator
from pathlib import Path

Graph = dict[str, set[str]]

ROOT = Path(__file__).parents[2]
PACKAGES = ("tf_emb", "compare")
ROOMS = {
    "tf_emb.parity": "the harness: cases, bounds, engines, verdicts, reports",
    "tf_emb.files": "files written as a whole or not at all, checked beforehand; text shown",
    "tf_emb.memory": "free memory, and what does not fit into it",
    "tf_emb.threads": "worker threads",
    "tf_emb.ops": "TensorFlow arithmetic that layers and trainers share",
    "tf_emb.layers": "Keras layers: ids to vectors, vectors to probabilities",
    "tf_emb.optimizers": "optimizers that touch only the rows of a batch",
    "tf_emb.corpus": "text to vocabulary, ids and draws",
    "tf_emb.vectors": "labels and a matrix, and the files that hold them",
    "tf_emb.evaluate": "scores of vectors",
    "tf_emb.projector": "vectors as runs of TensorBoard's projector",
    "tf_emb.word2vec": "two trainers: by blocks and example by example",
    "tf_emb.methods": "every other embedding, one file or folder each",
    "tf_emb": "the public names, imported on first use",
    "tf_emb.commands": "the commands of `tf-emb`",
    "tf_emb.cli": "the command line `tf-emb`",
    "compare.stopping": "signals: nothing is left running, and no file",
    "compare": "the suite: where cases and recorded outputs are",
    "compare.terminal": "progress, listings, errors of one line",
    "compare.cases": "what is claimed, grouped as the library is",
    "compare.bench": "speed and quality beside peers",
    "compare.transforms": "every layer and mode through every transformation",
    "compare.docs": "what the documentation shows",
    "compare.reliability": "what strangers' files, commands and signals do, counted",
    "compare.__main__": "the command line `python -m compare`",
}


def room(module: str) -> str:
    """Return the room that `module` lies in.

    Raises:
        ValueError: it lies in none.
    """
    name = ".".join(module.split(".")[:2])
    if name not in ROOMS:
        raise ValueError(f"`ROOMS` in compare/docs/rooms.py must name every room; it lacks {name}. Add it in order.")
    return name


def between(graph: Graph) -> dict[str, list[str]]:
    """Return, for every room that exists, the rooms that it imports; all in their order."""
    found: dict[str, set[str]] = {}
    for module, targets in graph.items():
        found.setdefault(room(module), set()).update(map(room, targets))
    return {name: [other for other in ROOMS if other in found[name] - {name}] for name in ROOMS if name in found}


def upward(graph: Graph) -> list[tuple[str, str]]:
    """Return every (module, imported module) where the import leads to a later room."""
    order = list(ROOMS)
    return [
        (module, target)
        for module, targets in graph.items()
        for target in sorted(targets)
        if order.index(room(target)) > order.index(room(module))
    ]


def modules(root: Path = ROOT, packages: tuple[str, ...] = PACKAGES) -> dict[str, Path]:
    """Return every module below `root` by its dotted name; a package's name stands for its `__init__.py`."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root: Path = ROOT, packages: tuple[str, ...] = PACKAGES) -> Graph:
    """Return, for every module, the modules of the same packages that it imports."""
    known = modules(root, packages)
    return {name: imported(path, known) - {name} for name, path in known.items()}


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """Return those of the modules in `known` that the file at `path` imports.

    `from package import name` imports `package.name` where that is a module, and `package`, its `__init__.py`, where
    it is not. A package that imports its names on first use, by `__getattr__`, imports the modules that it names.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {name for node in ast.walk(tree) for name in _named(node, known)}
    if any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body):
        found |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in known}
    return found


def _named(node: ast.AST, known: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            yield from [full] if full in known else [node.module] if node.module in known else []


def siblings(graph: Graph) -> dict[str, Graph]:
    """Return, for every package, how its direct members import each other.

    A member is a module or a subpackage taken as a whole; `package.__init__` stands for the package's own file. The
    entry "" holds the top-level packages. A circle of modules is a circle of the members of some package.
    """
    packages = {"", *(name.rpartition(".")[0] for name in graph)}
    return {package: _members(graph, package) for package in sorted(packages)}


def _members(graph: Graph, package: str) -> Graph:
    found: Graph = {}
    for module, targets in graph.items():
        if (here := member(module, package)) is not None:
            ends = {member(target, package) for target in targets} - {here, None}
            found.setdefault(here, set()).update(end for end in ends if end is not None)
    return found


def member(module: str, package: str) -> str | None:
    """Return the direct member of `package` that `module` is or lies in; None outside of it."""
    if not package:
        return module.partition(".")[0]
    if module == package:
        return f"{package}.__init__"
    inside = module.removeprefix(f"{package}.")
    return None if inside == module else f"{package}.{inside.partition('.')[0]}"


def circles(graph: Graph) -> list[list[str]]:
    """Return the shortest circle through each module that lies on one, each circle once: [a, b, a]."""
    found: dict[frozenset[str], list[str]] = {}
    for name in sorted(graph):
        if chain := _way_back(graph, name):
            found.setdefault(frozenset(chain), chain)
    return list(found.values())


def _way_back(graph: Graph, start: str) -> list[str]:
    """Return the shortest chain of imports from `start` to itself; empty where there is none."""
    ways = deque([[start]])
    seen = set()
    while ways:
        way = ways.popleft()
        for target in sorted(graph.get(way[-1], ())):
            if target == start:
                return [*way, start]
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []
