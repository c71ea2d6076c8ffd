"""`python -m compare`: the command line."""

import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from compare import SUITE
from compare.bench.command import app as bench
from compare.cases.word2vec import logged as vectors
from tf_emb.parity import engines, record
from tf_emb.parity.dtypes import DTYPES
from tf_emb.parity.plan import Options
from tf_emb.parity.report import write
from tf_emb.parity.report.data import as_json
from tf_emb.parity.report.terminal import print_report
from tf_emb.parity.run import run

LOGS = Path("logs")
app = typer.Typer(add_completion=False, no_args_is_help=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="Proof, number by number, that every engine computes what the formulas say.")  # fmt: skip

CaseNames = Annotated[list[str] | None, typer.Option("--case", help="Run this case; repeat for more.")]
EngineNames = Annotated[list[str] | None, typer.Option("--engine", help="Run this engine; it must load.")]
DtypeNames = Annotated[
    list[str] | None, typer.Option("--dtype", help="float64, float32, bfloat16 or float16; all by default.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of every draw.")]
Device = Annotated[str, typer.Option(help="cpu or gpu.")]
Full = Annotated[bool, typer.Option("--full", help="Also the cases that take minutes: the whole corpus.")]
Quick = Annotated[bool, typer.Option("--quick", help="A minute's worth: a case or more of every subject.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the reports; logs/compare/<time> by default.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write report.json here.")]
Listing = Annotated[bool, typer.Option("--list", help="Print cases and engines, and stop.")]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context, case: CaseNames = None, engine: EngineNames = None, dtype: DtypeNames = None,
    seed: Seed = 0, device: Device = "cpu", full: Full = False, quick: Quick = False, out: Out = None,
    json: JsonFile = None, list_: Listing = False,
) -> None:  # fmt: skip
    """Run `parity` when no command is named."""
    if context.invoked_subcommand is None:
        run_parity(case, engine, dtype, seed, device, full, quick, out, json, list_)


@app.command("parity")
def run_parity(
    case: CaseNames = None, engine: EngineNames = None, dtype: DtypeNames = None, seed: Seed = 0,
    device: Device = "cpu", full: Full = False, quick: Quick = False, out: Out = None, json: JsonFile = None,
    list_: Listing = False,
) -> None:  # fmt: skip
    """Compare every engine with the oracle; exit 1 if a number is out of bounds or a fault goes unseen."""
    console = Console(highlight=False)
    if list_:
        listing(console)
        return
    options = Options(
        SUITE, tuple(case or ()), tuple(engine or ()), tuple(dtype or DTYPES), seed, device, full, quick
    )  # fmt: skip
    out = out or LOGS / "compare" / datetime.now().strftime("%Y%m%d-%H%M%S")
    with tempfile.TemporaryDirectory(prefix="compare-") as work:
        result = refusing(lambda: with_progress(console, options, Path(work)))
        result.command = "python -m compare " + " ".join(sys.argv[1:])
        paths = write(result, out)
        shown = vectors.log(result, Path(work), out)
    if json is not None:
        json.parent.mkdir(parents=True, exist_ok=True)
        json.write_text(as_json(result))
    print_report(result, console)
    console.print(f"\nReports: {', '.join(str(path) for path in paths.values())}", soft_wrap=True)
    if shown:
        console.print(
            f"Vectors of {', '.join(shown)}: `make tensorboard`, then open {vectors.address()}", soft_wrap=True
        )
    print(result.last_line)
    raise typer.Exit(1 if result.failed else 0)


@app.command("references")
def run_references(
    check: Annotated[bool, typer.Option("--check", help="Run PyTorch and compare with its record.")] = False,
    new: Annotated[bool, typer.Option("--record", help="Run PyTorch and record its outputs.")] = False,
    case: CaseNames = None,
) -> None:
    """Check or record the PyTorch outputs that stand in where PyTorch is not installed."""
    console = Console(highlight=False)
    if check == new:
        raise typer.BadParameter("Give one of --check and --record.")
    failed, lines = refusing(lambda: (record.check if check else record.record)(SUITE, tuple(case or ())))
    for line in lines:
        console.print(line, soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


app.add_typer(bench, name="bench")


@app.command("screenshots")
def run_screenshots(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("docs/images"),
    chinese: Annotated[Path | None, typer.Option(help="A Chinese text; README.zh-CN.md by default.")] = None,
    only: Annotated[str, typer.Option(help="Only pictures whose name holds this.")] = "",
) -> None:
    """Take the pictures of docs/projector.md: the projector's page in a browser, and the same without one."""
    from compare.docs import screenshots

    for path in refusing(lambda: screenshots.take(out, chinese, only)):
        print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


def with_progress(console: Console, options: Options, work: Path) -> Any:
    """Run the comparison under a progress bar, which goes to standard error."""
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("drawing inputs", total=None)
        return run(
            options,
            work,
            on_start=lambda jobs: progress.update(task, total=jobs),
            on_job=lambda engine, case: progress.update(task, advance=1, description=f"{engine}: {case}"),
        )


def listing(console: Console) -> None:
    """Print what `--case` and `--engine` take."""
    for name, case in SUITE.load().items():
        console.print(
            f"{name}{' (--full)' if case.full else ' (--quick)' if case.quick else ''}\n    {case.claim}",
            soft_wrap=True,
        )
    for name in engines.HOMES:
        missing = engines.missing(name)
        console.print(f"engine {name}: {'absent, needs ' + ', '.join(missing) if missing else 'installed'}")


def refusing(function: Any) -> Any:
    """Call `function`; what the user can mend becomes one line and exit status 2."""
    try:
        return function()
    except (ValueError, ImportError) as error:
        print(f"compare: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app()
