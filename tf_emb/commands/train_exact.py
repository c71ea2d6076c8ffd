"""`tf-emb train --mode exact`: skip-gram with negative sampling, pair by pair."""

import sys
from pathlib import Path

import typer

from tf_emb.commands.silence import silent_start

PIECE = 20_000  # pairs between two steps of the progress bar


def train_exact_file(
    corpus: Path, output: Path, dim: int, window: int, negatives: int, sample: float,
    min_count: int, epochs: int, rate: float | None, seed: int,
) -> None:  # fmt: skip
    """Train, and write the vectors; the arguments are those of the command."""
    import numpy as np

    from tf_emb.corpus import Vocabulary, read_sentences, skipgram_draws
    from tf_emb.vectors import Vectors, check_path, save_vectors

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
    rates = linear_rates(draws.progress, 0.025 if rate is None else rate)
    losses = []
    with typer.progressbar(range(0, len(draws), PIECE), label=f"{len(draws)} pairs", file=sys.stderr) as starts:
        for start in starts:
            piece = slice(start, start + PIECE)
            losses.append(train_exact(model, draws[piece], rates[piece]))
    save_vectors(output, Vectors(vocabulary.words, model.center.embeddings.numpy()))
    tenth, every = max(1, len(draws) // 10), np.concatenate(losses)
    first, last = every[:tenth].mean(), every[-tenth:].mean()
    print(
        f"{len(vocabulary)} words, {draws.kept_words} kept in {epochs} epochs, {len(draws)} pairs; "
        f"loss {first:.3f} -> {last:.3f} nats a pair, first to last tenth; written to {output}"
    )
