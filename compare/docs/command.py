"""`python -m compare docs`: rewrite the tables and the picture of the documentation."""

from pathlib import Path
from typing import Annotated

import typer

from compare.docs import pages
from compare.docs.imports import imports
from compare.docs.rooms import between

LOGS = Path("logs") / "compare"
PICTURE = pages.ROOT / "docs" / "images" / "rooms.svg"


def run_docs(
    report: Annotated[Path | None, typer.Option(help="A report.json; the newest in logs/compare by default.")] = None,
    rooms: Annotated[bool, typer.Option("--map", help="Only the map of the rooms; it needs no report.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a page would change.")] = False,
) -> None:
    """Rewrite the tables of docs/results.md and both READMEs from a report, and the map in docs/architecture.md."""
    if rooms and report is not None:
        raise ValueError(f"`--map` must stand without a report; got --report {report} too. Leave one of them out.")
    made = pages.with_rooms() if rooms else pages.with_results(pages.read(report or pages.newest(LOGS)))
    made |= pages.with_rooms()
    changed = pages.stale(made)
    if not check:
        for path in changed:
            path.write_text(made[path], encoding="utf-8")
        redraw()
    for path in made:
        print(f"{path.relative_to(pages.ROOT)}: {_said(path in changed, check)}")
    raise typer.Exit(1 if check and changed else 0)


def redraw() -> None:
    """Draw the rooms as they are now."""
    from compare.docs.drawing import draw

    draw(between(imports()), PICTURE)


def _said(changed: bool, check: bool) -> str:
    return "as it is" if not changed else "would change" if check else "written"
