"""`python -m compare transforms`: run cells, say which are not as they should be, and write the table."""

from typing import Annotated

import typer
from rich.console import Console

from compare.docs import pages
from compare.transforms import table
from compare.transforms.declared import settled
from compare.transforms.modes import BY_NAME
from compare.transforms.run import BACKENDS, Cell, Outcomes, every, run, some
from compare.transforms.ways import WAYS

Backends = Annotated[list[str] | None, typer.Option("--backend", help="tensorflow, jax or torch; may be repeated.")]
Ways = Annotated[list[str] | None, typer.Option("--way", help="This transformation; may be repeated.")]
Modes = Annotated[list[str] | None, typer.Option("--mode", help="This heading of the table; may be repeated.")]


def run_transforms(
    backend: Backends = None,
    way: Ways = None,
    mode: Modes = None,
    sample: Annotated[bool, typer.Option("--sample", help="A part with every row and column in it.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put the marks into docs/semantics.md.")] = False,
) -> None:
    """Run every layer and mode through every transformation; exit 1 if a cell is not as it should be."""
    for name, given, known in (("backend", backend, BACKENDS), ("way", way, WAYS), ("mode", mode, BY_NAME)):
        for one in given or ():
            if one not in known:
                raise ValueError(f"`--{name}` must be one of {', '.join(known)}; got {one!r}. Choose from these.")
    console = Console(highlight=False)
    marks: dict[str, dict[Cell, str]] = {}
    wrong: list[str] = []
    for one in backend or BACKENDS:
        found = run(one, chosen(way, mode, sample))
        marks[one], said = judged(one, found)
        wrong += said
        console.print(f"{one}: {len(found)} cells, {len(said)} not as they should be")
    for line in wrong:
        console.print(line, soft_wrap=True, markup=False)
    if write:
        write_marks(marks)
    raise typer.Exit(1 if wrong else 0)


def write_marks(marks: dict[str, dict[Cell, str]]) -> None:
    """Put marks into the page; those of other cells stay."""
    shown = table.marks_of(pages.parted(pages.SEMANTICS, "transforms")[1])
    both = {backend: shown[backend] | marks.get(backend, {}) for backend in BACKENDS}
    text = pages.filled(pages.SEMANTICS, "transforms", table.page(both))
    pages.SEMANTICS.write_text(text, encoding="utf-8")


def chosen(way: list[str] | None, mode: list[str] | None, sample: bool) -> list[Cell]:
    """Return the cells that are asked for."""
    ways, modes = set(way or WAYS), set(mode or BY_NAME)
    return [cell for cell in (some() if sample else every()) if cell[0] in ways and cell[1] in modes]


def judged(backend: str, found: Outcomes) -> tuple[dict[Cell, str], list[str]]:
    """Return the marks that the table shows, and what is wrong."""
    marks, wrong = {}, []
    for cell, outcome in found.items():
        shown, said = settled(backend, *cell, outcome)
        marks[cell] = shown.mark
        wrong += [said] if said else []
    return marks, wrong
