"""`tf-emb`: train, query and project vectors from the command line.

Slow imports stand inside the commands that need them: `tf-emb --help` answers at once.
"""

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Annotated

import typer

from tf_emb import __version__
from tf_emb.commands import graph, project, train, vectors
from tf_emb.commands.terminal import Ended, ended_by_signals
from tf_emb.files import printable

LONGEST = 1_000  # characters of an error that are printed; what was typed may be longer than a screen

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Embeddings in Keras/TensorFlow, proven right number by number.",
)


@app.callback(invoke_without_command=True)
def main_options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options that stand before a command."""
    if version:
        print(f"tf-emb {__version__}")
        raise typer.Exit


def refusing(command: Callable[..., None]) -> Callable[..., None]:
    """Return `command` with errors that users can fix turned into one line on standard error and exit status 2."""

    @wraps(command)
    def run(**arguments: object) -> None:
        try:
            with ended_by_signals(), warnings.catch_warnings():
                warnings.simplefilter("always", UserWarning)
                warnings.showwarning = lambda said, *where: print(f"tf-emb: {printable(said)}", file=sys.stderr)
                command(**arguments)
        except (ValueError, OSError, ImportError) as error:
            said = printable(error)
            print(f"tf-emb: {said if len(said) <= LONGEST else said[: LONGEST - 1] + '…'}", file=sys.stderr)
            raise typer.Exit(2) from None
        except Exception as error:
            if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":  # TensorFlow's
                raise
            print("tf-emb: not enough memory. Use a smaller `--dim`, or fewer words.", file=sys.stderr)
            raise typer.Exit(2) from None
        except Ended as ended:
            print(f"\ntf-emb: {ended.said}", file=sys.stderr)
            raise typer.Exit(ended.status) from None

    return run


app.command("train")(refusing(train.train))
app.command("eval")(refusing(vectors.evaluate))
app.command("similar")(refusing(vectors.similar))
app.command("convert")(refusing(vectors.convert))
app.command("graph")(refusing(graph.graph))
app.command("project")(refusing(project.project))


def main() -> None:
    """Run the command line."""
    app()
