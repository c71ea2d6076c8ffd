"""Which tests run which lines of the library: recorded once, and again for each file of tests that has changed."""

import ast
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from compare.docs.rooms import imported, modules
from compare.reliability.mutants.client import Server
from compare.reliability.verdict import ROOT

CACHE = ROOT / "logs" / "mutants"
TESTS = ROOT / "tests"
APART = {"playwright", "tensorboard", "tensorboard_server"}
# Those that do little here and much in processes of their own, which load the library as it is; and those of this.
NEVER = {
    "test_backends", "test_cli", "test_docs", "test_imports", "test_keras_own_tests", "test_mutants", "test_parity",
    "test_public_names", "test_quick", "test_reliability", "test_rooms", "test_transforms", "test_tutorial",
}  # fmt: skip
ALWAYS = "tests/test_defaults.py"  # it asks for what was done on import, and runs none of it
FEW = 5  # tests that run a line; with fewer, the others of its file are asked too
LONGEST = 240.0  # seconds for a file of tests


@dataclass(frozen=True)
class Ran:
    """A test: its name, its time, and the lines that it ran by file."""

    name: str
    seconds: float
    lines: dict[str, frozenset[int]]


def candidates() -> list[Path]:
    """Return the files of tests that import the library, directly or by a package, and test it in their own process."""
    helpers = {path.stem: path for path in TESTS.glob("*.py")}
    known = modules() | helpers
    found = []
    for path in sorted(TESTS.glob("test_*.py")):
        ours = {name for name in imported(path, known) if name.startswith("tf_emb.")}
        if ours and path.stem not in NEVER and not path.stem.startswith("test_bench") and not _libraries(path) & APART:
            found.append(path)
    return found


def _libraries(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def recorded(server: Server, files: Iterable[Path], said: Callable[[str], object]) -> list[Ran]:
    """Return what the tests of these files run: recorded now, or before if all that they run is as it was."""
    CACHE.mkdir(parents=True, exist_ok=True)
    found = []
    for path in files:
        record = CACHE / f"{path.stem}.jsonl"
        if not _is_of_today(record, path):
            said(f"recording {path.name}")
            partial = CACHE / f"{path.stem}.part"
            partial.write_text("")
            server.record(path, partial, LONGEST)
            events = partial.read_text(encoding="utf-8")
            names = {name for event in events.splitlines() for name in json.loads(event)["lines"]}
            digests = {name: digest(ROOT / name) for name in [path.relative_to(ROOT).as_posix(), *sorted(names)]}
            record.write_text(f"{json.dumps(digests)}\n{events}", encoding="utf-8")
            partial.unlink()
        lines = record.read_text(encoding="utf-8").splitlines()[1:]
        found += [ran for line in lines if (ran := _ran(line))]
    return found


def _is_of_today(record: Path, path: Path) -> bool:
    if not record.exists():
        return False
    with record.open(encoding="utf-8") as file:
        digests = json.loads(file.readline())
    return all((ROOT / name).exists() and digest(ROOT / name) == was for name, was in digests.items())


def digest(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _ran(line: str) -> Ran | None:
    event = json.loads(line)
    if not event["passed"]:  # skipped, or one that fails without a mutant
        return None
    return Ran(event["test"], event["seconds"], {path: frozenset(lines) for path, lines in event["lines"].items()})


class Reach:
    """For a line of the library, the tests that run it."""

    def __init__(self, tests: Iterable[Ran]) -> None:
        tests = list(tests)
        self._always = [test for test in tests if test.name.startswith(ALWAYS)]
        self._by_line: dict[tuple[str, int], list[Ran]] = defaultdict(list)
        self._by_file: dict[str, list[Ran]] = defaultdict(list)
        for test in tests:
            for path, lines in test.lines.items():
                self._by_file[path].append(test)
                for line in lines:
                    self._by_line[path, line].append(test)

    def of(self, path: str, lines: Iterable[int]) -> list[Ran]:
        """Return the tests that run one of these lines, the quickest first.

        Where they are few, those that run any line of the file come after them: what is done on import, and what
        TensorFlow has rewritten into a graph, is not seen.
        """
        found = {test.name: test for line in lines for test in self._by_line.get((path, line), ())}
        tests = sorted(found.values(), key=_by_time)
        others = [test for test in self._by_file.get(path, []) if test.name not in found] if len(tests) < FEW else []
        tests += sorted(others, key=_by_time)
        return [*self._always, *tests] if tests else []

    def is_run(self, path: str, lines: Iterable[int]) -> bool:
        """Return whether a test is known to run one of these lines."""
        return any((path, line) in self._by_line for line in lines)


def _by_time(test: Ran) -> tuple[float, str]:
    return test.seconds, test.name
