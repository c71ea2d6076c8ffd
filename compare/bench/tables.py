"""What is printed and drawn: tables that fit 80 columns, the lines below them, and what plots have in common.

Nothing is said by colour alone.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import zip_longest
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.text import Text

from tf_emb.parity.report.plot import COLOURS, MARKERS

GAP = "  "


class Table:
    """Rows in columns as wide as their longest cell, and headings as wide as the page.

    Where the page is too narrow, a label in the first column that is too long gets a line of its own.

    Args:
        *heads: names of the columns.
        left: columns whose cells are flush left, beside the first.
    """

    def __init__(self, *heads: str, left: Collection[int] = ()) -> None:
        self._left = {0, *left}
        self._lines: list[Text | list[Text]] = []
        self.row(*heads)

    def heading(self, said: str) -> None:
        """Add a line that ignores the columns."""
        self._lines.append(Text(said, "bold"))

    def row(self, *cells: str | Text, style: str = "") -> None:
        """Add one row; cells may be missing at its end."""
        self._lines.append([cell if isinstance(cell, Text) else Text(cell, style) for cell in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        rows = [line for line in self._lines if isinstance(line, list)]
        first, *others = [max(cell.cell_len for cell in column) for column in zip_longest(*rows, fillvalue=Text())]
        room = options.max_width - sum(others) - len(GAP) * len(others)
        widths = [max(min(first, room), 0), *others]
        for line in self._lines:
            if isinstance(line, Text):
                yield line
            elif line[0].cell_len <= widths[0]:
                yield self._line(line, widths)
            else:
                yield line[0]
                if any(cell.plain for cell in line[1:]):
                    yield self._line([Text(), *line[1:]], widths)

    def _line(self, cells: list[Text], widths: list[int]) -> Text:
        line = Text(no_wrap=True, overflow="ignore")
        for i, (cell, width) in enumerate(zip(cells, widths, strict=False)):
            space = " " * (width - cell.cell_len)
            line.append(GAP if i else "").append_text(cell + space if i in self._left else Text(space) + cell)
        line.rstrip()
        return line


def beside(of: dict[str, Any], digits: int = 2, *, more: bool = False) -> Text:
    """Return a ratio of ours to theirs as "median (least..most)", green if all rounds are better, red if all are worse.

    Args:
        of: see `compare.bench.rounds.ratio`.
        digits: after the point; none from 100 on.
        more: whether a ratio above 1 is better.
    """
    better, worse = (of["least"] > 1, of["most"] < 1) if more else (of["most"] < 1, of["least"] > 1)
    said = [f"{of[name]:.{digits if of[name] < 100 else 0}f}" for name in ("median", "least", "most")]
    return Text(spread(*said), "green" if better else "red" if worse else "")


def spread(middle: str, least: str, most: str) -> str:
    """Return a number with its extremes, if it has any."""
    return middle if least == most else f"{middle} ({least}..{most})"


def verdict(held: bool, said: str) -> Text:
    """Return a check mark or a cross before what was asked for."""
    return Text(f"✓ {said}", "green") if held else Text(f"✗ {said}", "bold red")


def footer(result: dict[str, Any]) -> Iterator[Text]:
    """Yield what the numbers belong to, and a warning where they mean nothing."""
    machine = result["machine"]
    versions = "; ".join(result.get("versions", ()))
    yield Text(f"{machine['cpu']}, {machine['cores']} cores{'; ' if versions else ''}{versions}", "dim")
    if result["settings"]["quick"]:
        yield Text("--quick: sizes for a test of the machinery; these numbers mean nothing.", "yellow")


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
