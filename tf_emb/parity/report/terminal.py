"""A parity run on a terminal or in a pipe: nothing is said by colour alone.

Only the functions at the end of the file touch rich, and import it when they draw.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from tf_emb.parity.check import Row
from tf_emb.parity.report import view
from tf_emb.parity.result import FaultResult, Result

if TYPE_CHECKING:
    from rich.console import Console, Group, RenderableType
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

STYLES = {
    "pass": "green", "exact": "green", "slack": "yellow", "fail": "bold red", "error": "bold red",
    "diverges": "magenta", "healed": "cyan", "absent": "dim", "n/a": "dim",
}  # fmt: skip
GAP = 2
NAMES = 26  # the least room for the names of outputs before the engines are split over several tables


def print_report(result: Result, console: "Console") -> None:
    """Print everything but the last line, which is the caller's: what failed comes at the end."""
    console.print(_heading(result))
    for layout in _layouts(result, console.width):
        console.print(_table(result, layout))
    for title, entries in _sections(result):
        if entries:
            console.print(_stack(_text(), _text(title, "bold"), *map(_indented, entries)))
    console.print()


@dataclass(frozen=True)
class _Layout:
    """The widths of one table: that of the names, and that of each cell."""

    engines: dict[str, list[view.Column]]
    names: int
    cells: dict[view.Column, int]

    @property
    def columns(self) -> list[view.Column]:
        return list(chain(*self.engines.values()))

    @property
    def total(self) -> int:
        return self.names + sum(GAP + self.cells[c] for c in self.columns)


def _layouts(result: Result, width: int) -> Iterator[_Layout]:
    """Share the width out, over as many tables as the engines need."""
    cells = {c: len(c.dtype) for c in view.columns(result)}
    for row in result.rows:
        column = view.Column(row.engine, row.dtype)
        cells[column] = max(cells[column], _width(view.cell(row)))
    longest = max([_width(row.output) + GAP for row in result.rows] + [NAMES])
    for engines in _fitting(view.by_engine(list(cells)), cells, width - NAMES):
        room = width - sum(GAP + cells[c] for c in chain(*engines.values()))
        yield _Layout(engines, max(1, min(room, longest)), cells)


def _fitting(
    engines: dict[str, list[view.Column]], cells: dict[view.Column, int], room: int
) -> list[dict[str, list[view.Column]]]:
    """Split the engines into runs that fit into `room`; an engine is never torn apart."""
    runs: list[dict[str, list[view.Column]]] = []
    left = 0
    for name, of in engines.items():
        need = sum(GAP + cells[c] for c in of)
        if not runs or need > left:
            runs.append({})
            left = room
        runs[-1][name] = of
        left -= need
    return runs


def _table(result: Result, layout: _Layout) -> "RenderableType":
    rule = _text("─" * layout.total, "dim")
    bodies = (_case(result, group, layout) for group in view.groups(result))
    return _stack(_text(), _names(layout), _dtypes(layout), rule, *chain(*bodies), rule)


def _names(layout: _Layout) -> "Table":
    """The upper line of the head: each engine above its dtypes."""
    widths = [sum(layout.cells[c] for c in of) + GAP * (len(of) - 1) for of in layout.engines.values()]
    names = [n if len(n) <= w else n.replace("-", "-\n") for n, w in zip(layout.engines, widths, strict=True)]
    return _grid([layout.names, *widths], [_text(name, "bold") for name in ["", *names]])


def _dtypes(layout: _Layout) -> "Table":
    return _line(layout, _text("case and output", "dim"), {c: _text(c.dtype, "dim") for c in layout.columns})


def _case(result: Result, group: view.Group, layout: _Layout) -> "Iterator[RenderableType]":
    caught, planted = view.tally(result, group.case)
    said = f"faults {caught}/{planted} caught" if planted else ""
    faults = _text(said, "dim") if caught == planted else _text(f"✗ {said}", STYLES["fail"])
    room = max(layout.total - GAP - faults.cell_len, min(_width(group.case), 40))
    shown = [row for rows in group.outputs.values() for column, row in rows.items() if column in layout.columns]
    if shown and all(row.status == "n/a" for row in shown):
        yield _grid([room, faults.cell_len], [_text(f"{group.case}: n/a", "dim"), _text()])
        return
    yield _grid([room, faults.cell_len], [_text(group.case, "bold"), faults])
    for output, rows in group.outputs.items():
        name = _indented(_text(output or "(every output)"))
        yield _line(layout, name, {column: _cell(row) for column, row in rows.items()})


def _cell(row: Row) -> "Text":
    return _text(view.cell(row), STYLES[view.state(row)])


def _line(layout: _Layout, name: "RenderableType", cells: "dict[view.Column, Text]") -> "Table":
    widths = [layout.names, *(layout.cells[c] for c in layout.columns)]
    return _grid(widths, [name, *(cells.get(c, _text()) for c in layout.columns)])


