"""`python -m compare`: the command line."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from compare import SUITE, stopping
from compare.bench.command import app as bench
from compare.cases.word2vec import logged as vectors
from compare.docs.pages import run_docs
from compare.docs.transformations import run_transforms
from compare.reliability.command import run_reliability
from compare.reliability.matrix import run_matrix
from compare.reliability.mutants.command import run_mutants
from compare.terminal import check_reports, print_names, refused, refusing, with_progress
from tf_emb.files import appearing, printable, scratch
from tf_emb.parity import record
from tf_emb.parity.dtypes import DTYPES
from tf_emb.parity.plan import Options, make_plan
from tf_emb.parity.processes import PATIENCE
from tf_emb.parity.report import as_json, write
from tf_emb.parity.report.terminal import print_report
from tf_emb.parity.result import Result

LOGS = Path("logs")
app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Prove, number by number, that every engine computes what the formulas say.",
)

CaseNames = Annotated[list[str] | None, typer.Option("--case", help="Run this case; may be repeated.")]
EngineNames = Annotated[
    list[str] | None, typer.Option("--engine", help="Run this engine, which must be installed; may be repeated.")
]
DtypeNames = Annotated[
    list[str] | None, typer.Option("--dtype", help="float64, float32, bfloat16 or float16; the default is all four.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of every random draw.")]
Device = Annotated[str, typer.Option(help="cpu or gpu.")]
Full = Annotated[bool, typer.Option("--full", help="Also run the cases that take minutes: the whole corpus.")]
Quick = Annotated[bool, typer.Option("--quick", help="Run for about a minute: at least one case of every subject.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the reports; the default is logs/compare/<time>.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write report.json to this path.")]
Patience = Annotated[
    float, typer.Option(min=1, max=86_400, help="Seconds after which an engine that has not finished a case is ended.")
]
Listing = Annotated[bool, typer.Option("--list", help="Print the names of cases and engines and stop.")]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    case: CaseNames = None,
    engine: EngineNames = None,
    dtype: DtypeNames = None,
    seed: Seed = 0,
    device: Device = "cpu",
    full: Full = False,
    quick: Quick = False,
    out: Out = None,
    json: JsonFile = None,
    patience: Patience = PATIENCE,
    list_: Listing = False,
) -> None:
    """Run `parity` when no command is named."""
    if context.invoked_subcommand is None:
        run_parity(case, engine, dtype, seed, device, full, quick, out, json, patience, list_)


@app.command("parity")
def run_parity(
    case: CaseNames = None,
    engine: EngineNames = None,
    dtype: DtypeNames = None,
    seed: Seed = 0,
    device: Device = "cpu",
    full: Full = False,
    quick: Quick = False,
    out: Out = None,
    json: JsonFile = None,
    patience: Patience = PATIENCE,
    list_: Listing = False,
) -> None:
    """Compare every engine with the oracle; exit 1 if a number is out of bounds or a fault goes unseen."""
    console = Console(highlight=False)
    if list_:
        print_names(console)
        return
    names = tuple(case or ()), tuple(engine or ()), tuple(dtype or DTYPES)
    options = Options(SUITE, *names, seed, device, full, quick, patience)
    out = out or LOGS / "compare" / datetime.now().strftime("%Y%m%d-%H%M%S")
    refusing(lambda: make_plan(options))
    refusing(lambda: check_reports(out, json))
    with scratch("compare") as work:
        result = refusing(lambda: with_progress(options, work))
        result.command = " ".join(["python -m compare", *sys.argv[1:]])
        paths, shown = refusing(lambda: _write(result, work, out, json))
    print_report(result, console)
    reports = printable(", ".join(map(str, paths.values())))
    console.print(f"\nReports: {reports}", soft_wrap=True, markup=False)
    if shown:
        console.print(
            f"Vectors of {', '.join(shown)}: `make tensorboard`, then open {vectors.address()}",
            soft_wrap=True,
            markup=False,
        )
    print(result.last_line)
    raise typer.Exit(1 if result.failed else 0)


def _write(result: Result, work: Path, out: Path, json: Path | None) -> tuple[dict[str, Path], list[str]]:
    """Write the reports; return their paths, and the engines whose vectors are logged."""
    paths, shown = write(result, out), vectors.log(result, work, out)
    if json is not None:
        with appearing(json) as draft:
            draft.write_text(as_json(result), encoding="utf-8")
    return paths, shown


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
    failed, lines = refusing(
        lambda: (record.check_outputs if check else record.record_outputs)(SUITE, tuple(case or ()))
    )
    for line in lines:
        console.print(printable(line), soft_wrap=True, markup=False)
    raise typer.Exit(1 if failed else 0)


app.command("docs")(refused(run_docs))
app.command("transforms")(refused(run_transforms))
app.command("reliability")(refused(run_reliability))
app.command("mutants")(refused(run_mutants))
app.command("matrix")(refused(run_matrix))
app.add_typer(bench, name="bench")


@app.command("screenshots")
def run_screenshots(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("docs/images"),
    chinese: Annotated[Path | None, typer.Option(help="A Chinese text; the default is README.zh-CN.md.")] = None,
    only: Annotated[str, typer.Option(help="Take only the pictures whose name contains this.")] = "",
) -> None:
    """Take the pictures of docs/projector.md: the projector's page in a browser, and plots made without one."""
    from compare.docs import screenshots

    for path in refusing(lambda: screenshots.take(out, chinese, only)):
        print(f"{printable(path)}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    stopping.run(app)
