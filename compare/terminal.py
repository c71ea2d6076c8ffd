"""What the commands of `python -m compare` share on a terminal: progress, listings, errors of one line."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from compare import SUITE
from tf_emb.files import check_output, outputs, printable
from tf_emb.parity import engines
from tf_emb.parity.plan import Options
from tf_emb.parity.report import WRITTEN
from tf_emb.parity.report.read import from_json
from tf_emb.parity.result import Result
from tf_emb.parity.run import run_comparison

T = TypeVar("T")


def with_progress(options: Options, work: Path) -> Result:
    """Run the comparison under a progress bar, which goes to standard error."""
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("drawing inputs", total=None)
        return run_comparison(
            options,
            work,
            on_start=lambda jobs: progress.update(task, total=jobs),
            on_job=lambda engine, case: progress.update(
                task, advance=1, description=escape(printable(f"{engine}: {case}"))
            ),
        )


def print_names(console: Console) -> None:
    """Print what `--case` and `--engine` take."""
    for name, case in SUITE.load().items():
        mark = " (--full)" if case.full else " (--quick)" if case.quick else ""
        console.print(f"{printable(name)}{mark}\n    {printable(case.claim)}", soft_wrap=True, markup=False)
    for name in engines.HOMES:
        missing = engines.missing(name)
        console.print(
            f"engine {name}: {'absent, needs ' + ', '.join(missing) if missing else 'installed'}", markup=False
        )


def check_reports(out: Path, json: Path | None) -> None:
    """Refuse places in which the reports could not be written, before anything is run.

    Args:
        out: the folder of the reports, which need not exist.
        json: another file for report.json; an earlier report may be replaced, no other file.

    Raises:
        ValueError: `--out` or `--json` cannot be written, or they are the same.
    """
    outputs.check_folder(out, "--out")
    for name in WRITTEN if out.is_dir() else ():
        check_output(out / name, argument=f"{name} in --out")
    if json is None:
        return
    if json.resolve() in {out.resolve(), *((out / name).resolve() for name in WRITTEN)}:
        raise ValueError(f"`--json` must be another file than what --out is given; got {json}. Name another.")
    if json.resolve().parent != out.resolve() or out.exists():
        check_output(json, argument="--json")
    if json.exists():
        try:
            from_json(json.read_text(encoding="utf-8"))
        except ValueError:
            raise ValueError(
                f"`--json` must be a new file, or an earlier report; {json} is something else. Name another."
            ) from None


def refusing(function: Callable[[], T]) -> T:
    """Call `function`; an error that the user can mend becomes one line on standard error and exit status 2."""
    try:
        return function()
    except (ValueError, OSError, ImportError) as error:
        print(f"compare: {printable(' '.join(str(error).split()))}", file=sys.stderr)
        raise typer.Exit(2) from None


def refused(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose errors are told as `refusing` tells them."""

    @wraps(command)
    def run_or_refuse(**arguments: object) -> None:
        refusing(lambda: command(**arguments))

    return run_or_refuse
