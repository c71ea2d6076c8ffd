"""Many inputs given to one surface, in processes of their own that are ended when an input goes beyond a limit."""

import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from compare.bench.child import environment
from compare.reliability.surface import Surface
from compare.reliability.verdict import MIB, ROOT, SECONDS, Verdict, resident_mib
from tf_emb.files import scratch

__all__ = ["Counts", "Surface", "Wrong", "run"]

HOME = "compare.reliability.surfaces"
SHOWN = 10  # wrong inputs that are described
CONFIRMED = 5  # slow inputs that are tried again by themselves before all others are believed
PATIENCE = 180.0  # seconds in which a process starts, or makes an input
WARMING = 60.0  # the same for an input that is given once before it counts
LINE = 2**16


@dataclass(frozen=True)
class Wrong:
    """An input that did not end right: its number, and what came."""

    number: int
    said: str


@dataclass(frozen=True)
class Counts:
    """What became of the inputs of one surface.

    Attributes:
        surface: its name.
        inputs: how many were given.
        accepted: how many of them returned.
        refused: how many were refused in one line of our own.
        wrong: all others.
        slowest_s: the longest time of an input that was not wrong.
        largest_mib: the most memory that one of these took beyond its size.
        examples: the first wrong ones.
    """

    surface: str
    inputs: int
    accepted: int
    refused: int
    wrong: int
    slowest_s: float
    largest_mib: float
    examples: tuple[Wrong, ...] = ()


@dataclass
class Tally:
    """Counts as they come."""

    accepted: int = 0
    refused: int = 0
    wrong: int = 0
    slowest: float = 0.0
    largest: float = 0.0
    slow: int = 0
    examples: list[Wrong] = field(default_factory=list)

    def add(self, number: int, verdict: Verdict) -> None:
        """Count one input."""
        setattr(self, verdict.kind, getattr(self, verdict.kind) + 1)
        if verdict.kind != "wrong":
            self.slowest = max(self.slowest, verdict.seconds)
            self.largest = max(self.largest, verdict.mib)
        elif len(self.examples) < SHOWN:
            self.examples.append(Wrong(number, verdict.said))


def run(
    surface: Surface,
    count: int,
    seed: int = 0,
    *,
    home: str = HOME,
    on_input: Callable[[int, int], object] = lambda done, wrong: None,
) -> Counts:
    """Give `count` inputs to a surface, each of them made from `seed` and its number.

    An input that takes too long is tried once more, in a new process that has loaded everything: another program on
    the machine does not make it wrong.

    Args:
        surface: one of `SURFACES` in the module `home`, or in one of a package's modules.
        count: how many inputs.
        seed: of all.
        home: where a new process finds the surface by its name.
        on_input: is told how many are done, and how many of them were wrong.
    """
    tally, number, again = Tally(), 0, False
    with scratch("reliability") as folder:
        while number < count:
            with Worker(home, surface.name, (number, count), seed, again, folder) as worker:
                while number < count and worker.alive:
                    verdict = worker.verdict()
                    again = verdict.seconds > SECONDS and not again and tally.slow < CONFIRMED
                    if again:
                        tally.slow += 1
                        break
                    tally.add(number, verdict)
                    number += 1
                    on_input(number, tally.wrong)
    return Counts(
        surface.name,
        count,
        tally.accepted,
        tally.refused,
        tally.wrong,
        tally.slowest,
        tally.largest,
        tuple(tally.examples),
    )


class Worker:
    """A process that is given inputs, as a context that ends it.

    Args:
        home: the module in which it finds the surface.
        name: of the surface.
        numbers: of the first input, and of the one after the last.
        seed: of all.
        again: whether it is given the first input twice; the second time counts.
        folder: for its files.
    """

    def __init__(self, home: str, name: str, numbers: tuple[int, int], seed: int, again: bool, folder: Path) -> None:
        self.alive = True
        self._pipe, told = os.pipe()
        self._rest, self._doing, self._allowed, self._most = b"", "starting", PATIENCE, math.inf
        self._log = folder / "log"
        arguments = [home, name, *map(str, numbers), str(seed), str(told), str(int(again))]
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "compare.reliability.worker", *arguments],
                cwd=ROOT,
                env=environment(1) | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "TMPDIR": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=[told],
                start_new_session=True,  # what an input has started ends with it
            )
        os.close(told)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        os.close(self._pipe)

    def verdict(self) -> Verdict:
        """Return what became of the next input; the process is not alive if that has ended it."""
        while True:
            line = self._line()
            if isinstance(line, Verdict):
                self._end()
                return line
            event = json.loads(line)
            if event["event"] == "used":
                self._doing, self._allowed, self._most = "making an input", PATIENCE, math.inf
                return Verdict(**{name: event[name] for name in ("kind", "said", "seconds", "mib", "error")})
            if "held" in event:
                self._doing, self._most = "using it", event["held"] + event["size"] + 1.5 * MIB
                # it says itself when it was longer than SECONDS
                self._allowed = SECONDS + 1 if event["event"] == "made" else WARMING

    def _line(self) -> bytes | Verdict:
        """Return what the process says next, or what has happened instead."""
        began = time.monotonic()
        while b"\n" not in self._rest:
            if (took := time.monotonic() - began) > self._allowed:
                return Verdict("wrong", f"{self._doing} took longer than {int(self._allowed)} s", took)
            if self._doing == "using it" and resident_mib(self._process.pid) > self._most:
                return Verdict("wrong", f"memory grew by more than {1.5 * MIB:,.0f} MiB")
            if select.select([self._pipe], [], [], 0.05)[0]:
                more = os.read(self._pipe, LINE)
                if not more:
                    return Verdict("wrong", self._death())
                self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _death(self) -> str:
        status = self._process.wait()
        last = self._log.read_text(errors="replace").strip().splitlines()[-1:] or ["no message"]
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
        return f"the process {how}: {last[0][:200]}"

    def _end(self) -> None:
        self.alive = False
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
