"""What a quality run says: two tables on the terminal, quality.json, and a plot as SVG and PNG."""

import json
import statistics
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from compare.bench.word2vec.bars import MARGINS, SPEED, Training
from compare.bench.word2vec.rows import ROWS
from compare.bench.word2vec.scores import HELD_OUT, WITH_PRIOR
from tf_emb.parity.report import replace

BARS = (17, 20, 20, 23, 11)
CONTENDERS = (28, 5, 5, 6, 6, 6, 9, 8, 6)
LEGEND = (
    "Means over seeds (least..most); ✓: the bar is held, ✗: missed. Words a second: thousands, raw, before "
    "subsampling, by the wall's clock, medians. Ours beside theirs: difference of the means, of words a second the "
    "ratio of the medians (least..most of the seeds). Analogies in %, word pairs Spearman's correlation, held-out loss "
    "in nats a pair: lower is better. / CPU-s: thousands of words a second of the processor. MiB: peak while training, "
    "less what was there before."
)


def as_json(result: dict[str, Any]) -> str:
    """Return all that was measured, every training of it."""
    return json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def write(result: dict[str, Any], out: Path) -> dict[str, Path]:
    """Write quality.json, quality.svg and quality.png into `out`, made when it is missing; return their paths."""
    from compare.bench.word2vec.plot import plot

    out.mkdir(parents=True, exist_ok=True)
    paths = {"quality.json": replace(out / "quality.json", as_json(result))}
    figure = plot(result)
    for name in ("quality.svg", "quality.png"):
        figure.savefig(out / name, dpi=130)
        paths[name] = out / name
    return paths


def print_report(result: dict[str, Any], console: Console) -> None:
    """Print the tables and what their figures are; nothing is said by colour alone."""
    if result["bars"]:
        console.print(bars_table(result["bars"]))
        console.print()
    console.print(contenders_table(result["trainings"]))
    console.print(Text(LEGEND))
    settings, machine = result["settings"], result["machine"]
    corpus = Path(settings["corpus"]).name if settings["corpus"] else "gensim's lee_background"
    console.print(Text(
        f"{corpus}, {result['text']['words']:,} words; dim {settings['dim']}, window {settings['window']}, "
        f"{settings['negatives']} negatives, sample {settings['sample']:g}, {settings['threads']} threads; slow "
        f"contenders on {_words(settings['slow_words'])}, full softmax on {_words(settings['softmax_words'])}", "dim"
    ))  # fmt: skip
    console.print(Text(f"{machine['cpu']}, {machine['cores']} cores; {'; '.join(result['versions'])}", "dim"))
    if settings["quick"]:
        console.print(Text("--quick: sizes for a test of the machinery; these numbers mean nothing.", "yellow"))


def last_line(result: dict[str, Any]) -> str:
    """Return how many bars are held."""
    return f"{sum(bar['held'] for bar in result['bars'])} of {len(result['bars'])} bars held"


def bars_table(bars: list[dict[str, Any]]) -> Group:
    """Return a line a bar, in a table a group."""
    tables: list[Any] = [_line(BARS, "", "ours", "theirs", "ours beside theirs", "bar")]
    for name, group in groupby(bars, key=lambda bar: (bar["row"], bar["epochs"])):
        tables.append(Text(heading(*name), "bold"))
        for bar in group:
            verdict = Text(f"✓ {_bar(bar)}", "green") if bar["held"] else Text(f"✗ {_bar(bar)}", "bold red")
            sides = (_side(bar["measure"], bar[side]) for side in ("ours", "theirs"))
            tables.append(_line(BARS, f"  {bar['measure']}", *sides, _beside(bar), verdict))
    return Group(*tables)


def contenders_table(trainings: list[Training]) -> Group:
    """Return a line a contender: what bars do not speak of, too."""
    heads = ("", "30k %", "all %", "WS-353", "SimLex", "nats", "k words/s", "/ CPU-s", "MiB")
    tables: list[Any] = [_line(CONTENDERS, *heads)]
    order = [row.name for row in ROWS]
    named = sorted(trainings, key=lambda of: (order.index(of["row"]), of["epochs"]))
    for name, group in groupby(named, key=lambda of: (of["row"], of["epochs"])):
        tables.append(Text(heading(*name), "bold"))
        for contender, of in _by_contender(list(group)).items():
            cells = [_mean(of, measure) for measure in (*MARGINS, HELD_OUT)]
            tables.append(_line(CONTENDERS, f"  {contender}", *cells, *_costs(of)))
            if any(training["scores"].get(WITH_PRIOR) for training in of):
                tables.append(_line(CONTENDERS, "    prior added", *[""] * 4, _mean(of, WITH_PRIOR)))
    return Group(*tables)


def heading(row: str, epochs: int) -> str:
    """Return what a group of trainings is called."""
    return f"{row}, {epochs} epoch{'s' if epochs > 1 else ''}"


def _line(widths: Sequence[int], *cells: str | Text) -> Table:
    """Return one line; lines of the same widths stand below each other."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for i, width in enumerate(widths):
        grid.add_column(width=width, justify="right" if i else "left", no_wrap=True)
    grid.add_row(*cells)
    return grid


def _by_contender(group: list[Training]) -> dict[str, list[Training]]:
    """Return the trainings of every contender, the first that trained first."""
    found: dict[str, list[Training]] = {}
    for of in group:
        found.setdefault(of["contender"], []).append(of)
    return found


def _mean(of: list[Training], measure: str) -> str:
    known = [value for training in of if (value := training["scores"].get(measure)) is not None]
    return _number(measure, statistics.mean(known)) if known else "-"


def _costs(of: list[Training]) -> list[str]:
    speed, processor = (statistics.median(training[name] for training in of) / 1000
                        for name in ("words_per_second", "words_per_cpu_second"))  # fmt: skip
    return [f"{speed:,.1f}", f"{processor:,.1f}", f"{max(training['grown_mib'] for training in of):,.0f}"]


def _side(measure: str, values: list[float]) -> str:
    middle = statistics.median(values) if measure == SPEED else statistics.mean(values)
    return _range(*(_number(measure, value) for value in (middle, min(values), max(values))))


def _beside(bar: dict[str, Any]) -> str:
    parts = [bar["value"], bar["least"], bar["most"]]
    if bar["measure"] == SPEED:
        return _range(*(f"{part:.2f}" for part in parts))
    return _range(*(_number(bar["measure"], part, "+") for part in parts))


def _range(middle: str, least: str, most: str) -> str:
    """Return a number with its extremes, if it has any."""
    return middle if least == most else f"{middle} ({least}..{most})"


def _number(measure: str, value: float, sign: str = "") -> str:
    """Return words a second in thousands, analogies with one digit, others with three."""
    if measure == SPEED:
        return f"{value / 1000:,.{0 if value >= 100_000 else 1}f}"
    return f"{value:{sign}.{1 if measure.startswith('analogies') else 3}f}"


def _bar(bar: dict[str, Any]) -> str:
    if bar["measure"] == SPEED:
        return f">= {bar['bar']:g}x"
    return "< 0" if bar["measure"] == HELD_OUT else f">= {bar['bar']:g}"


def _words(number: int | None) -> str:
    return "all words" if number is None else f"{number:,} words"
