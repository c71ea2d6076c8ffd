"""`python -m compare bench methods`: the figures of every file of `compare.bench.methods.measures`."""

import os
import pkgutil
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from compare.bench.methods import measures
from compare.bench.methods.figure import Figure, Runs
from compare.bench.options import JsonFile, Out, Quick, Resume, RowName, chosen
from compare.bench.session import Result, View, session
from compare.bench.tables import Table, footer, verdict

LEGEND = (
    "Means over seeds, and least..most; ↓: less is better. A figure is held if the mean of ours is at most the margin "
    "worse than the mean of theirs; a margin below 0: if it is better by at least that."
)

Seeds = Annotated[int, typer.Option(min=1, help="Trainings of each method, one seed each.")]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help="NAME=PATH of data that no dependency ships: blogcatalog, corpus, glove-program, "
        "mnist, zhwiki; repeat for more. None by default.",
    ),
]


def run(
    row: RowName = "",
    seeds: Seeds = 3,
    data: Data = None,
    resume: Resume = None,
    out: Out = None,
    json: JsonFile = None,
    quick: Quick = False,
) -> None:
    """Quality of all other embeddings beside peers."""
    with session("methods", out, json, resume, View(tables, last_line=last_line)) as bench:
        names = chosen(row, {of.name: of.name for of in pkgutil.iter_modules(measures.__path__)})
        given, runs = paths(data or []), Runs(bench.out / "projector")
        named = {name: str(path) for name, path in given.items()}
        bench.begin({"seeds": seeds, "data": named, "quick": quick}, free=("seeds", "data"))
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # methods are measured in this process
        for name, _ in bench.left(names):
            figures: list[dict[str, Any]] = []
            measured = import_module(f"{measures.__name__}.{name}").measure(range(seeds), given, quick)
            for figure in measured:
                figures.append(as_dict(figure) | {"projector": runs.log(figure)})
                bench.add(name, {"whole": False, "figures": figures, "projector": str(runs.logdir)})
            bench.add(name, {"whole": True, "figures": figures, "projector": str(runs.logdir)})


def paths(data: Sequence[str]) -> dict[str, Path]:
    """Return what `--data` names.

    Raises:
        ValueError: one is not NAME=PATH, or its path does not exist.
    """
    found = {}
    for given in data:
        name, equals, path = given.partition("=")
        if not (name and equals and Path(path).exists()):
            raise ValueError(f"`--data` must be NAME=PATH, and the path must exist; got {given!r}.")
        found[name] = Path(path)
    return found


def as_dict(figure: Figure) -> dict[str, Any]:
    """Return what JSON holds of a figure: everything but vectors and pictures."""
    plain = {of.name: getattr(figure, of.name) for of in fields(figure) if of.name not in ("vectors", "pictures")}
    numbers = {side: [float(value) for value in getattr(figure, side)] for side in ("ours", "theirs")}
    return plain | numbers | {"held": bool(figure.held)}


def tables(result: Result) -> Iterator[RenderableType]:
    """Yield one table, with a heading for every system on each of its data."""
    figures = figures_of(result)
    table = Table("measure", "ours", "theirs", "margin", "", left=[4])
    for head in dict.fromkeys((of["system"], of["data"]) for of in figures):
        table.heading(": ".join(head))
        for of in (of for of in figures if (of["system"], of["data"]) == head):
            means = (f"{statistics.mean(of[side]):.4g}" for side in ("ours", "theirs"))
            said = verdict(of["held"], "held" if of["held"] else "missed")
            table.row(f"  {of['measure']}{'' if of['higher'] else ' ↓'}", *means, f"{of['margin']:.3g}", said)
            table.row(f"    beside {of['peer']}", *(_range(of[side]) for side in ("ours", "theirs")), style="dim")
    yield table
    yield Text(LEGEND)
    yield from footer(result)
    logged = dict.fromkeys(of["projector"] for of in result["measured"] if any(f["projector"] for f in of["figures"]))
    for logdir in logged:
        yield f"Vectors: tensorboard --logdir {logdir}"


def figures_of(result: Result) -> list[dict[str, Any]]:
    """Return all figures, ordered by method."""
    return [figure for of in sorted(result["measured"], key=lambda of: of["key"]) for figure in of["figures"]]


def last_line(result: Result) -> str:
    """Return how many figures are held."""
    figures = figures_of(result)
    return f"{sum(of['held'] for of in figures)} of {len(figures)} figures held"


def _range(values: Sequence[float]) -> str:
    """Return the extremes in at most 16 characters, if there are any."""
    least, most = min(values), max(values)
    said = f"{least:.4g}..{most:.4g}"
    return "" if len(values) == 1 else said if len(said) <= 16 else f"{least:.2g}..{most:.2g}"
