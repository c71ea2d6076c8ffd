"""What one training is asked to do, and what a contender makes of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Task:
    """One training of one contender; the defaults are those of the published comparisons.

    Attributes:
        contender: a name in `compare.bench.word2vec.contenders.HOMES`.
        text: the file, see `compare.bench.word2vec.text`; every contender reads the same.
        model: "skipgram" or "cbow".
        loss: "negative-sampling", "hierarchical-softmax" or "full-softmax".
        dim: size of a vector.
        window: largest radius; each centre draws its own.
        negatives: noise words a pair.
        sample: subsampling threshold.
        min_count: words seen less often are left out.
        max_vocab: only so many of the most frequent words.
        epochs: passes over the text.
        threads: of the training.
        seed: of every draw.
        words: train on the first so many words only, with the vocabulary of the whole text; None for all.
        program: the file of a program, where the contender is one.
        vectors: where the word vectors go, a word2vec file (.bin); None to drop them.
    """

    contender: str
    text: str
    model: str = "skipgram"
    loss: str = "negative-sampling"
    dim: int = 100
    window: int = 5
    negatives: int = 5
    sample: float = 1e-3
    min_count: int = 5
    max_vocab: int | None = None
    epochs: int = 1
    threads: int = 2
    seed: int = 0
    words: int | None = None
    program: str | None = None
    vectors: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the arguments that make this task."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A contender that has read its text and is about to train.

    Attributes:
        train: trains; the clock runs while it does.
        save: writes the vectors to a .bin, and the output table, where there is one to see, beside it; see `outputs`.
        raw_words: that `train` reads in all its epochs, before subsampling and the vocabulary.
        version: of the program.
        child: whether it trains in a process of its own, which is then what is measured.
    """

    train: Callable[[], Any]
    save: Callable[[Path], Any]
    raw_words: int
    version: str
    child: bool = False


def outputs(vectors: Path) -> Path:
    """Return where the output table of `vectors` is, a .npy."""
    return vectors.with_suffix(".output.npy")
