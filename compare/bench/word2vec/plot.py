"""The plot of `bench word2vec`: one panel per measure, one dot per seed, ours above its peers."""

import statistics
from typing import Any

from compare.bench.tables import Style, finish, styles, thousands
from compare.bench.word2vec.bars import SPEED, Measured
from compare.bench.word2vec.plan import OURS, SAMPLED
from compare.bench.word2vec.scores import HELD_OUT, WITH_PRIOR

TITLES = {
    "analogies, 30k": "analogies among 30,000 words, %", "analogies, all": "analogies among all words, %",
    "WordSim-353": "WordSim-353, Spearman", "SimLex-999": "SimLex-999, Spearman",
    HELD_OUT: "held-out loss, nats per pair (left: better)",
    SPEED: "thousands of raw words/s; ours / theirs",
}  # fmt: skip
ACROSS = 3
PRIOR = f"{SAMPLED}, prior added"
Group = tuple[str, int]


def plot(result: dict[str, Any]) -> Any:
    """Return a figure of every training."""
    from matplotlib.figure import Figure

    trainings = result["measured"]
    panels = [name for name in TITLES if any(found(name, of) for of in trainings)]
    down, across = -(-len(panels) // ACROSS), min(ACROSS, len(panels))
    most = max(len({group(of) for of in trainings if found(name, of)}) for name in panels)
    figure = Figure(figsize=(4.3 * across, 0.9 + down * (0.9 + 0.78 * most)), layout="constrained")
    grid = list(figure.subplots(down, across, squeeze=False).flat)
    prior = (PRIOR for of in trainings if of["scores"].get(WITH_PRIOR))
    looks = styles([*(of["contender"] for of in trainings), *prior])
    for axes, measure in zip(grid, panels, strict=False):
        _panel(axes, measure, trainings, looks)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    _legend(figure, looks)
    return figure


def group(training: Measured) -> Group:
    """Return the group of a training."""
    return training["row"], training["epochs"]


def found(measure: str, training: Measured) -> dict[str, float]:
    """Return what a training contributes to a panel, by the name it is drawn under."""
    if measure == SPEED:
        return {training["contender"]: training["words_per_second"]}
    values = {training["contender"]: training["scores"].get(measure)}
    if measure == HELD_OUT:
        values[PRIOR] = training["scores"].get(WITH_PRIOR)
    return {name: value for name, value in values.items() if value is not None}


def _panel(axes: Any, measure: str, trainings: list[Measured], looks: dict[str, Style]) -> None:
    groups = list(dict.fromkeys(group(of) for of in trainings if found(measure, of)))
    for i, at in enumerate(groups):
        values: dict[str, list[float]] = {}
        for of in (of for of in trainings if group(of) == at):
            for name, value in found(measure, of).items():
                values.setdefault(name, []).append(value)
        for j, name in enumerate(sorted(values, key=list(looks).index)):
            height = i + 0.76 * ((j + 0.5) / len(values) - 0.5)
            _dots(axes, values[name], height, looks[name])
            if measure == SPEED and name not in (OURS, SAMPLED) and OURS in values:
                said = f"{statistics.median(values[OURS]) / statistics.median(values[name]):.3g}x"
                axes.annotate(
                    said, (max(values[name]), height), (8, 0), textcoords="offset points", va="center", fontsize=6
                )
    axes.set_yticks(range(len(groups)), [f"{row.replace(' ', chr(10), 1)}, {n} ep." for row, n in groups], fontsize=8)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    for edge in range(1, len(groups)):
        axes.axhline(edge - 0.5, color="#dddddd", linewidth=0.6)
    if measure == SPEED:
        thousands(axes)
    axes.set_title(TITLES[measure], fontsize=9, loc="left")
    axes.tick_params(axis="x", labelsize=8)
    finish(axes)


def _dots(axes: Any, values: list[float], height: float, look: Style) -> None:
    colour, marker = look
    axes.plot(values, [height] * len(values), marker, color=colour, markersize=5, markerfacecolor="none")
    axes.plot(sum(values) / len(values), height, "|", color=colour, markersize=12, markeredgewidth=1.8)


def _legend(figure: Any, looks: dict[str, Style]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markerfacecolor="none", label=name)
        for name, (colour, marker) in looks.items()
    ]
    handles.append(Line2D([], [], color="#555555", marker="|", linestyle="", markersize=12, label="mean of the seeds"))
    figure.legend(handles=handles, loc="outside upper left", ncols=5, frameon=False, fontsize=8)
