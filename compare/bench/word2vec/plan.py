"""Which trainings a comparison consists of, in which order, and the texts that they read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from compare.bench.word2vec import text
from compare.bench.word2vec.rows import OURS, PROGRAM, SLOW, Row
from compare.bench.word2vec.task import Task
from compare.bench.word2vec.text import Text
from compare.bench.word2vec.trainings import turned

HELD_OUT = 0.01  # share of the text, its end


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all trainings of a comparison have in common.

    Attributes:
        corpus: a text, see `compare.bench.word2vec.text.sentences`; None for gensim's 300 news documents.
        words: its first so many words only; None for all.
        slow_words: what the slow contenders train on; None for all.
        softmax_words: what all train on in the row of the full softmax, the last 1 % held out; None for all.
        dim: size of a vector.
        window: largest radius.
        negatives: noise words a pair.
        sample: subsampling threshold.
        min_count: words seen less often are left out.
        threads: of a training.
        program: the file of word2vec.c, or None.
        quick: whether sizes are those of a test.
    """

    corpus: str | None = None
    words: int | None = None
    slow_words: int | None = 200_000
    softmax_words: int | None = 2_000_000
    dim: int = 100
    window: int = 5
    negatives: int = 5
    sample: float = 1e-3
    min_count: int = 5
    threads: int = 2
    program: str | None = None
    quick: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return every setting by name."""
        return asdict(self)


QUICK = {"words": 20_000, "slow_words": 2_000, "softmax_words": 10_000, "dim": 10, "quick": True}


def asked(given: dict[str, Any], threads: int, quick: bool) -> Settings:
    """Return the settings that options ask for; those that are not given have their defaults.

    Raises:
        ValueError: the program cannot be run.
    """
    named: dict[str, Any] = {name: str(value) if isinstance(value, Path) else value
                             for name, value in given.items() if value is not None}  # fmt: skip
    program = named.get("program")
    if program and not Path(program).is_file():
        raise ValueError(f"`--word2vec-c` must be the program's file; got {program}, which is none.")
    sizes: dict[str, Any] = QUICK if quick else {}
    return Settings(**{**sizes, **named, "threads": threads})


@dataclass(frozen=True)
class Item:
    """One training of a plan; `epochs` names its group, in which a slow contender may train for one epoch only."""

    row: Row
    epochs: int
    seed: int
    contender: str

    @property
    def key(self) -> tuple[str, int, int, str]:
        """What tells it from others, in a file too."""
        return self.row.name, self.epochs, self.seed, self.contender


def items(rows: Sequence[Row], peers: Callable[[Row], Sequence[str]], epochs: Sequence[int],
          seeds: Sequence[int]) -> Iterator[Item]:  # fmt: skip
    """Yield every training: for each row, epochs and seed all contenders in turn, ours first at first."""
    for row, passes in product(rows, epochs):
        for number, seed in enumerate(seeds):
            yield from (Item(row, passes, seed, name) for name in turned([OURS, *peers(row)], number))


def present(row: Row, settings: Settings) -> list[str]:
    """Return the peers of a row that are there: word2vec.c only where its file is given."""
    return [name for name in row.peers if name != PROGRAM or settings.program]


class Texts:
    """The texts of a run, each written once into a folder, where something reads it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings, self._folder = settings, folder

    @cached_property
    def whole(self) -> Text:
        """The text.

        Raises:
            ValueError: the corpus cannot be read, or has no words.
        """
        settings = self._settings
        corpus = Path(settings.corpus) if settings.corpus else None
        written = text.write(text.sentences(corpus), self._folder / "text.txt", settings.words)
        if not written.words:
            raise ValueError(f"`--corpus` must hold words; got {settings.corpus}, which has none. Give another.")
        return written

    @cached_property
    def softmax(self) -> tuple[Text, Text]:
        """The text of the full softmax, and what is held out of it."""
        head = text.write(text.read(self.whole.path), self._folder / "head.txt", self._settings.softmax_words)
        return text.split(head, HELD_OUT, self._folder)

    def of(self, row: Row) -> Text:
        """Return what the contenders of a row train on."""
        return self.softmax[0] if row.likelihood else self.whole


def task(item: Item, texts: Texts, settings: Settings, vectors: Path | None = None) -> Task:
    """Return what a contender is asked in one training."""
    row, slow = item.row, item.contender in SLOW
    given = {"contender": item.contender, "loss": row.loss} | row.overrides.get(item.contender, {})
    return Task(
        **given, text=str(texts.of(row).path), model=row.model, dim=settings.dim, window=settings.window,
        negatives=settings.negatives, sample=settings.sample, min_count=settings.min_count, max_vocab=row.max_vocab,
        epochs=1 if slow and row.likelihood else item.epochs,  # it is timed there, not judged
        threads=settings.threads, seed=item.seed, words=settings.slow_words if slow else None,
        program=settings.program if item.contender == PROGRAM else None, vectors=str(vectors) if vectors else None,
    )  # fmt: skip
