"""What a speed run says: a table on the terminal, speed.json, and a plot as SVG and PNG."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from compare.bench.layers.rows import OURS
from tf_emb.parity.report import replace
from tf_emb.parity.report.plot import COLOURS, MARKERS

LEGEND = (
    "Milliseconds a training step: the median of {rounds} rounds, {threads} threads, {batch} x {time} ids a step. "
    "MiB: peak while training, less what the loaded framework has. Ratios are our time over the peer's, round by "
    "round: median (least..most); below 1 we are faster."
)


def write(result: dict[str, Any], out: Path) -> dict[str, Path]:
    """Write speed.json, speed.svg and speed.png into `out`, made when it is missing; return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    paths = {"speed.json": replace(out / "speed.json", as_json(result))}
    figure = plot(result)
    for name in ("speed.svg", "speed.png"):
        figure.savefig(out / name, dpi=150)
        paths[name] = out / name
    return paths


def as_json(result: dict[str, Any]) -> str:
    """Return all that was measured, every round of it."""
    return json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def print_report(result: dict[str, Any], console: Console) -> None:
    """Print the table and what its figures are; nothing is said by colour alone."""
    first = result["rows"][0]
    console.print(_table(result))
    said = LEGEND.format(rounds=result["rounds"], threads=result["threads"], batch=first["batch"], time=first["time"])
    console.print(Text(said))
    machine = result["machine"]
    console.print(Text(f"{machine['cpu']}, {machine['cores']} cores; {'; '.join(result['versions'])}", "dim"))
    if result["quick"]:
        console.print(Text("--quick: sizes for a test of the machinery; these numbers mean nothing.", "yellow"))
    for row in apart(result):
        console.print(Text(f"! {row}: the contenders moved the table differently.", "bold red"))


def apart(result: dict[str, Any]) -> Iterator[str]:
    """Yield rows whose contenders did not train alike, though plain SGD leaves no choice."""
    for row in result["rows"]:
        moved = [of["moved"] for of in row["contenders"].values()]
        if row["optimizer"] == "SGD" and max(moved) - min(moved) > 1e-3 * max(moved):
            yield row["name"]


def _table(result: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("row and contender", no_wrap=True)
    for name in ("ms", "MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("ours / theirs", no_wrap=True)
    for row in result["rows"]:
        table.add_row(Text(row["name"], "bold"))
        for name, of in row["contenders"].items():
            table.add_row(f"  {name}", f"{1e3 * of['median']:.2f}", f"{of['grown_mib']:.0f}", _ratio(row, name))
    return table


def _ratio(row: dict[str, Any], name: str) -> Text:
    if name == OURS:
        return Text("")
    of = row["ratios"][name]
    style = "green" if of["most"] < 1 else "red" if of["least"] > 1 else ""
    return Text(f"{of['median']:.2f} ({of['least']:.2f}..{of['most']:.2f})", style)


def plot(result: dict[str, Any]) -> Any:
    """Return a figure of every ratio, its rounds as a line from the least to the most."""
    from matplotlib.figure import Figure

    rows = result["rows"]
    figure = Figure(figsize=(9, 1.6 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    peers = list(dict.fromkeys(name for row in rows for name in row["ratios"]))
    for i, peer in enumerate(peers):
        _draw(axes, rows, peer, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], shift=0.16 * (2 * i - 1))
    _finish(axes, [row["name"] for row in rows])
    figure.legend(loc="outside upper right", ncols=len(peers), frameon=False)
    return figure


def _draw(axes: Any, rows: list[dict[str, Any]], peer: str, colour: str, marker: str, shift: float) -> None:
    found = [(i + shift, row["ratios"][peer]) for i, row in enumerate(rows) if peer in row["ratios"]]
    heights, medians = [height for height, _ in found], [of["median"] for _, of in found]
    axes.hlines(heights, [of["least"] for _, of in found], [of["most"] for _, of in found], color=colour, lw=2)
    axes.plot(medians, heights, marker, color=colour, markersize=6, label=f"beside {peer}")
    for height, of in found:
        axes.annotate(f"{of['median']:.2f}", (of["most"], height), (5, 0), textcoords="offset points",
                      va="center", fontsize=7, color=colour)  # fmt: skip


def _finish(axes: Any, names: list[str]) -> None:
    axes.set_xscale("log")
    axes.axvline(1, color="#777777", linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("our time / theirs, a training step (median, and least to most of the rounds); left of 1: faster")
    axes.grid(True, axis="x", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
