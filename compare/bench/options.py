"""The options that several subjects share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import typer

T = TypeVar("T")
RowName = Annotated[str, typer.Option("--row", help="Only the rows whose name contains this; all by default.")]
Rounds = Annotated[int, typer.Option(min=1, help="Turns of each contender.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of each contender.")]
Seed = Annotated[int, typer.Option(min=0, help="The seed of every random draw.")]
Resume = Annotated[
    Path | None,
    typer.Option(help="The JSON file of an earlier run, killed or not: what is in it is kept, the rest is measured."),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder for the reports; by default that of --resume, or logs/bench/<subject>-<time>."),
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write the JSON report to this file.")]
Quick = Annotated[bool, typer.Option("--quick", help="Tiny sizes, to check that it works; the numbers mean nothing.")]


def chosen(part: str, rows: Mapping[str, T]) -> dict[str, T]:
    """Return the rows whose name contains `part`; case does not matter, and "-" and "_" stand for a space.

    Raises:
        ValueError: there is none.
    """
    found = {name: row for name, row in rows.items() if _plain(part) in _plain(name)}
    if not found:
        raise ValueError(f"`--row` must be part of the name of a row; got {part!r}. The rows: {', '.join(rows)}.")
    return found


def _plain(name: str) -> str:
    return name.lower().replace("-", " ").replace("_", " ")
