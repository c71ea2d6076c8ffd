"""`tf-emb train --mode exact`: one example after another; it can be stopped, but not resumed."""

import sys
import time
from pathlib import Path
from typing import Any

from tf_emb.commands.blocks import Job, check_outputs
from tf_emb.commands.saved import write_vectors
from tf_emb.commands.scalars import scalars
from tf_emb.commands.terminal import interruption, one_thread_per_operation, progress_bar, silent_start
from tf_emb.files import locked

PIECE = 5_000  # examples between two steps of the progress bar
EXACT_RATES = {"skipgram": 0.025, "cbow": 0.05}  # word2vec.c


def train_exactly(job: Job) -> int:
    """Train one example after another, and write the vectors; return the exit status, see `train_blocks`."""
    check_outputs(job)
    with locked(job.output, "--output"):
        return _train(job)


def _train(job: Job) -> int:
    import numpy as np

    from tf_emb.corpus import prepare, skipgram_draws
    from tf_emb.vectors import Vectors, check_destination

    with silent_start():
        from tf_emb.word2vec import ExactTrainer, Examples, Options, example_loss, linear_rates, start_tables
        from tf_emb.word2vec.memory import check_tables

        of = Options(**job.options)
        one_thread_per_operation()
    encoded = prepare(job.corpus, job.tokenize, min_count=of.min_count, max_vocab=of.max_vocab, errors=job.errors)
    vocabulary = encoded.vocabulary
    check_tables(len(vocabulary), of.dim)
    check_destination(job.output, labels=vocabulary.words, dim=of.dim)
    draws = skipgram_draws(
        encoded,
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
    raw_words = of.epochs * encoded.raw_words
    with interruption() as asked:
        losses = _run(trainer, examples, rates, (raw_words, draws.kept_words), of.epochs, job.logdir, asked)
    vectors = Vectors(vocabulary.words, trainer.tables[0].numpy(), {"count": vocabulary.counts})
    in_place = write_vectors(job.output, vectors)
    if asked:
        print(f"Stopped. The vectors so far are in {job.output}; this mode cannot be resumed.", file=sys.stderr)
        return 128 + asked[0]
    tenth = max(1, len(losses) // 10)
    first, last, what = losses[:tenth].mean(), losses[-tenth:].mean(), "pair" if of.model == "skipgram" else "centre"
    print(
        f"{len(vocabulary)} words, {draws.kept_words} kept in {of.epochs} epochs, {len(losses)} {what}s; "
        f"loss {first:.3f} -> {last:.3f} nats per {what}, first to last tenth; written to {job.output}"
    )
    return 0 if in_place else 1


def _run(
    trainer: Any,
    examples: Any,
    rates: Any,
    words: tuple[int, int],
    epochs: int,
    logdir: Path | None,
    asked: list[int],
) -> Any:
    """Train piece by piece under a progress bar; `words` are those of all epochs, raw and kept. Return the losses."""
    import numpy as np

    from tf_emb.word2vec import Progress

    began, losses = time.perf_counter(), []
    with progress_bar() as bar:
        callbacks = [bar] if logdir is None else [bar, scalars(logdir)]
        for start in range(0, len(examples), PIECE):
            if asked:
                break
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
    return np.concatenate(losses) if losses else np.zeros(0)
