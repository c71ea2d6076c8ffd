"""`tf-emb train`: word2vec from a text file, with progress, scalars for TensorBoard, and a way to go on."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tf_emb.commands.silence import silent_start
from tf_emb.commands.train_exact import train_exact_file
from tf_emb.commands.training import one_thread_an_operation, progress_bar

if TYPE_CHECKING:
    from tf_emb.word2vec import Progress, Word2Vec


SAMPLING = "negative-sampling"


def train(
    corpus: Annotated[str, typer.Argument(help="UTF-8 text, a sentence a line, .gz or the like too; - for stdin.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Vectors: .bin, .txt, .vec, .glove, .npz ...")],
    model: Annotated[str, typer.Option(help="skipgram or cbow.")] = "skipgram",
    loss: Annotated[
        str, typer.Option(help="negative-sampling, hierarchical-softmax or full-softmax.")
    ] = "negative-sampling",
    dim: Annotated[int, typer.Option(min=1, help="Size of a vector.")] = 100,
    window: Annotated[int, typer.Option(min=1, help="Largest radius, in kept words.")] = 5,
    negatives: Annotated[int, typer.Option(min=1, help="Noise words a pair.")] = 5,
    sample: Annotated[float, typer.Option(min=0, help="Subsampling threshold; 0 keeps every word.")] = 1e-3,
    min_count: Annotated[int, typer.Option(min=1, help="Words seen less often are left out.")] = 5,
    max_vocab: Annotated[int | None, typer.Option(min=1, help="Only so many of the most frequent words.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the corpus.")] = 5,
    rate: Annotated[float | None, typer.Option(min=0, help="Learning rate at the start; falls linearly.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="1 gives the same vectors bit for bit.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of every draw.")] = 0,
    tokenize: Annotated[str, typer.Option(help="whitespace, characters, letters or jieba.")] = "whitespace",
    mode: Annotated[str, typer.Option(help="block, or exact: pair by pair, slowly.")] = "block",
    logdir: Annotated[Path | None, typer.Option(help="Write loss and speed for TensorBoard here.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped.")] = False,
    held_out: Annotated[str | None, typer.Option(help="Another text; its loss is shown after every epoch.")] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many epochs without a better held-out loss; keep the best.")
    ] = None,
) -> None:
    """Train word2vec, and write the vectors."""
    options = {"model": model, "loss": loss, "dim": dim, "window": window, "negatives": negatives, "sample": sample,
               "min_count": min_count, "max_vocab": max_vocab, "epochs": epochs, "rate": rate, "threads": threads,
               "seed": seed}  # fmt: skip
    if patience is not None and held_out is None:
        raise ValueError(f"`--patience` must come with `--held-out`; got {patience} alone. Name a text to measure.")
    if mode == "block":
        status = train_blocks(corpus, output, options, tokenize, resume, logdir, held_out, patience)
        if status:
            raise typer.Exit(status)
        return
    if held_out is not None:
        raise ValueError(f"`--held-out` must come with `--mode block`; got {mode!r}. Leave one of them out.")
    if mode != "exact" or (model, loss) != ("skipgram", SAMPLING):
        raise ValueError(f"`--mode` must be block, or exact for skip-gram with negative sampling; got {mode!r}.")
    train_exact_file(Path(corpus), output, dim, window, negatives, sample, min_count, epochs, rate, seed)


def state_path(output: Path) -> Path:
    """Return where a training that is stopped is kept: beside the vectors."""
    return output.with_name(output.name + ".state")


def train_blocks(
    corpus: str, output: Path, options: dict[str, Any], tokenize: Any, resume: bool, logdir: Path | None,
    held_out: str | None = None, patience: int | None = None,
) -> int:  # fmt: skip
    """Train, and write the vectors; return the exit status: 0, or 130 when it was stopped.

    Args:
        corpus: text, see `tf_emb.corpus.prepare`.
        output: see `tf_emb.vectors.save_vectors`.
        options: fields of `tf_emb.word2vec.Options`.
        tokenize: name of a tokenizer.
        resume: go on from the state beside `output`.
        logdir: where scalars for TensorBoard go, or None.
        held_out: a text to measure after every epoch.
        patience: see `tf_emb.word2vec.EarlyStopping`; None trains for all epochs.
    """
    from tf_emb.corpus import encode_corpus, prepare
    from tf_emb.vectors import check_path, save_vectors

    check_path(output)  # a wrong suffix is said before the training, not after it
    state = state_path(output)
    if resume and not state.exists():
        raise ValueError(f"`--resume` must find a stopped training at {state}; there is none. Leave it out to begin.")
    with silent_start():
        from tf_emb.word2vec import Word2Vec

        one_thread_an_operation()
        model = Word2Vec.load(state) if resume else Word2Vec(**options)
    if resume:
        encoded = encode_corpus(corpus, model.vocabulary, tokenize)
    else:
        encoded = prepare(corpus, tokenize, min_count=options["min_count"], max_vocab=options["max_vocab"])
    print(f"{encoded.raw_words:,} words, {len(encoded.vocabulary):,} kept in the vocabulary", file=sys.stderr)
    measured = None if held_out is None else encode_corpus(held_out, encoded.vocabulary, tokenize)
    stopped = _run(model, encoded, resume, logdir, measured, patience)
    save_vectors(output, model.vectors())
    if stopped:
        model.save(state)
        print(f"Stopped. Vectors so far are in {output}. To go on, add --resume to the command.", file=sys.stderr)
        return 130
    state.unlink(missing_ok=True)
    print(_last_line(model, encoded.raw_words, output))
    return 0


def _run(
    model: "Word2Vec", encoded: Any, resume: bool, logdir: Path | None, held_out: Any, patience: int | None
) -> bool:
    """Train under a progress bar; return whether the user stopped it."""
    from tf_emb.word2vec import EarlyStopping

    with ExitStack() as stack:
        asked = stack.enter_context(_interruption())
        callbacks: list[Callable[[Progress], Any]] = [stack.enter_context(progress_bar()), lambda progress: bool(asked)]
        if patience is not None:
            callbacks.append(EarlyStopping(patience))
        if logdir is not None:
            callbacks.append(_scalars(logdir))
        (model.resume if resume else model.fit)(encoded, callbacks, held_out=held_out)
    return bool(asked)


@contextmanager
def _interruption() -> Iterator[list[int]]:
    """Collect Ctrl-C instead of raising, so that a chunk ends whole; the second one raises."""
    asked: list[int] = []

    def note(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        print("\nStopping behind this chunk; Ctrl-C again to stop at once.", file=sys.stderr)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _scalars(logdir: Path) -> Callable[["Progress"], None]:
    """Return a callback that writes loss, rate and speed for TensorBoard, by thousands of raw words."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(logdir))

    def write(at: "Progress") -> None:
        with writer.as_default(step=at.raw_words // 1000):
            tf.summary.scalar("loss", at.loss)
            tf.summary.scalar("rate", at.rate)
            tf.summary.scalar("raw words per second", at.raw_words_per_second)
            if at.epoch_ends and at.held_out_losses:
                tf.summary.scalar("held-out loss", at.held_out_losses[-1])
        writer.flush()

    return write


def _last_line(model: "Word2Vec", raw_words: int, output: Path) -> str:
    what = "pair" if model.options.model == "skipgram" else "centre"
    first, last = model.losses[0], model.losses[-1]
    epochs = len(model.losses)  # fewer than asked for where the held-out loss stopped it
    passes = f"{epochs} epoch{'s' if epochs > 1 else ''}"
    held_out = model.held_out_losses
    measured = f"held-out loss {min(held_out):.3f} at best, {held_out[-1]:.3f} at last; " if held_out else ""
    return (
        f"{len(model.vocabulary):,} words, {raw_words * epochs:,} raw words in {passes}; "
        f"loss {first:.3f} -> {last:.3f} nats a {what}, first to last epoch; {measured}written to {output}"
    )
