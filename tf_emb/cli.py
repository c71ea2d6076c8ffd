"""`tf-emb`: train, query and project vectors from the command line.

Every import that takes time stands inside the command that needs it: `tf-emb --help` answers at once.
"""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from tf_emb import __version__
from tf_emb.commands import convert, evaluate, graph, similar, train
from tf_emb.commands.silence import silent_start

T = TypeVar("T")
app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Embeddings in Keras/TensorFlow, proven right number by number.",
)  # fmt: skip


@app.callback(invoke_without_command=True)
def main_options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Options that stand before a command."""
    if version:
        print(f"tf-emb {__version__}")
        raise typer.Exit


@app.command()
def project(
    vectors: Annotated[Path | None, typer.Argument(help="A file that `train` wrote, word2vec's, or .npy.")] = None,
    logdir: Annotated[Path, typer.Option(help="The folder given to tensorboard --logdir.")] = Path("logs"),
    labels: Annotated[Path | None, typer.Option(help="Text file, a label a line; needed for .npy.")] = None,
    name: Annotated[str, typer.Option(help="Of the new run; the file's name by default.")] = "",
    top: Annotated[int, typer.Option(min=2, help="How many rows, the first, or the largest of known counts.")] = 10_000,
    include: Annotated[list[str] | None, typer.Option(help="Show this word too; repeat for more.")] = None,
    views: Annotated[str | None, typer.Option(help="Of pca, umap, tsne, between commas; '' for none.")] = None,
    image: Annotated[Path | None, typer.Option(help="Also draw the views: .png, .svg or .pdf.")] = None,
    export: Annotated[Path | None, typer.Option(help="Also write a .parquet for Embedding Atlas.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Read the logdir back through TensorBoard; exit 1 if "
                                        "something would be shown wrongly.")] = False,
) -> None:  # fmt: skip
    """Log vectors as a new run of TensorBoard's Embedding Projector, check what is there, or both."""
    from tf_emb.projector import command

    if vectors is None and not check:
        refusing(lambda: _raise("`VECTORS` must be given, or --check; got neither. Try tf-emb project vectors.bin."))
    if vectors is not None:
        path = vectors
        refusing(lambda: command.log(path, logdir, labels, name, top, include or [], views, image, export))
    if check:
        problems = refusing(lambda: _silently(lambda: command.problems(logdir)))
        print("\n".join(problems) or f"Nothing wrong in {logdir}.")
        raise typer.Exit(1 if problems else 0)


def _silently(function: Callable[[], T]) -> T:
    with silent_start():
        return function()


def refusing(function: Callable[[], T]) -> T:
    """Call `function`; what the user can mend becomes one line on standard error and exit status 2."""
    try:
        return function()
    except (ValueError, OSError, ImportError) as error:
        print(f"tf-emb: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def refused(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose errors are told as `refusing` tells them."""

    @wraps(command)
    def run(**arguments: object) -> None:
        refusing(lambda: command(**arguments))

    return run


def _raise(message: str) -> None:
    raise ValueError(message)


for name, command in (
    ("train", train), ("eval", evaluate), ("similar", similar), ("convert", convert), ("graph", graph),
):  # fmt: skip
    app.command(name)(refused(command))


def main() -> None:
    """Run the command line."""
    app()
