"""`python -m compare reliability`: inputs and attacks, counted, and the table of docs/reliability.md."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from compare.docs import pages, tables
from compare.reliability import attacks, fuzz, surfaces
from compare.reliability.surface import Surface
from compare.reliability.verdict import ROOT, judged, made
from tf_emb.files import printable

PAGE = ROOT / "docs" / "reliability.md"
HEADINGS = ("what", "tried", "right", "wrong", "of which")
Line = tuple[str, int, int, str]  # name, tried, right, figures

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Surfaces and attacks; all by default.")]


def run_reliability(
    names: Names = None,
    inputs: Annotated[int, typer.Option(min=1, help="Inputs for each surface.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every input.")] = 0,
    only: Annotated[int | None, typer.Option(min=0, help="Only the input with this number, and what came.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Print the names and stop.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put the table into docs/reliability.md.")] = False,
) -> None:
    """Give each surface made-up inputs and carry out every attack; exit 1 if anything does not end right."""
    known: dict[str, Surface | attacks.Attack] = {**surfaces.found(), **attacks.found()}
    for name in names or ():
        if name not in known:
            raise ValueError(f"`NAME` must be one of {', '.join(known)}; got {name!r}. Try --list.")
    chosen = {name: one for name, one in known.items() if name in (names or known)}
    if list_:
        print("\n".join(known))
        return
    if only is not None:
        raise typer.Exit(show([one for one in chosen.values() if isinstance(one, Surface)], only, seed))
    console, lines = Console(highlight=False), []
    for one in chosen.values():
        lines.append(fuzzed(one, inputs, seed, console) if isinstance(one, Surface) else attacked(one))
    console.print(shown(lines))
    if write:
        PAGE.write_text(pages.filled(PAGE, "reliability", merged(lines, list(known))), encoding="utf-8")
    raise typer.Exit(1 if any(tried != right for _, tried, right, _ in lines) else 0)


def fuzzed(surface: Surface, inputs: int, seed: int, console: Console) -> Line:
    """Give a surface its inputs under a progress bar; print the first that are wrong."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(surface.name, total=inputs)
        counts = fuzz.run(
            surface,
            inputs,
            seed,
            on_input=lambda done, wrong: bar.update(task, completed=done, description=f"{surface.name}, {wrong} wrong"),
        )
    for wrong in counts.examples:
        console.print(f"{surface.name} --only {wrong.number}: {printable(wrong.said)}", markup=False, soft_wrap=True)
    figures = (
        f"{counts.accepted:,} accepted, {counts.refused:,} refused; "
        f"at most {counts.slowest_s:.1f} s and {counts.largest_mib:,.0f} MiB"
    )
    return surface.name, counts.inputs, counts.inputs - counts.wrong, figures


def attacked(attack: attacks.Attack) -> Line:
    """Carry out an attack."""
    outcome = attack.run()
    return attack.name, outcome.tried, outcome.right, outcome.said


def show(chosen: list[Surface], number: int, seed: int) -> int:
    """Give one input to each surface in this process, and print all that came; return the exit status."""
    worst = 0
    for surface in chosen:
        with made(surface, number, seed) as (given, folder):
            files = {path.relative_to(folder): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
            verdict = judged(surface, given, folder)
        print(f"{surface.name}, input {number}: {printable(given)[:2000]}")
        print("".join(f"  {name}: {size:,} bytes\n" for name, size in files.items()), end="")
        print(f"{verdict.error}{verdict.kind} after {verdict.seconds:.2f} s: {printable(verdict.said)}")
        worst = max(worst, int(verdict.kind == "wrong"))
    return worst


def shown(lines: list[Line]) -> Table:
    """Return the table as the terminal shows it."""
    table = Table(*HEADINGS[:1], box=None, pad_edge=False)
    for heading in HEADINGS[1:4]:
        table.add_column(heading, justify="right")
    table.add_column(HEADINGS[4])
    for name, tried, right, said in lines:
        table.add_row(name, *cells(tried, right), printable(said))
    return table


def cells(tried: int, right: int) -> tuple[str, str, str]:
    """Return the three counts of a line."""
    return f"{tried:,}", f"{right:,}", f"{tried - right:,}"


def merged(lines: list[Line], known: list[str]) -> str:
    """Return the table of the page: these lines, and those on it of what was not run this time."""
    old = {row.split(" | ")[0].removeprefix("| "): row for row in pages.parted(PAGE, "reliability")[1].splitlines()}
    rows = {name: [name, *cells(tried, right), said.replace("|", "\\|")] for name, tried, right, said in lines}
    kept = {name: row.removeprefix("| ").removesuffix(" |").split(" | ") for name, row in old.items() if name in known}
    return tables.table(HEADINGS, [(kept | rows)[name] for name in known if name in kept | rows])
