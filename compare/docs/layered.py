"""A layered drawing of a graph without circles (Sugiyama, Tagawa and Toda 1981): where boxes and lines go.

Boxes stand in rows, each above whatever it points to. A line that passes a row takes a place in it, so that it runs
between the boxes. Each row is sorted by the mean place of what its members are tied to, over and over, and the order
with the fewest crossings is kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise

BOX, LINE, GAP = 2.5, 0.12, 0.28  # widths, and the space between
SWEEPS = 24

Edges = Mapping[str, Sequence[str]]  # each box and what it points to
Place = tuple[float, int]  # x of the centre, and the row, counted from the top


def reduced(edges: Edges) -> dict[str, list[str]]:
    """Return the edges that no chain of others implies."""
    return {box: [end for end in ends if not any(end in below(edges, other) for other in ends)]
            for box, ends in edges.items()}  # fmt: skip


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

    Args:
        edges: what is drawn.
        rows: the row of each box; edges lead to later rows.
    """
    chains = {(box, end): list(_chain(box, end, rows)) for box, ends in edges.items() for end in ends}
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


def _chain(box: str, end: str, rows: Mapping[str, int]) -> Iterator[str]:
    yield box
    yield from (f"{box} -> {end} in row {row}" for row in range(rows[box] + 1, rows[end]))
    yield end


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
    return sum((x[a] - x[c]) * (x[b] - x[d]) < 0
               for (a, b), (c, d) in combinations(links, 2) if row_of[a] == row_of[c])  # fmt: skip
