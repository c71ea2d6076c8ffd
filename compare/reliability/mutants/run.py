"""Mutants tested one by one, each by the tests that run its line."""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from compare.reliability.mutants.client import Server
from compare.reliability.mutants.operators import Mutant, mutants
from compare.reliability.mutants.reach import Ran, Reach
from compare.reliability.verdict import ROOT

FIRST, SECOND = 6.0, 60.0  # seconds of tests that run at once, and then; the quickest ones
MOST = 300  # tests in a stage
# Those that start other processes, in the end, for code that no test runs in its own: of other backends, of engines.
BACKENDS = ("tests/test_backends.py", "tests/test_transformed.py")
APART = {"layers": BACKENDS, "ops": BACKENDS, "parity": ("tests/test_parity.py", "tests/test_quick.py")}
LONG = 40.0  # seconds of each of them; they wait for others, see the server
START, SLOWER = 20.0, 3.0  # a child may take the first, and so much more than its tests took


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: killed, "too long" (killed too), survived, or "no test"; and how many tests ran."""

    mutant: Mutant
    came: str
    tests: int
    seconds: float


def sampled(paths: Iterable[Path], sample: int | None, seed: int) -> list[Mutant]:
    """Return the mutants of these files, or a sample of them drawn without regard to the file."""
    found = [mutant for path in paths for mutant in mutants(path, ROOT)]
    if sample is None or sample >= len(found):
        return found
    return sorted(random.Random(seed).sample(found, sample), key=lambda mutant: (mutant.path, mutant.start))


def run(chosen: Sequence[Mutant], reach: Reach, server: Server, told: Callable[[Fate], object]) -> list[Fate]:
    """Test mutants; `told` hears of each."""
    fates = []
    for mutant in chosen:
        fates.append(one(mutant, reach, server))
        told(fates[-1])
    return fates


def one(mutant: Mutant, reach: Reach, server: Server) -> Fate:
    """Test a mutant with the tests that run its lines."""
    began, source = time.monotonic(), ROOT / mutant.path
    lines = range(mutant.line, mutant.line + mutant.before.count("\n") + 1)
    stages = staged(reach.of(mutant.path, lines))
    if not reach.is_run(mutant.path, lines):
        stages += [[Ran(name, LONG, {})] for name in APART.get(mutant.path.split("/")[1], ())]
    if not stages:
        return Fate(mutant, "no test", 0, 0.0)
    planted = server.folder / Path(mutant.path).name
    planted.write_bytes(mutant.apply(source.read_bytes()))
    module = ".".join(Path(mutant.path).with_suffix("").parts).removesuffix(".__init__")
    came = "survived"
    for stage in stages:  # each in a child of its own, so that one that goes on for ever is ended soon
        limit = START + SLOWER * sum(test.seconds for test in stage)
        status = server.test([test.name for test in stage], limit, module, planted)
        if status != 0:
            came = "too long" if status is None else "killed"
            break
    return Fate(mutant, came, sum(map(len, stages)), time.monotonic() - began)


def staged(tests: Sequence[Ran]) -> list[list[Ran]]:
    """Return what runs at once, and what runs if none of it fails: together at most `SECOND` seconds."""
    first: list[Ran] = []
    second: list[Ran] = []
    spent = 0.0
    for test in tests:
        spent += test.seconds
        if spent > SECOND and first:
            break
        stage = first if spent <= FIRST or not first else second
        if len(stage) < MOST:
            stage.append(test)
    return [stage for stage in (first, second) if stage]
