"""How fast we are beside our peers: a ratio, never a number of seconds alone.

Each contender of a row has a process of its own, so that frameworks share no runtime. All processes of a row live at
the same time, and train in turn, never at once: what else happens on the machine hits all alike. A ratio is taken
within a round; reported are the median of the rounds and their extremes.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from compare.bench.layers import rows as layers
from compare.bench.layers.rows import OURS, Row
from tf_emb.parity.events import MARK

ROOT = Path(__file__).parent.parent.parent
SUBJECTS = ("layers", "projector", "word2vec")  # the others stand in compare.bench.projector.subject and .words


class Contender:
    """The process of one contender: a context that ends it."""

    def __init__(self, name: str, row: Row, threads: int, log: Path) -> None:
        self.name, self.log = name, log
        self.turns: list[dict[str, Any]] = []
        command = [sys.executable, "-m", "compare.bench.layers.worker", name, str(threads), json.dumps(row.as_dict())]
        with log.open("w") as errors:
            self._child = subprocess.Popen(
                command, cwd=ROOT, env=environment(threads), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, *_: Any) -> None:
        self._child.terminate()
        self._child.communicate()

    def answer(self) -> dict[str, Any]:
        """Return the next thing the process says.

        Raises:
            RuntimeError: it ended instead.
        """
        for line in self._child.stdout or ():
            if line.startswith(MARK):
                return json.loads(line.removeprefix(MARK))
        said = self.log.read_text().strip().splitlines()
        raise RuntimeError(f"{self.name} ended, exit status {self._child.wait()}: {said[-1] if said else 'no message'}")

    def turn(self, passes: int) -> dict[str, Any]:
        """Let it train for some passes over its batches; return what it says of them."""
        assert self._child.stdin
        print(passes, file=self._child.stdin, flush=True)
        return self.answer()


def environment(threads: int) -> dict[str, str]:
    """Return an environment with so many threads, and without accelerators, which some frameworks would take."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}
    return {**os.environ, **limits, **quiet}


def run(
    work: Path, *, subject: str = "layers", only: str = "", rounds: int = 7, threads: int = 2, quick: bool = False,
    seed: int = 0, on_row: Callable[[int, str], None] = lambda count, name: None,
    on_result: Callable[[dict[str, Any]], None] = lambda result: None,
) -> dict[str, Any]:  # fmt: skip
    """Measure every row of a subject; return what `speed.json` holds.

    Args:
        work: a folder for the logs of the processes.
        subject: one of `SUBJECTS`.
        only: a part of the names of the rows to measure; "" for all rows.
        rounds: how often each contender has its turn.
        threads: of each contender.
        quick: small sizes, for tests; their numbers mean nothing.
        seed: of every draw.
        on_row: called with the number of rows and the name of each before it is measured.
        on_result: called with all that is measured so far, after every row: a run that is stopped loses one row.

    Raises:
        ValueError: there is no such subject, or an argument is below 1.
        RuntimeError: a contender broke.
    """
    if subject not in SUBJECTS:
        raise ValueError(f"`--subject` must be one of {', '.join(SUBJECTS)}; got {subject!r}. Choose one.")
    if rounds < 1 or threads < 1:
        raise ValueError(f"`--rounds` and `--threads` must be 1 or more; got {rounds} and {threads}.")
    rows = [row for row in layers.rows(quick, seed) if only in row.name]
    if not rows:
        raise ValueError(f"`--row` must be part of the name of a row; got {only!r}. One is {layers.SAMPLE!r}.")
    measured: list[dict[str, Any]] = []
    result = {"subject": subject, "started": datetime.now().astimezone().isoformat(timespec="seconds"),
              "rounds": rounds, "threads": threads, "quick": quick, "machine": machine(),
              "rows": measured}  # fmt: skip
    for row in rows:
        on_row(len(rows), row.name)
        measured.append(measure(row, work, rounds, threads))
        on_result(result | {"versions": versions(measured)})
    return result | {"versions": versions(measured)}


def measure(row: Row, work: Path, rounds: int, threads: int) -> dict[str, Any]:
    """Measure one row: all its contenders alive, one of them at work."""
    with ExitStack() as stack:
        alive = [stack.enter_context(Contender(name, row, threads, work / f"{name}.log")) for name in row.contenders]
        ready = {of.name: of.answer() for of in alive}
        for number in range(rounds + 1):
            for of in rotated(alive, number):
                turn = of.turn(passes=1)
                if number:  # the first round finds caches cold and clocks low
                    of.turns.append(turn)
    contenders = {of.name: described(row, of, ready[of.name]) for of in alive}
    peers = {name: ratio(contenders[OURS]["seconds"], contenders[name]["seconds"])
             for name in contenders if name != OURS}  # fmt: skip
    distinct = ready[OURS]["distinct"]
    return {"name": row.name, **row.as_dict(), "distinct": distinct, "contenders": contenders, "ratios": peers}


def rotated(of: Sequence[Contender], number: int) -> list[Contender]:
    """Return them from another one on in each round, so that no contender always follows the same one."""
    start = number % len(of)
    return [*of[start:], *of[:start]]


def described(row: Row, of: Contender, ready: dict[str, Any]) -> dict[str, Any]:
    """Return what was measured of one contender, in seconds a step and in MiB."""
    seconds, peak = [turn["seconds"] for turn in of.turns], of.turns[-1]["peak_mib"]
    return {"what": row.contenders[of.name], "version": ready["version"], "seconds": seconds,
            "median": statistics.median(seconds), "peak_mib": peak, "grown_mib": peak - ready["loaded_mib"],
            "moved": ready["moved"]}  # fmt: skip


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    """Return our time over theirs, round by round: below 1 we are faster."""
    rounds = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {"median": statistics.median(rounds), "least": min(rounds), "most": max(rounds), "rounds": rounds}


def versions(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return what ran, each once."""
    return list(dict.fromkeys(of["version"] for row in rows for of in row["contenders"].values()))


def machine() -> dict[str, Any]:
    """Return what the numbers belong to."""
    model = ""
    if (info := Path("/proc/cpuinfo")).exists():
        model = next((line.partition(":")[2].strip() for line in info.read_text().splitlines()
                      if line.startswith("model name")), "")  # fmt: skip
    return {"cpu": model or platform.processor(), "cores": os.cpu_count(), "system": platform.platform(),
            "python": platform.python_version()}  # fmt: skip
