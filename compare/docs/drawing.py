"""The picture of the rooms: each box stands above every box that it imports.

The drawing of a graph without circles is layered (Sugiyama, Tagawa and Toda 1981). A line that passes a row takes a
place in it, so that it runs between the boxes. Each row is sorted by the mean place of what its members are tied to,
over and over, and the order with the fewest crossings is kept.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from textwrap import fill
from typing import Any

from compare.docs.rooms import ROOMS

BOX, LINE, GAP = 2.5, 0.12, 0.28  # widths, and the space between
SWEEPS = 24

Edges = Mapping[str, Sequence[str]]  # each box and what it points to
Place = tuple[float, int]  # x of the centre, and the row, counted from the top
HEIGHT, STEP, MARGIN = 0.8, 1.5, 0.45  # of a box; from row to row; around everything
COLOURS = {"compare": ("#fdf3e7", "#c8741a"), "tf_emb": ("#eaf2fb", "#2f6cab")}  # of a panel, and of its boxes' edges
DIRECT, IMPLIED = "#3c4650", "#c3ccd4"


def draw(rooms: Edges, path: Path) -> None:
    """Write the picture of ordered rooms; dark arrows are the imports that no chain of others implies."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = reduced(rooms)
    places = placed(shown, _rows(rooms))
    boxes = {room: places[room, room][0] for room in rooms}
    width = max(abs(x) for way in places.values() for x, _ in way) + BOX / 2 + MARGIN
    top, bottom = HEIGHT / 2 + MARGIN, -max(row for _, row in boxes.values()) * STEP - HEIGHT / 2 - MARGIN
    figure = Figure(figsize=(1.6 * width, 0.8 * (top - bottom)))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-width, width), ylim=(bottom, top))
    axes.set_axis_off()
    for package in COLOURS:
        _panel(axes, package, [y * -STEP for room, (_, y) in boxes.items() if room.startswith(package)], width)
    for room, ends in rooms.items():
        for end in ends:
            direct = end in shown[room]
            _arrow(axes, places[room, end] if direct else [boxes[room], boxes[end]], direct)
    for room, (x, row) in boxes.items():
        _box(axes, room, x, row * -STEP)
    with mpl.rc_context({"svg.hashsalt": "rooms", "svg.fonttype": "path"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _rows(rooms: Edges) -> dict[str, int]:
    """Return the row of each room: right below the lowest that imports it, `tf_emb` below all of `compare`."""
    rows: dict[str, int] = {}
    for room in reversed(list(rooms)):  # whatever imports a room comes after it
        above = [row for other, row in rows.items() if room in rooms[other]]
        if room.startswith("tf_emb"):
            above += [row for other, row in rows.items() if other.startswith("compare")]
        rows[room] = max(above, default=-1) + 1
    return rows


def _panel(axes: Any, package: str, rows: Sequence[float], width: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    low, high = min(rows) - HEIGHT / 2 - MARGIN * 0.7, max(rows) + HEIGHT / 2 + MARGIN * 0.7
    shade, edge = COLOURS[package]
    side = width - MARGIN / 2
    axes.add_patch(
        FancyBboxPatch(
            (-side, low),
            2 * side,
            high - low,
            facecolor=shade,
            edgecolor="none",
            boxstyle="round,pad=0,rounding_size=0.2",
            zorder=0,
        )
    )
    axes.text(0.2 - side, high - 0.15, f"{package}/", color=edge, fontsize=15, fontweight="bold", va="top", zorder=1)


def _arrow(axes: Any, way: Sequence[Place], direct: bool) -> None:
    """Draw a line that leaves a box downwards, passes rows upright, and enters the last box from above."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Line

    (x, row), *rest = way
    points, codes = [(x, row * -STEP - HEIGHT / 2)], [Line.MOVETO]
    for x, row in rest:
        (before, low), high = points[-1], row * -STEP + HEIGHT / 2
        bend = (low - high) / 2 if direct else 0.0
        points += [(before, low - bend), (x, high + bend), (x, high), (x, high - HEIGHT)]
        codes += [Line.CURVE4] * 3 + [Line.LINETO]
    line = Line(points[:-1], codes[:-1])
    axes.add_patch(
        FancyArrowPatch(
            path=line,
            arrowstyle="-|>",
            color=DIRECT if direct else IMPLIED,
            shrinkA=0,
            shrinkB=0,
            linewidth=1.3 if direct else 0.8,
            mutation_scale=11,
            zorder=3 if direct else 2,
        )
    )


def _box(axes: Any, room: str, x: float, y: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x - BOX / 2, y - HEIGHT / 2),
            BOX,
            HEIGHT,
            facecolor="white",
            zorder=4,
            edgecolor=COLOURS[room.partition(".")[0]][1],
            linewidth=1.4,
            boxstyle="round,pad=0,rounding_size=0.1",
        )
    )
    centred = {"x": x, "ha": "center", "va": "center", "zorder": 5}
    axes.text(y=y + 0.17, s=room, fontsize=11, fontweight="bold", color="#1b232b", **centred)
    axes.text(y=y - 0.13, s=fill(ROOMS[room].replace("`", ""), 33), fontsize=7.5, color="#4a5661", **centred)


def reduced(edges: Edges) -> dict[str, list[str]]:
    """Return the edges that no chain of others implies."""
    return {
        box: [end for end in ends if not any(end in below(edges, other) for other in ends)]
        for box, ends in edges.items()
    }


def below(edges: Edges, box: str) -> set[str]:
    """Return every box that `box` leads to."""
    found: set[str] = set()
    waiting = list(edges[box])
    while waiting:
        if (end := waiting.pop()) not in found:
            found.add(end)
            waiting += edges[end]
    return found


def placed(edges: Edges, rows: Mapping[str, int]) -> dict[tuple[str, str], list[Place]]:
    """Return the places of each box, as (box, box), and of each edge: both its ends, and where it passes a row.

    `rows` holds the row of each box; edges lead to later rows.
    """
    chains = {
        (box, end): [box, *(f"{box} -> {end} in row {i}" for i in range(rows[box] + 1, rows[end])), end]
        for box, ends in edges.items()
        for end in ends
    }
    row_of = dict(rows) | {point: rows[chain[0]] + i for chain in chains.values() for i, point in enumerate(chain)}
    links = [link for chain in chains.values() for link in pairwise(chain)]
    tied: dict[str, list[str]] = {name: [] for name in row_of}
    for upper, lower in links:
        tied[upper].append(lower)
        tied[lower].append(upper)
    order = [[name for name in row_of if row_of[name] == row] for row in range(max(rows.values()) + 1)]
    x, best = _across(order), (float("inf"), 0.0)
    best_x = x
    for _ in range(SWEEPS):
        for row in order:
            row.sort(key=lambda name: sum(x[end] for end in tied[name]) / len(tied[name]) if tied[name] else x[name])
            x = _across(order)
        score = _crossings(links, x, row_of), sum(abs(x[a] - x[b]) for a, b in links)
        if score < best:
            best, best_x = score, x
    chains |= {(box, box): [box] for box in rows}
    return {edge: [(best_x[point], row_of[point]) for point in chain] for edge, chain in chains.items()}


def _across(order: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the x of everything: each row is as narrow as it can be, around 0."""
    x = {}
    for row in order:
        widths = [LINE if " -> " in name else BOX for name in row]
        left = -(sum(widths) + GAP * (len(row) - 1)) / 2
        for name, width in zip(row, widths, strict=True):
            x[name] = left + width / 2
            left += width + GAP
    return x


def _crossings(links: Sequence[tuple[str, str]], x: Mapping[str, float], row_of: Mapping[str, int]) -> float:
    return sum((x[a] - x[c]) * (x[b] - x[d]) < 0 for (a, b), (c, d) in combinations(links, 2) if row_of[a] == row_of[c])
