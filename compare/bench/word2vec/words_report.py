"""What the speed of word2vec says: a table on the terminal, speed.json, and a plot as SVG and PNG."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from compare.bench.word2vec.plot import thousands
from compare.bench.word2vec.rows import SLOW
from tf_emb.parity.report import replace
from tf_emb.parity.report.plot import COLOURS, MARKERS

LEGEND = (
    "Thousands of raw words a second, before subsampling, in one epoch: the median of {rounds} rounds (least..most), "
    "{threads} threads; by the wall's clock, and of the processor's seconds. MiB: peak while training, less what was "
    "there before. Ours / theirs: by the wall's clock, round by round, median (least..most); above 1 we are faster. "
    "* trained on the first {slow_words} words; full softmax on the first {softmax_words}."
)


def write(result: dict[str, Any], out: Path) -> dict[str, Path]:
    """Write speed.json, speed.svg and speed.png into `out`, made when it is missing; return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    paths = {"speed.json": replace(out / "speed.json", json.dumps(result, indent=1, allow_nan=False) + "\n")}
    figure = plot(result)
    for name in ("speed.svg", "speed.png"):
        figure.savefig(out / name, dpi=150)
        paths[name] = out / name
    return paths


def print_report(result: dict[str, Any], console: Console) -> None:
    """Print the table and what its figures are."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("row and contender", no_wrap=True)
    for name in ("k words/s", "/ CPU-s", "MiB", "ours / theirs"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result["rows"]:
        table.add_row(Text(row["name"], "bold"))
        for name, of in row["contenders"].items():
            mark = "*" if name in SLOW else ""
            table.add_row(f"  {name}{mark}", spread(of["words_per_second"]), short(of["median_words_per_cpu_second"]),
                          f"{of['grown_mib']:.0f}", _ratio(row, name))  # fmt: skip
    console.print(table)
    settings = result["settings"]
    sizes = {name: f"{settings[name]:,}" for name in ("slow_words", "softmax_words")}
    console.print(Text(LEGEND.format(**settings | sizes, rounds=result["rounds"])))
    corpus = Path(settings["corpus"]).name if settings["corpus"] else "gensim's lee_background"
    said = f"{corpus}, {result['text']['words']:,} words; dim {settings['dim']}, window {settings['window']}, "
    console.print(Text(f"{said}{settings['negatives']} negatives, sample {settings['sample']:g}", "dim"))
    machine = result["machine"]
    console.print(Text(f"{machine['cpu']}, {machine['cores']} cores; {'; '.join(result['versions'])}", "dim"))
    if result["quick"]:
        console.print(Text("--quick: sizes for a test of the machinery; these numbers mean nothing.", "yellow"))


def spread(values: Sequence[float]) -> str:
    """Return the median and the extremes, in thousands."""
    return f"{short(statistics.median(values))} ({short(min(values))}..{short(max(values))})"


def short(value: float) -> str:
    """Return words a second in thousands."""
    return f"{value / 1000:,.{0 if value >= 100_000 else 1 if value >= 10_000 else 2}f}"


def _ratio(row: dict[str, Any], name: str) -> Text:
    if name not in row["ratios"]:
        return Text("")
    of = row["ratios"][name]
    style = "green" if of["least"] > 1 else "red" if of["most"] < 1 else ""
    return Text(f"{of['median']:.2f} ({of['least']:.2f}..{of['most']:.2f})", style)


def plot(result: dict[str, Any]) -> Any:
    """Return a figure of every contender's words a second, its rounds as dots."""
    from matplotlib.figure import Figure

    rows = result["rows"]
    names = list(dict.fromkeys(name for row in rows for name in row["contenders"]))
    styles = {name: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(names)}
    labels = [label for row in rows for label in (row["name"], *row["contenders"])]
    figure = Figure(figsize=(9, 1.2 + 0.27 * len(labels)), layout="constrained")
    axes = figure.subplots()
    height = 0
    for row in rows:
        for place, (name, of) in enumerate(row["contenders"].items(), height + 1):
            _dots(axes, place, of, row["ratios"].get(name), *styles[name])
        height += len(row["contenders"]) + 1
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    for tick in (tick for tick in axes.get_yticklabels() if tick.get_text() not in styles):
        tick.set_fontweight("bold")
    axes.set_ylim(len(labels) - 0.4, -0.6)
    _finish(axes)
    return figure


def _dots(axes: Any, height: int, of: dict[str, Any], beside: dict[str, Any] | None, colour: str, marker: str) -> None:
    values = of["words_per_second"]
    axes.plot(values, [height] * len(values), marker, color=colour, markersize=5, markerfacecolor="none")
    said = short(of["median_words_per_second"]) + (f", ours {beside['median']:.3g} x as fast" if beside else "")
    axes.annotate(said, (max(values), height), (8, 0), textcoords="offset points", va="center", fontsize=7)


def _finish(axes: Any) -> None:
    thousands(axes)
    axes.margins(x=0.2)
    axes.set_xlabel("thousands of raw words a second by the wall's clock: a dot a round, and the median in figures")
    axes.grid(True, axis="x", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
