"""`tf-emb`: train, query and project vectors from the command line.

Every import that takes time stands inside the command that needs it: `tf-emb --help` answers at once.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from tf_emb import __version__
from tf_emb.commands import convert, evaluate, similar

T = TypeVar("T")
app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Embeddings in Keras/TensorFlow, proven right number by number.",
)  # fmt: skip
PIECE = 20_000  # pairs between two steps of the progress bar


@app.callback(invoke_without_command=True)
def main_options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Options that stand before a command."""
    if version:
        print(f"tf-emb {__version__}")
        raise typer.Exit


@app.command()
def train(
    corpus: Annotated[Path, typer.Argument(help="UTF-8 text, one sentence a line, words between white space.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Vectors: .bin, .txt or .vec (word2vec's formats).")],
    dim: Annotated[int, typer.Option(min=1, help="Size of a vector.")] = 100,
    window: Annotated[int, typer.Option(min=1, help="Largest radius, in kept words.")] = 5,
    negatives: Annotated[int, typer.Option(min=1, help="Noise words a pair.")] = 5,
    sample: Annotated[float, typer.Option(min=0, help="Subsampling threshold; 0 keeps every word.")] = 1e-3,
    min_count: Annotated[int, typer.Option(min=1, help="Words seen less often are left out.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the corpus.")] = 5,
    rate: Annotated[float, typer.Option(min=0, help="Learning rate at the start; falls linearly.")] = 0.025,
    seed: Annotated[int, typer.Option(min=0, help="Of every draw.")] = 0,
) -> None:
    """Train skip-gram with negative sampling, pair by pair, and write the vectors."""
    refusing(lambda: _train(corpus, output, dim, window, negatives, sample, min_count, epochs, rate, seed))


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


def _train(
    corpus: Path, output: Path, dim: int, window: int, negatives: int, sample: float,
    min_count: int, epochs: int, rate: float, seed: int,
) -> None:  # fmt: skip
    import numpy as np

    from tf_emb.corpus import Vocabulary, read_sentences, skipgram_draws
    from tf_emb.vectors import check_path, save_vectors

    check_path(output)  # a wrong suffix is said before the training, not after it
    sentences = list(read_sentences(corpus))
    vocabulary = Vocabulary.build(sentences, min_count=min_count)
    draws = skipgram_draws(
        sentences, vocabulary, np.random.default_rng(seed),
        window=window, negatives=negatives, sample=sample, epochs=epochs,
    )  # fmt: skip

    with silent_start():
        from tf_emb.word2vec import SkipGram, linear_rates, train_exact

        model = SkipGram(len(vocabulary), dim, seed=seed)  # the first operation looks for devices, and says so
    rates = linear_rates(draws.progress, rate)
    losses = []
    with typer.progressbar(range(0, len(draws), PIECE), label=f"{len(draws)} pairs", file=sys.stderr) as starts:
        for start in starts:
            piece = slice(start, start + PIECE)
            losses.append(train_exact(model, draws[piece], rates[piece]))
    save_vectors(output, vocabulary.words, model.center.embeddings.numpy())
    tenth, every = max(1, len(draws) // 10), np.concatenate(losses)
    first, last = every[:tenth].mean(), every[-tenth:].mean()
    print(
        f"{len(vocabulary)} words, {draws.kept_words} kept in {epochs} epochs, {len(draws)} pairs; "
        f"loss {first:.3f} -> {last:.3f} nats a pair, first to last tenth; written to {output}"
    )


@contextmanager
def silent_start() -> Iterator[None]:
    """Keep TensorFlow's remarks on the machine from the terminal.

    TensorFlow 2.21 writes the first of them before it looks at TF_CPP_MIN_LOG_LEVEL, straight to the
    file descriptor. An exception still says what is wrong.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


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


for name, command in (("eval", evaluate), ("similar", similar), ("convert", convert)):
    app.command(name)(refused(command))


def main() -> None:
    """Run the command line."""
    app()
