"""The picture of a quality run: a panel a measure, a dot a seed, ours above its peers."""

from typing import Any

from compare.bench.word2vec.bars import SPEED, Training
from compare.bench.word2vec.rows import SAMPLED
from compare.bench.word2vec.scores import HELD_OUT, WITH_PRIOR
from tf_emb.parity.report.plot import COLOURS, MARKERS

TITLES = {
    "analogies, 30k": "analogies among 30,000 words, %", "analogies, all": "analogies among all words, %",
    "WordSim-353": "WordSim-353, Spearman", "SimLex-999": "SimLex-999, Spearman",
    HELD_OUT: "held-out loss, nats a pair (left: better)", SPEED: "thousands of raw words a second",
}  # fmt: skip
ACROSS = 3
PRIOR = f"{SAMPLED}, prior added"
Place = tuple[str, int]


def plot(result: dict[str, Any]) -> Any:
    """Return a figure of every training."""
    from matplotlib.figure import Figure

    trainings = result["trainings"]
    panels = [name for name in TITLES if any(found(name, of) for of in trainings)] or [SPEED]
    down = -(-len(panels) // ACROSS)
    groups = max(len({place(of) for of in trainings if found(name, of)}) for name in panels)
    figure = Figure(figsize=(4.3 * min(ACROSS, len(panels)), 0.9 + down * (0.9 + 0.72 * groups)), layout="constrained")
    grid = list(figure.subplots(down, min(ACROSS, len(panels)), squeeze=False).flat)
    styles = {name: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(names(trainings))}
    for axes, measure in zip(grid, panels, strict=False):
        _panel(axes, measure, trainings, styles)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    _legend(figure, styles)
    return figure


def names(trainings: list[Training]) -> list[str]:
    """Return the contenders, and the second reading of negative sampling where it is used."""
    found = list(dict.fromkeys(of["contender"] for of in trainings))
    return found + ([PRIOR] if any(of["scores"].get(WITH_PRIOR) for of in trainings) else [])


def place(training: Training) -> Place:
    """Return the group of a training."""
    return training["row"], training["epochs"]


def found(measure: str, training: Training) -> dict[str, float]:
    """Return what a training gave for a panel, by the name it is drawn under."""
    if measure == SPEED:
        return {training["contender"]: training["words_per_second"]}
    values = {training["contender"]: training["scores"].get(measure)}
    if measure == HELD_OUT:
        values[PRIOR] = training["scores"].get(WITH_PRIOR)
    return {name: value for name, value in values.items() if value is not None}


def _panel(axes: Any, measure: str, trainings: list[Training], styles: dict[str, tuple[str, str]]) -> None:
    places = list(dict.fromkeys(place(of) for of in trainings if found(measure, of)))
    for i, at in enumerate(places):
        values: dict[str, list[float]] = {}
        for of in (of for of in trainings if place(of) == at):
            for name, value in found(measure, of).items():
                values.setdefault(name, []).append(value)
        for j, name in enumerate(sorted(values, key=list(styles).index)):
            _dots(axes, values[name], i + 0.62 * ((j + 0.5) / len(values) - 0.5), *styles[name])
    labels = [f"{row.replace(' ', chr(10), 1)}, {epochs} ep." for row, epochs in places]
    axes.set_yticks(range(len(places)), labels, fontsize=8)
    axes.set_ylim(len(places) - 0.5, -0.5)
    for edge in range(1, len(places)):
        axes.axhline(edge - 0.5, color="#dddddd", linewidth=0.6)
    if measure == SPEED:
        thousands(axes)
    axes.set_title(TITLES[measure], fontsize=9, loc="left")
    axes.tick_params(axis="x", labelsize=8)
    axes.margins(x=0.12)
    axes.grid(True, axis="x", color="#eeeeee", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def thousands(axes: Any) -> None:
    """Make the axis of words a second logarithmic, in thousands."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, place: f"{value / 1000:g}")
    axes.xaxis.set_minor_formatter(lambda value, place: f"{value / 1000:g}" if f"{value:e}"[0] in "25" else "")
    axes.tick_params(axis="x", which="minor", labelsize=7)


def _dots(axes: Any, values: list[float], height: float, colour: str, marker: str) -> None:
    """Draw a dot a seed, and a stroke at their mean."""
    axes.plot(values, [height] * len(values), marker, color=colour, markersize=5, markerfacecolor="none")
    axes.plot(sum(values) / len(values), height, "|", color=colour, markersize=12, markeredgewidth=1.8)


def _legend(figure: Any, styles: dict[str, tuple[str, str]]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, marker=marker, linestyle="", markerfacecolor="none", label=name)
               for name, (colour, marker) in styles.items()]  # fmt: skip
    handles.append(Line2D([], [], color="#555555", marker="|", linestyle="", markersize=12, label="mean of the seeds"))
    figure.legend(handles=handles, loc="outside upper left", ncols=5, frameon=False, fontsize=8)
