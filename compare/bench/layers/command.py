"""`python -m compare bench layers`.

Each contender of a row has a process of its own. All processes of a row live at the same time and train in turn, never
at once. A ratio is taken within a round; reported are the median of the rounds and their extremes.
"""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from compare.bench.child import Child
from compare.bench.layers.workloads import OURS, Workload, workloads
from compare.bench.options import JsonFile, Out, Quick, Resume, Rounds, RowName, Seed, Threads, chosen
from compare.bench.rounds import ratio, rotated
from compare.bench.session import Result, View, session
from compare.bench.tables import Style, Table, beside, finish, footer, styles

LEGEND = (
    "Milliseconds per training step, or per lookup: the median of {rounds} rounds, {threads} threads, {batch} x {time} "
    "ids per step. MiB: peak while at work, less what the loaded framework takes. Ratios are our time over the peer's "
    "within a round: median (least..most); below 1 we are faster."
)


def run(
    row: RowName = "",
    rounds: Rounds = 7,
    threads: Threads = 2,
    seed: Seed = 0,
    resume: Resume = None,
    out: Out = None,
    json: JsonFile = None,
    quick: Quick = False,
) -> None:
    """Training steps and lookups beside Keras and PyTorch."""
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
    return {**asdict(row), "distinct": ready[OURS]["distinct"], "contenders": found, "ratios": ratios}


def start(name: str, row: Workload, threads: int, work: Path) -> Child:
    """Start the process of a contender."""
    arguments = {"name": name, "threads": threads, "workload": asdict(row)}
    return Child(name, "compare.bench.layers.contenders", arguments, threads=threads, log=work / f"{name}.log")


def described(row: Workload, name: str, ready: dict[str, Any], turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what was measured of one contender: seconds per step, and MiB."""
    seconds, peak = [turn["seconds"] for turn in turns], turns[-1]["peak_mib"]
    return {
        "what": row.contenders[name],
        "version": ready["version"],
        "seconds": seconds,
        "median": statistics.median(seconds),
        "peak_mib": peak,
        "grown_mib": peak - ready["loaded_mib"],
        "moved": ready["moved"],
    }


def tables(result: Result) -> Iterator[RenderableType]:
    """Yield the table, and what its figures are."""
    table, rows = Table("row and contender", "ms", "MiB", "ours / theirs", left=[3]), result["measured"]
    for row in rows:
        table.heading(row["key"])
        for name, of in row["contenders"].items():
            ratio = beside(row["ratios"][name]) if name in row["ratios"] else ""
            table.row(f"  {name}", f"{1e3 * of['median']:.2f}", f"{of['grown_mib']:.0f}", ratio)
    yield table
    yield Text(LEGEND.format(**result["settings"], batch=rows[0]["batch"], time=rows[0]["time"]))
    yield from footer(result)
    for name in apart(rows):
        yield Text(f"! {name}: the contenders moved the table differently.", "bold red")


def apart(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the rows whose contenders did not train alike, though plain SGD leaves no choice."""
    for row in rows:
        moved = [of["moved"] for of in row["contenders"].values()]
        if row["task"] == "SGD" and max(moved) - min(moved) > 1e-3 * max(moved):
            yield row["key"]


def plot(result: Result) -> Any:
    """Return a figure of every ratio, its rounds as a line from the least to the most."""
    from matplotlib.figure import Figure

    rows = result["measured"]
    figure = Figure(figsize=(9, 1.6 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    peers = styles(name for row in rows for name in row["ratios"])
    for i, (peer, style) in enumerate(peers.items()):
        _draw(axes, rows, peer, style, shift=0.16 * (2 * i - 1))
    axes.set_xscale("log")
    axes.axvline(1, color="#777777", linewidth=1)
    axes.set_yticks(range(len(rows)), [row["key"] for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("our time / theirs, per step (median, and least to most of the rounds); left of 1: faster")
    finish(axes)
    figure.legend(loc="outside upper right", ncols=len(peers), frameon=False)
    return figure


def _draw(axes: Any, rows: list[dict[str, Any]], peer: str, style: Style, shift: float) -> None:
    colour, marker = style
    found = [(i + shift, row["ratios"][peer]) for i, row in enumerate(rows) if peer in row["ratios"]]
    heights, medians = [height for height, _ in found], [of["median"] for _, of in found]
    axes.hlines(heights, [of["least"] for _, of in found], [of["most"] for _, of in found], color=colour, lw=2)
    axes.plot(medians, heights, marker, color=colour, markersize=6, label=f"beside {peer}")
    for height, of in found:
        axes.annotate(
            f"{of['median']:.2f}",
            (of["most"], height),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color=colour,
        )


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return which programs ran."""
    return {"versions": list(dict.fromkeys(of["version"] for row in rows for of in row["contenders"].values()))}


VIEW = View(tables, summary, plot)
