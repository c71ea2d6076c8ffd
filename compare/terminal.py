"""What the commands of `python -m compare` share on a terminal: progress, listings, errors of one line."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from compare import SUITE
from tf_emb.parity import engines
from tf_emb.parity.plan import Options
from tf_emb.parity.result import Result
from tf_emb.parity.run import run_comparison

T = TypeVar("T")


def with_progress(options: Options, work: Path) -> Result:
    """Run the comparison under a progress bar, which goes to standard error."""
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("drawing inputs", total=None)
        return run_comparison(
            options,
            work,
            on_start=lambda jobs: progress.update(task, total=jobs),
            on_job=lambda engine, case: progress.update(task, advance=1, description=f"{engine}: {case}"),
        )


def print_names(console: Console) -> None:
    """Print what `--case` and `--engine` take."""
    for name, case in SUITE.load().items():
        mark = " (--full)" if case.full else " (--quick)" if case.quick else ""
        console.print(f"{name}{mark}\n    {case.claim}", soft_wrap=True)
    for name in engines.HOMES:
        missing = engines.missing(name)
        console.print(f"engine {name}: {'absent, needs ' + ', '.join(missing) if missing else 'installed'}")


def refusing(function: Callable[[], T]) -> T:
    """Call `function`; an error that the user can mend becomes one line on standard error and exit status 2."""
    try:
        return function()
    except (ValueError, ImportError) as error:
        print(f"compare: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def refused(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose errors are told as `refusing` tells them."""

    @wraps(command)
    def run_or_refuse(**arguments: object) -> None:
        refusing(lambda: command(**arguments))

    return run_or_refuse
