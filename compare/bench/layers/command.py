"""`python -m compare bench layers`.

Each contender of a row has a process of its own. All processes of a row live at the same time and train in turn, never
at once. A ratio is taken within a round; reported are the median of the rounds and their extremes.
"""

import statistics
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from compare.bench.child import Child
from compare.bench.layers.report import VIEW
from compare.bench.layers.workloads import OURS, Workload, workloads
from compare.bench.options import JsonFile, Out, Quick, Resume, Rounds, RowName, Seed, Threads, chosen
from compare.bench.rounds import ratio, rotated
from compare.bench.session import session


def run(
    row: RowName = "", rounds: Rounds = 7, threads: Threads = 2, seed: Seed = 0, resume: Resume = None,
    out: Out = None, json: JsonFile = None, quick: Quick = False,
) -> None:  # fmt: skip
    """Training steps beside Keras and PyTorch."""
    with session("layers", out, json, resume, VIEW) as bench:
        rows = chosen(row, {of.name: of for of in workloads(quick, seed)})
        bench.begin({"rounds": rounds, "threads": threads, "seed": seed, "quick": quick})
        for name, workload in bench.left(rows):
            bench.add(name, measure(workload, bench.work, rounds, threads))


def measure(row: Workload, work: Path, rounds: int, threads: int) -> dict[str, Any]:
    """Measure one row: all of its contenders are alive, and one of them is at work."""
    with ExitStack() as stack:
        alive = [stack.enter_context(start(name, row, threads, work)) for name in row.contenders]
        ready = {of.name: of.answer() for of in alive}
        turns: dict[str, list[dict[str, Any]]] = {of.name: [] for of in alive}
        for number in range(rounds + 1):
            for of in rotated(alive, number):
                turns[of.name].append(of.turn())
    # The first round finds caches cold and clocks low.
    found = {name: described(row, name, ready[name], turns[name][1:]) for name in turns}
    ratios = {name: ratio(found[OURS]["seconds"], of["seconds"]) for name, of in found.items() if name != OURS}
    return {**row.as_dict(), "distinct": ready[OURS]["distinct"], "contenders": found, "ratios": ratios}


def start(name: str, row: Workload, threads: int, work: Path) -> Child:
    """Start the process of a contender."""
    arguments = {"name": name, "threads": threads, "workload": row.as_dict()}
    return Child(name, "compare.bench.layers.worker", arguments, threads=threads, log=work / f"{name}.log")


def described(row: Workload, name: str, ready: dict[str, Any], turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what was measured of one contender: seconds per step, and MiB."""
    seconds, peak = [turn["seconds"] for turn in turns], turns[-1]["peak_mib"]
    return {"what": row.contenders[name], "version": ready["version"], "seconds": seconds,
            "median": statistics.median(seconds), "peak_mib": peak, "grown_mib": peak - ready["loaded_mib"],
            "moved": ready["moved"]}  # fmt: skip
