"""What one training is asked to do, and a contender that is ready to do it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What all trainings of a run have in common; the defaults are those of the published comparisons.

    Attributes:
        dim: size of a vector.
        window: largest radius; each centre draws its own.
        negatives: noise words per pair.
        sample: subsampling threshold.
        min_count: words that occur less often are dropped.
        threads: of a training.
        program: the file of word2vec.c, or None.
    """

    dim: int = 100
    window: int = 5
    negatives: int = 5
    sample: float = 1e-3
    min_count: int = 5
    threads: int = 2
    program: str | None = None


@dataclass(frozen=True, kw_only=True)
class Task(Shared):
    """One training of one contender.

    Attributes:
        contender: a name in `compare.bench.word2vec.contenders.HOMES`.
        text: the file, see `compare.bench.word2vec.text`; every contender reads the same.
        model: "skipgram" or "cbow".
        loss: "negative-sampling", "hierarchical-softmax" or "full-softmax".
        max_vocab: size of the vocabulary, the most frequent words; None for all.
        epochs: passes over the text.
        seed: the seed of every random draw.
        words: how many of the first words to train on, with the vocabulary of the whole text; None for all.
        vectors: where the word vectors are saved, a word2vec file (.bin); None to drop them.
    """

    contender: str
    text: str
    model: str = "skipgram"
    loss: str = "negative-sampling"
    max_vocab: int | None = None
    epochs: int = 1
    seed: int = 0
    words: int | None = None
    vectors: str | None = None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A contender that has read its text and is ready to train.

    Attributes:
        train: trains; the clock runs meanwhile.
        save: writes the vectors to a .bin, and the output table, where it is accessible, beside it; see `outputs`.
        raw_words: how many `train` reads over all epochs, before subsampling and dropping rare words.
        version: of the program.
        child: whether it trains in a child process, which is then what is measured.
    """

    train: Callable[[], Any]
    save: Callable[[Path], Any]
    raw_words: int
    version: str
    child: bool = False


def outputs(vectors: Path) -> Path:
    """Return where the output table of `vectors` is, a .npy."""
    return vectors.with_suffix(".output.npy")
