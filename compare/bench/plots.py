"""What the plots have in common."""

from collections.abc import Iterable
from typing import Any

from tf_emb.parity.report.plot import COLOURS, MARKERS

Style = tuple[str, str]


def styles(names: Iterable[str]) -> dict[str, Style]:
    """Return a colour and a marker for each name, in the order of their first appearance."""
    return {name: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(dict.fromkeys(names))}


def finish(axes: Any, margin: float = 0.12) -> None:
    """Draw the grid across, and leave room for the annotations."""
    axes.margins(x=margin)
    axes.grid(True, axis="x", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def thousands(axes: Any) -> None:
    """Make the axis of words per second logarithmic, in thousands."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, place: f"{value / 1000:g}")
    axes.xaxis.set_minor_formatter(lambda value, place: f"{value / 1000:g}" if f"{value:e}"[0] in "25" else "")
    axes.tick_params(axis="x", which="minor", labelsize=7)
