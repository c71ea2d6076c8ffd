"""`tf-emb train`: word2vec from a text file, with progress, TensorBoard scalars, and a way to resume."""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tf_emb.commands.terminal import interruption, one_thread_per_operation, progress_bar, silent_start

if TYPE_CHECKING:
    from tf_emb.word2vec import Progress, Word2Vec

PIECE = 5_000  # examples between two steps of the progress bar, in exact mode
EXACT_RATES = {"skipgram": 0.025, "cbow": 0.05}  # word2vec.c


def train(
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
    mode: Annotated[str, typer.Option(help="block, or exact: one example after another, slowly.")] = "block",
    logdir: Annotated[Path | None, typer.Option(help="Write loss and speed for TensorBoard here.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume a training that was stopped.")] = False,
    held_out: Annotated[str | None, typer.Option(help="Another text; report its loss after every epoch.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after this many epochs without a better held-out loss; keep the best."),
    ] = None,
) -> None:
    """Train word2vec, and write the vectors."""
    from tf_emb.vectors import check_path

    options = {"model": model, "loss": loss, "dim": dim, "window": window, "negatives": negatives, "sample": sample,
               "min_count": min_count, "max_vocab": max_vocab, "epochs": epochs, "rate": rate, "threads": threads,
               "seed": seed}  # fmt: skip
    if mode not in ("block", "exact"):
        raise ValueError(f"`--mode` must be block or exact; got {mode!r}. Choose one.")
    if patience is not None and held_out is None:
        raise ValueError(f"`--patience` must come with `--held-out`; got {patience} alone. Name a text to measure.")
    check_path(output)  # a wrong suffix is reported before the training, not after it
    if mode == "exact":
        blocks_only = {"--threads": threads > 1, "--resume": resume, "--held-out": held_out is not None}
        for flag in (flag for flag, given in blocks_only.items() if given):
            raise ValueError(f"`{flag}` must come with `--mode block`; got --mode exact. Leave one of them out.")
        train_exactly(corpus, output, options, tokenize, logdir)
    elif status := train_blocks(corpus, output, options, tokenize, resume, logdir, held_out, patience):
        raise typer.Exit(status)


def train_blocks(
    corpus: str,
    output: Path,
    options: dict[str, Any],
    tokenize: Any,
    resume: bool = False,
    logdir: Path | None = None,
    held_out: str | None = None,
    patience: int | None = None,
) -> int:
    """Train by blocks, and write the vectors; return the exit status: 0, or 130 after Ctrl-C.

    Args:
        corpus: text, see `tf_emb.corpus.prepare`.
        output: see `tf_emb.vectors.save_vectors`.
        options: arguments of `tf_emb.word2vec.Word2Vec`.
        tokenize: name of a tokenizer.
        resume: continue from the state beside `output`.
        logdir: where scalars for TensorBoard go, or None.
        held_out: a text to measure after every epoch.
        patience: see `tf_emb.word2vec.EarlyStopping`; None trains for all epochs.
    """
    from tf_emb.corpus import encode_corpus, prepare

    state = output.with_name(output.name + ".state")
    if resume and not state.exists():
        raise ValueError(f"`--resume` must find a stopped training at {state}; there is none. Leave it out to begin.")
    with silent_start():
        from tf_emb.word2vec import Word2Vec

        one_thread_per_operation()
        model = Word2Vec.load(state) if resume else Word2Vec(**options)
    if resume:
        encoded = encode_corpus(corpus, model.vocabulary, tokenize)
    else:
        encoded = prepare(corpus, tokenize, min_count=options["min_count"], max_vocab=options["max_vocab"])
    print(f"{encoded.raw_words:,} words, {len(encoded.vocabulary):,} kept in the vocabulary", file=sys.stderr)
    measured = None if held_out is None else encode_corpus(held_out, encoded.vocabulary, tokenize)
    stopped = _run(model, encoded, resume, logdir, measured, patience)
    _write(output, model.vocabulary, model.tables)
    if stopped:
        model.save(state)
        print(f"Stopped. The vectors so far are in {output}. To go on, add --resume to the command.", file=sys.stderr)
        return 130
    state.unlink(missing_ok=True)
    print(_summary(model, encoded.raw_words, output))
    return 0


