"""`python -m compare bench projector`: a table logged for TensorBoard's Embedding Projector, and served.

Both contenders get the same labels and vectors and log all of them, without views. Each turn logs in a process of its
own; then TensorBoard itself is asked over HTTP for what its page asks for. It is a fresh server each time, so that
nothing is cached, and TensorFlow is hidden from it, so that both logs are read by the same code.
"""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from compare.bench.child import call, environment
from compare.bench.options import JsonFile, Out, Quick, Resume, Rounds, Seed, Threads
from compare.bench.projector.measurement import serve
from compare.bench.rounds import ratio
from compare.bench.session import Result, View, session
from compare.bench.tables import Table, beside, footer

CONTENDERS = {
    "tf_emb": "tf_emb.projector.log_projection(views=())",
    "torch": "torch.utils.tensorboard.SummaryWriter.add_embedding",
}
FULL, QUICK = {"rows": 100_000, "dim": 100}, {"rows": 200, "dim": 60}
MEASURED = {"log": "logged", "serve": "served"}
UNITS = ("seconds", "grown_mib")
LEGEND = (
    "Medians of {rounds} rounds. Logged: from arrays to files. Served: TensorBoard's answers to runs, info, tensor and "
    "metadata. MiB: peak, less what the process had before. Ratios: within a round, median (least..most); below 1 we "
    "need less."
)


def run(
    rounds: Rounds = 7,
    threads: Threads = 2,
    seed: Seed = 0,
    resume: Resume = None,
    out: Out = None,
    json: JsonFile = None,
    quick: Quick = False,
) -> None:
    """Logging and serving vectors, beside PyTorch."""
    with session("projector", out, json, resume, View(tables, summary)) as bench:
        size = QUICK if quick else FULL
        bench.begin({**size, "threads": threads, "seed": seed, "quick": quick, "contenders": CONTENDERS})
        turns = {
            f"round {number + 1}: {name}": (number, name)
            for number in range(rounds)
            for name in list(CONTENDERS)[:: 1 if number % 2 else -1]
        }
        for key, (number, name) in bench.left(turns):
            with tempfile.TemporaryDirectory(dir=bench.work) as folder:
                measured = turn(name, size | {"seed": seed}, threads, Path(folder))
            bench.add(key, {"round": number, "contender": name} | measured)


def turn(name: str, table: dict[str, int], threads: int, folder: Path) -> dict[str, Any]:
    """Let one contender log, then TensorBoard serve it; return seconds and MiB of both."""
    logs = folder / "logs"
    arguments = {"name": name, **table, "logdir": str(logs)}
    logged = call(name, "compare.bench.projector.measurement", arguments, threads=threads, log=folder / "log")
    size = sum(path.stat().st_size for path in logs.rglob("*") if path.is_file())
    served = serve(logs, table["rows"], table["dim"], environment(threads))
    return {"log": logged | {"size_mib": size / 2**20}, "serve": served}


def summary(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """Return our time and memory over theirs in every round that both have; below 1 we need less."""
    by_name = {name: {of["round"]: of for of in measured if of["contender"] == name} for name in CONTENDERS}
    ours, theirs = by_name.values()
    both = sorted(ours.keys() & theirs.keys())
    ratios = {
        f"{what} {unit}": ratio(*([of[i][what][unit] for i in both] for of in (ours, theirs)))
        for what in MEASURED
        for unit in UNITS
        if both
    }
    return {"rounds": len(both), "ratios": ratios}


def tables(result: Result) -> Iterator[RenderableType]:
    """Yield the table, and what its figures are."""
    settings, ratios = result["settings"], result["ratios"]
    heads = (f"{settings['rows']:,} x {settings['dim']}", "seconds", "MiB", "ours / theirs: time", "memory")
    table = Table(*heads, left=[3, 4])
    for what, said in MEASURED.items():
        table.heading(said)
        for name in CONTENDERS:
            turns = [of[what] for of in result["measured"] if of["contender"] == name]
            if turns:
                seconds, mib = (statistics.median(of[unit] for of in turns) for unit in UNITS)
                both = [beside(ratios[f"{what} {unit}"], 3) for unit in UNITS] if name == "torch" and ratios else []
                table.row(f"  {name}", f"{seconds:.3f}", f"{mib:.0f}", *both)
    yield table
    yield Text(LEGEND.format(rounds=result["rounds"]))
    yield from footer(result)
