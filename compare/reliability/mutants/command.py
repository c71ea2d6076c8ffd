"""`python -m compare mutants`: plant errors in the library, and count those that a test sees."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from compare.reliability.mutants import reach
from compare.reliability.mutants.client import Server
from compare.reliability.mutants.run import Fate, run, sampled
from compare.reliability.verdict import ROOT
from tf_emb.files import scratch

ROOMS = ("layers", "ops", "corpus", "vectors", "word2vec", "parity")
HEADINGS = ("room", "mutants", "killed", "of these too long", "survived", "killed of all")


def run_mutants(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders; by default, six rooms.")
    ] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Only so many, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample.")] = 0,
    list_: Annotated[bool, typer.Option("--list", help="Print the mutants and stop.")] = False,
) -> None:
    """Plant one error after another; exit 1 if a test that runs its line sees less than all of them."""
    chosen = sampled(files(paths or [ROOT / "tf_emb" / room for room in ROOMS]), sample, seed)
    if list_:
        print("\n".join(map(str, chosen)))
        return
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    with scratch("mutants") as folder, Server(folder) as server:
        tests = reach.recorded(server, reach.candidates(), errors.print)

        def tell(fate: Fate) -> None:
            errors.print(f"{fate.came}: {fate.mutant} ({fate.tests} tests, {fate.seconds:.0f} s)", markup=False)

        fates = run(chosen, reach.Reach(tests), server, tell)
    for fate in fates:
        if fate.came in ("survived", "no test"):
            console.print(f"{fate.came}: {fate.mutant}", markup=False, soft_wrap=True)
    console.print(table(fates))
    raise typer.Exit(1 if any(fate.came in ("survived", "no test") for fate in fates) else 0)


def files(paths: Sequence[Path]) -> list[Path]:
    """Return the files of Python that are named, or lie in a folder that is.

    Raises:
        ValueError: one is not there, or is not the library's.
    """
    found: list[Path] = []
    for path in (path.resolve() for path in paths):
        if not path.exists() or not path.is_relative_to(ROOT / "tf_emb"):
            raise ValueError(f"`PATH` must lie in tf_emb; got {path}. Name a file or a folder there.")
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def table(fates: Sequence[Fate]) -> Table:
    """Return how many were killed, by room and together."""
    shown = Table(HEADINGS[0], box=None, pad_edge=False)
    for heading in HEADINGS[1:]:
        shown.add_column(heading, justify="right")
    rooms = sorted({room(fate) for fate in fates})
    for name in rooms:
        shown.add_row(name, *counts([fate for fate in fates if room(fate) == name]))
    shown.add_row("all", *counts(fates))
    return shown


def room(fate: Fate) -> str:
    """Return the room that a mutant is of."""
    return ".".join(Path(fate.mutant.path).parts[:2])


def counts(fates: Sequence[Fate]) -> tuple[str, ...]:
    """Return the figures of a line of the table."""
    came = Counter(fate.came for fate in fates)
    killed = came["killed"] + came["too long"]
    lived = came["survived"] + came["no test"]
    return f"{len(fates):,}", f"{killed:,}", f"{came['too long']:,}", f"{lived:,}", f"{killed / max(1, len(fates)):.1%}"