def train_exactly(
    corpus: str, output: Path, options: dict[str, Any], tokenize: Any, logdir: Path | None = None
) -> None:
    """Train one example after another, and write the vectors; the arguments are those of `train_blocks`."""
    import numpy as np

    from tf_emb.corpus import Vocabulary, read_sentences, skipgram_draws

    with silent_start():
        from tf_emb.word2vec import ExactTrainer, Examples, Options, example_loss, linear_rates, start_tables

        of = Options(**options)
        one_thread_per_operation()
    sentences = list(read_sentences(corpus, tokenize))
    vocabulary = Vocabulary.build(sentences, min_count=of.min_count, max_vocab=of.max_vocab)
    draws = skipgram_draws(
        sentences,
        vocabulary,
        np.random.default_rng(of.seed),
        window=of.window,
        negatives=of.negatives,
        sample=of.sample,
        epochs=of.epochs,
    )
    examples = (Examples.skipgram if of.model == "skipgram" else Examples.cbow)(draws)
    rates = linear_rates(examples.progress, EXACT_RATES[of.model] if of.rate is None else of.rate, of.floor)
    tables = start_tables(len(vocabulary), of.dim, of.seed)
    trainer = ExactTrainer(tables, example_loss(of.loss, vocabulary.counts))
    raw_words = of.epochs * sum(map(len, sentences))
    losses = _run_exact(trainer, examples, rates, (raw_words, draws.kept_words), of.epochs, logdir)
    _write(output, vocabulary, trainer.tables)
    tenth = max(1, len(losses) // 10)
    first, last, what = losses[:tenth].mean(), losses[-tenth:].mean(), _unit(of.model)
    print(
        f"{len(vocabulary)} words, {draws.kept_words} kept in {of.epochs} epochs, {len(losses)} {what}s; "
        f"loss {first:.3f} -> {last:.3f} nats per {what}, first to last tenth; written to {output}"
    )


def _run(
    model: "Word2Vec", encoded: Any, resume: bool, logdir: Path | None, held_out: Any, patience: int | None
) -> bool:
    """Train under a progress bar; return whether the user stopped it."""
    from tf_emb.word2vec import EarlyStopping

    with ExitStack() as stack:
        asked = stack.enter_context(interruption())
        callbacks: list[Callable[[Progress], Any]] = [stack.enter_context(progress_bar()), lambda progress: bool(asked)]
        if patience is not None:
            callbacks.append(EarlyStopping(patience))
        if logdir is not None:
            callbacks.append(_scalars(logdir))
        (model.resume if resume else model.fit)(encoded, callbacks, held_out=held_out)
    return bool(asked)


def _run_exact(
    trainer: Any, examples: Any, rates: Any, words: tuple[int, int], epochs: int, logdir: Path | None
) -> Any:
    """Train piece by piece under a progress bar; `words` are those of all epochs, raw and kept. Return the losses."""
    import numpy as np

    from tf_emb.word2vec import Progress

    began, losses = time.perf_counter(), []
    with progress_bar() as bar:
        callbacks = [bar] if logdir is None else [bar, _scalars(logdir)]
        for start in range(0, len(examples), PIECE):
            part, stop = slice(start, start + PIECE), start + PIECE
            losses.append(trainer.train(examples[part], rates[part]))
            share = float(examples.progress[stop]) if stop < len(examples) else 1.0
            raw, kept = (round(share * count) for count in words)
            at = Progress(
                int(share * epochs),
                share,
                raw,
                time.perf_counter() - began,
                raw,
                kept,
                float(losses[-1].mean()),
                float(rates[part][-1]),
            )
            for callback in callbacks:
                callback(at)
    return np.concatenate(losses)


def _scalars(logdir: Path) -> Callable[["Progress"], None]:
    """Return a callback that writes loss, rate and speed for TensorBoard; the step is thousands of raw words."""
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


def _write(output: Path, vocabulary: Any, tables: Any) -> None:
    from tf_emb.vectors import Vectors, save_vectors

    save_vectors(output, Vectors(vocabulary.words, tables[0].numpy(), {"count": vocabulary.counts}))


def _summary(model: "Word2Vec", raw_words: int, output: Path) -> str:
    first, last = model.losses[0], model.losses[-1]
    epochs = len(model.losses)  # fewer than asked for if the held-out loss ended the training
    passes = f"{epochs} epoch{'s' if epochs > 1 else ''}"
    held_out = model.held_out_losses
    measured = f"held-out loss {min(held_out):.3f} at best, {held_out[-1]:.3f} at last; " if held_out else ""
    return (
        f"{len(model.vocabulary):,} words, {raw_words * epochs:,} raw words in {passes}; loss {first:.3f} -> "
        f"{last:.3f} nats per {_unit(model.options.model)}, first to last epoch; {measured}written to {output}"
    )


def _unit(model: str) -> str:
    return "pair" if model == "skipgram" else "centre"
