"""How the results of `bench word2vec` are presented."""

import statistics
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from compare.bench.session import Result, View
from compare.bench.tables import Table, beside, footer, spread, verdict
from compare.bench.word2vec.bars import MARGINS, SPEED, Measured, bars, speeds
from compare.bench.word2vec.plan import SLOW
from compare.bench.word2vec.plot import plot
from compare.bench.word2vec.scores import HELD_OUT, WITH_PRIOR

BARS = (
    "Means over seeds, and least..most; ✓: the bar is held, ✗: missed. Words a second: thousands, raw, before "
    "subsampling, by the wall clock, medians. Ours beside theirs: the difference of the means, or for words a second "
    "the ratio of the medians, and the least..most of the seeds. Analogies in %, word pairs as Spearman's correlation, "
    "held-out loss in nats per pair: lower is better."
)
SPEEDS = (
    "Thousands of raw words per second, before subsampling: the median of the seeds (least..most), {threads} threads, "
    "by the wall clock and per CPU second. MiB: peak while training, less what was there before. Ours / theirs: by the "
    "wall clock, within a seed, median (least..most); above 1 we are faster. * trained on the first {slow} words; the "
    "full softmax on the first {softmax}."
)


def summary(trainings: list[Measured]) -> dict[str, Any]:
    """Return what follows from the trainings."""
    versions = list(dict.fromkeys(of["version"] for of in trainings))
    return {"versions": versions, "bars": [asdict(bar) for bar in bars(trainings)], "speeds": speeds(trainings)}


def last_line(result: Result) -> str:
    """Return how many bars are held."""
    return f"{sum(bar['held'] for bar in result['bars'])} of {len(result['bars'])} bars held"


def tables(result: Result) -> Iterator[RenderableType]:
    """Yield the bars, the scores and the speeds, and what their figures are."""
    settings = result["settings"]
    if result["bars"]:
        yield from (bars_table(result["bars"]), Text(BARS), Text())
    if any(of["scores"] for of in result["measured"]):
        yield from (scores_table(result), Text())
    yield speeds_table(result["speeds"])
    counts = {name: settings[f"{name}_words"] for name in ("slow", "softmax")}
    sizes = {name: "all" if count is None else f"{count:,}" for name, count in counts.items()}
    yield Text(SPEEDS.format(threads=settings["threads"], **sizes))
    corpus = Path(settings["corpus"]).name if settings["corpus"] else "gensim's lee_background"
    yield Text(
        f"{corpus}, {settings['text_words']:,} words; dim {settings['dim']}, window {settings['window']}, "
        f"{settings['negatives']} negatives, sample {settings['sample']:g}, {settings['threads']} threads",
        "dim",
    )
    yield from footer(result)


def bars_table(found: list[dict[str, Any]]) -> Table:
    """Return one row per bar, and below it the extremes of the seeds."""
    table = Table("", "ours", "theirs", "ours beside theirs", "bar", left=[4])
    for name, group in groupby(found, key=lambda bar: (bar["row"], bar["epochs"])):
        table.heading(heading(*name))
        for bar in group:
            sides, measure = [bar["ours"], bar["theirs"]], bar["measure"]
            middle = statistics.median if measure == SPEED else statistics.mean
            between = [
                f"{bar[of]:.2f}" if measure == SPEED else number(measure, bar[of], "+")
                for of in ("value", "least", "most")
            ]
            table.row(f"  {measure}", *(number(measure, middle(of)) for of in sides), between[0],
                      verdict(bar["held"], _bar(bar)))  # fmt: skip
            if len(bar["ours"]) > 1:
                ranges = (f"{number(measure, min(of))}..{number(measure, max(of))}" for of in sides)
                table.row("", *(Text(of, "dim") for of in (*ranges, f"{between[1]}..{between[2]}")))
    return table


def scores_table(result: Result) -> Table:
    """Return one row per contender that was scored, also in what no bar speaks of."""
    table = Table("", "30k %", "all %", "WS-353", "SimLex", "nats")
    for group in result["speeds"]:
        of_group = [of for of in result["measured"] if (of["row"], of["epochs"]) == (group["row"], group["epochs"])]
        if any(of["scores"] for of in of_group):
            table.heading(heading(group["row"], group["epochs"]))
        for contender in group["contenders"]:
            of = [training["scores"] for training in of_group if training["contender"] == contender]
            if any(of):
                table.row(_name(contender), *(_mean(of, measure) for measure in (*MARGINS, HELD_OUT)))
            if any(scores.get(WITH_PRIOR) for scores in of):
                table.row("    prior added", *[""] * len(MARGINS), _mean(of, WITH_PRIOR))
    return table


def speeds_table(groups: list[dict[str, Any]]) -> Table:
    """Return one row per contender."""
    table = Table("", "k words/s", "/ CPU-s", "MiB", "ours / theirs")
    for group in groups:
        table.heading(heading(group["row"], group["epochs"]))
        for name, of in group["contenders"].items():
            values = of["words_per_second"]
            speed = spread(*(short(pick(values)) for pick in (statistics.median, min, max)))
            ratio = beside(group["ratios"][name], more=True) if name in group["ratios"] else ""
            table.row(_name(name), speed, short(of["median_words_per_cpu_second"]), f"{of['grown_mib']:,.0f}", ratio)
    return table


def heading(row: str, epochs: int) -> str:
    """Return what a group of trainings is called."""
    return f"{row}, {epochs} epoch{'s' if epochs > 1 else ''}"


def number(measure: str, value: float, sign: str = "") -> str:
    """Return words a second in thousands, analogies with one digit, others with three."""
    if measure == SPEED:
        return f"{value / 1000:,.{0 if value >= 100_000 else 1}f}"
    return f"{value:{sign}.{1 if measure.startswith('analogies') else 3}f}"


def short(value: float) -> str:
    """Return words per second in thousands."""
    return f"{value / 1000:,.{0 if value >= 100_000 else 1 if value >= 10_000 else 2}f}"


def _name(contender: str) -> str:
    return f"  {contender}{'*' if contender in SLOW else ''}"


def _mean(of: list[dict[str, float | None]], measure: str) -> str:
    known = [value for scores in of if (value := scores.get(measure)) is not None]
    return number(measure, statistics.mean(known)) if known else "-"


def _bar(bar: dict[str, Any]) -> str:
    if bar["measure"] == SPEED:
        return f">= {bar['bar']:g}x"
    return "< 0" if bar["measure"] == HELD_OUT else f">= {bar['bar']:g}"


VIEW = View(tables, summary, plot, last_line)
