"""`tf-emb train`: word2vec from a text file, with progress, TensorBoard scalars, and a way to resume."""

from pathlib import Path
from typing import Annotated

import typer

UNUSED_BY_EXACT = ("threads", "resume", "held_out", "patience", "checkpoint_every")


def train(
    context: typer.Context,
    corpus: Annotated[str, typer.Argument(help="UTF-8 text, one sentence per line, or .gz and the like; - for stdin.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Vectors: .bin, .txt, .vec, .glove, .npz ...")],
    model: Annotated[str, typer.Option(help="skipgram or cbow.")] = "skipgram",
    loss: Annotated[
        str, typer.Option(help="negative-sampling, hierarchical-softmax or full-softmax.")
    ] = "negative-sampling",
    dim: Annotated[int, typer.Option(min=1, help="Size of a vector.")] = 100,
    window: Annotated[int, typer.Option(min=1, help="Largest radius of a window, in kept words.")] = 5,
    negatives: Annotated[int, typer.Option(min=1, help="Noise words per pair.")] = 5,
    sample: Annotated[float, typer.Option(min=0, help="Subsampling threshold; 0 keeps every word.")] = 1e-3,
    min_count: Annotated[int, typer.Option(min=1, help="Leave out words that occur less often.")] = 5,
    max_vocab: Annotated[int | None, typer.Option(min=1, help="Keep only the most frequent words.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the corpus.")] = 5,
    rate: Annotated[float | None, typer.Option(min=0, help="Learning rate at the start; falls linearly.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="With 1, vectors are reproducible bit for bit.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random draw.")] = 0,
    tokenize: Annotated[str, typer.Option(help="whitespace, characters, letters or jieba.")] = "whitespace",
    mode: Annotated[
        str, typer.Option(help="block, or exact: one example after another, slowly, and it cannot be resumed.")
    ] = "block",
    logdir: Annotated[Path | None, typer.Option(help="Write loss and speed for TensorBoard here.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was stopped or killed, from its checkpoint.")
    ] = False,
    held_out: Annotated[str | None, typer.Option(help="Another text; report its loss after every epoch.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after this many epochs without a better held-out loss; keep the best."),
    ] = None,
    checkpoint_every: Annotated[
        float,
        typer.Option(
            help="Seconds between two checkpoints, which are taken after an epoch too; at most 2 % of the time."
        ),
    ] = 30.0,
    errors: Annotated[
        str, typer.Option(help="What becomes of bytes that are not UTF-8: strict, replace, ignore ...")
    ] = "strict",
) -> None:
    """Train word2vec, and write the vectors.

    Checkpoints stand beside the output, as OUTPUT.state and OUTPUT.state.before, until the training is over.
    """
    from tf_emb.commands.blocks import Job, train_blocks
    from tf_emb.commands.exact import train_exactly
    from tf_emb.corpus.checks import shown

    options = {"model": model, "loss": loss, "dim": dim, "window": window, "negatives": negatives, "sample": sample,
               "min_count": min_count, "max_vocab": max_vocab, "epochs": epochs, "rate": rate, "threads": threads,
               "seed": seed}  # fmt: skip
    if mode not in ("block", "exact"):
        raise ValueError(f"`--mode` must be block or exact; got {shown(mode)}. Choose one.")
    if patience is not None and held_out is None:
        raise ValueError(f"`--patience` must come with `--held-out`; got {patience} alone. Name a text to measure.")
    if not checkpoint_every > 0:
        raise ValueError(f"`--checkpoint-every` must be above 0 seconds; got {checkpoint_every:g}. The default is 30.")
    given = frozenset(name for name in context.params if named(context, name))
    job = Job(corpus, output, options, tokenize, resume, logdir, held_out, patience, checkpoint_every, errors, given)
    if mode == "exact":
        for name in UNUSED_BY_EXACT:
            if name in given:
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"`{flag}` must come with `--mode block`; got --mode exact. Leave one of them out.")
    if status := (train_exactly if mode == "exact" else train_blocks)(job):
        raise typer.Exit(status)


def named(context: typer.Context, name: str) -> bool:
    """Return whether an option was given, on the command line or by the environment, and not left to its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT")
