"""How the results of `bench layers` are presented."""

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from compare.bench.plots import Style, finish, styles
from compare.bench.session import Result, View, versions
from compare.bench.tables import Table, beside, footer

LEGEND = (
    "Milliseconds per training step: the median of {rounds} rounds, {threads} threads, {batch} x {time} ids per step. "
    "MiB: peak while training, less what the loaded framework takes. Ratios are our time over the peer's within a "
    "round: median (least..most); below 1 we are faster."
)


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
        if row["optimizer"] == "SGD" and max(moved) - min(moved) > 1e-3 * max(moved):
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
    axes.set_xlabel("our time / theirs, per training step (median, and least to most of the rounds); left of 1: faster")
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
        axes.annotate(f"{of['median']:.2f}", (of["most"], height), (5, 0), textcoords="offset points",
                      va="center", fontsize=7, color=colour)  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return which programs ran."""
    return {"versions": versions(of for row in rows for of in row["contenders"].values())}


VIEW = View(tables, summary, plot)