def _heading(result: Result) -> "RenderableType":
    run = [result.started, f"seed {result.seed}", result.device, view.seconds(result.seconds)]
    versions = [f"{name} {version}" for name, version in result.platform.items()]
    lines = [_text(" · ".join(part), "dim") for part in (run, versions) if part]
    return _stack(_text("Parity with a float64 NumPy oracle", "bold"), *lines)


def _sections(result: Result) -> "Iterator[tuple[str, list[RenderableType]]]":
    """Yield what follows the table; a section without entries is not printed."""
    yield "How to read a cell", _legend(result)
    yield "Declared divergences", _divergences(result)
    yield "Cost", [_text(view.cost(c)) for c in result.costs]
    yield "Left out by --quick", [_text(f"{kind}: {', '.join(names)}") for kind, names in result.left_out.items()]
    yield "Engines that did not run here", _engines(result, "absent", "recorded")
    yield "Slack: bounds that no engine used above 0.1 %", _slack(result)
    yield "Engines that broke", _engines(result, "error")
    yield "Faults that were not caught", [_fault(f) for f in result.faults if not f.caught]
    yield "Failures", _spaced([_failure(row) for row in result.rows if row.failed])


def _legend(result: Result) -> "list[RenderableType]":
    seen = {view.state(row) for row in result.rows}
    entries = [(kind, *entry) for kind, entry in view.LEGEND.items() if kind in seen]
    lines = [(_text(example, STYLES[kind]), _text(meaning)) for kind, example, meaning in entries]
    return [_pairs(lines)] if lines else []


def _divergences(result: Result) -> "list[RenderableType]":
    entries: list[RenderableType] = []
    for case, engine, declared, rows in view.divergences(result):
        shares = " · ".join(f"{row.output} {row.dtype} {view.cell(row)}" for row in rows)
        said = [_text(declared["what"]), _text(shares), _text(declared["cite"], "dim")]
        entries.append(_block(f"{case} · {engine}", "bold", said))
    return entries


def _engines(result: Result, *statuses: str) -> "list[RenderableType]":
    return [
        _text(engine.name, "bold") + _text(f" {engine.status}: {engine.message}".rstrip(": "))
        for engine in result.engines
        if engine.status in statuses
    ]


def _slack(result: Result) -> "list[RenderableType]":
    return [
        _text(f"{case} · {output}: at most {view.number(used)}") for case, output, used in view.slack_bounds(result)
    ]


def _fault(fault: FaultResult) -> "RenderableType":
    used = ", ".join(f"{dtype} {view.number(share)}" for dtype, share in fault.used.items())
    said = [f"- {fault.old}", f"+ {fault.new}", f"share of the bound: {used}", fault.message]
    return _block(f"✗ {fault.case} · {fault.name}", STYLES["fail"], [_text(text) for text in said if text])


def _failure(row: Row) -> "RenderableType":
    """Name the output, and say where it is off, by how much, and how much was allowed."""
    symbol = view.LEGEND[row.status][0][0]
    names = (row.case, row.output or "(every output)", row.engine, row.dtype)
    figures = [(_text(label, "dim"), _text(value)) for label, value in view.details(row)]
    said: list[RenderableType] = [_text(text) for text in [view.remark(row)] if text]
    said += [_pairs(figures)] if figures else []
    return _block(f"{symbol} {' · '.join(names)}", STYLES["fail"], said)


def _spaced(entries: "Sequence[RenderableType]") -> "list[RenderableType]":
    return list(chain(*([_text(), entry] for entry in entries)))[1:]


def _block(title: str, style: str, lines: "Sequence[RenderableType]") -> "Group":
    return _stack(_text(title, style), *map(_indented, lines))


def _grid(widths: list[int], cells: "Sequence[RenderableType]") -> "Table":
    from rich.table import Table

    grid = Table.grid(padding=(0, GAP, 0, 0))
    for width in widths:
        grid.add_column(width=width, overflow="fold")
    grid.add_row(*cells)
    return grid


def _pairs(lines: "Sequence[tuple[Text, Text]]") -> "Table":
    """Return two columns: labels, which never wrap, and what they stand for."""
    from rich.table import Table

    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(no_wrap=True)
    for line in lines:
        grid.add_row(*line)
    return grid


def _indented(content: "RenderableType") -> "Padding":
    from rich.padding import Padding

    return Padding(content, (0, 0, 0, 2), expand=False)


def _stack(*parts: "RenderableType") -> "Group":
    from rich.console import Group

    return Group(*parts)


def _width(content: str) -> int:
    from rich.cells import cell_len

    return cell_len(content)


def _text(content: str = "", style: str = "") -> "Text":
    """Return text whose brackets are not markup and whose long words fold."""
    from rich.text import Text

    return Text(view.shown(content), style, overflow="fold")
