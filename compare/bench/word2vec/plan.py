"""What is trained: the objectives, who trains each, in which order, and the texts that they read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from compare.bench.rounds import rotated
from compare.bench.word2vec import text
from compare.bench.word2vec.task import Shared, Task
from compare.bench.word2vec.text import Text

OURS, GENSIM, PROGRAM, TORCH = "tf_emb", "gensim", "word2vec.c", "torch"
SAMPLED = "tf_emb, negative sampling"  # beside our full softmax
SLOW = (TORCH, "tensorflow-tutorial")  # timed on the first words of the text only
HELD_OUT = 0.01  # share of the text, at its end

WHAT = {
    OURS: "tf_emb.word2vec.Word2Vec",
    SAMPLED: "tf_emb.word2vec.Word2Vec(loss='negative-sampling')",
    GENSIM: "gensim.models.Word2Vec.train(corpus_file=...)",
    "gensim-iterator": "gensim.models.Word2Vec.train(LineSentence(...))",
    PROGRAM: "the program of --word2vec-c",
    TORCH: "nn.Embedding, DataLoader over pairs made in advance, SGD",
    "tensorflow-tutorial": "the model of TensorFlow's word2vec tutorial: pairs made before, tf.data, model.fit, Adam",
}


@dataclass(frozen=True)
class Objective:
    """A model with its loss.

    Attributes:
        name: what a reader calls it.
        model: "skipgram" or "cbow".
        loss: see `tf_emb.word2vec.Options`.
        speedup: the bar of our words per second over the first peer's.
        peers: all that can train it; the bars are beside the first.
        max_vocab: size of the vocabulary, the most frequent words; None for all.
        overrides: arguments of `Task` that differ for a contender.
    """

    name: str
    model: str
    loss: str
    speedup: float
    peers: tuple[str, ...]
    max_vocab: int | None = None
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def likelihood(self) -> bool:
        """Whether it is judged by its likelihood on unseen text, instead of by its vectors."""
        return self.loss == "full-softmax"


OBJECTIVES = (
    Objective("skip-gram negative sampling", "skipgram", "negative-sampling", 4.0,
        (GENSIM, "gensim-iterator", PROGRAM, TORCH, "tensorflow-tutorial")),
    Objective("CBOW negative sampling", "cbow", "negative-sampling", 1.5, (GENSIM, "gensim-iterator", PROGRAM, TORCH)),
    Objective("skip-gram hierarchical softmax", "skipgram", "hierarchical-softmax", 3.0,
        (GENSIM, "gensim-iterator", PROGRAM)),
    Objective("skip-gram full softmax", "skipgram", "full-softmax", 3.0, (TORCH, SAMPLED), max_vocab=10_000,
        overrides={SAMPLED: {"contender": OURS, "loss": "negative-sampling"}}),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings(Shared):
    """What a run is asked to do.

    Attributes:
        corpus: a text, see `compare.bench.word2vec.text.sentences`; None for gensim's 300 news documents.
        words: length of the text, its first words; None for all.
        slow_words: what the slow contenders train on; None for all.
        softmax_words: what the full softmax trains on, less the last 1 %, held out; None for all.
        quick: whether the sizes are those of a test.
    """

    corpus: str | None = None
    words: int | None = None
    slow_words: int | None = 200_000
    softmax_words: int | None = 2_000_000
    quick: bool = False


QUICK = {"words": 20_000, "slow_words": 2_000, "softmax_words": 10_000, "dim": 10, "quick": True}


def settings(given: dict[str, Any], threads: int, quick: bool) -> Settings:
    """Return the settings of a run; `given` has None for every default.

    Raises:
        ValueError: the program is no file.
    """
    named: dict[str, Any] = {
        name: str(value) if isinstance(value, Path) else value for name, value in given.items() if value is not None
    }
    program = named.get("program")
    if program and not Path(program).is_file():
        raise ValueError(f"`--word2vec-c` must be the file of the program; got {program}. Compile it first.")
    sizes: dict[str, Any] = QUICK if quick else {}
    return Settings(**{**sizes, **named, "threads": threads})


@dataclass(frozen=True)
class Training:
    """One training of a plan; `epochs` names its group, in which a slow contender may train for one epoch only."""

    objective: Objective
    epochs: int
    seed: int
    contender: str

    @property
    def key(self) -> str:
        """What distinguishes it from the others, in a file too."""
        return f"{self.objective.name}, {self.epochs} ep., seed {self.seed}: {self.contender}"


def trainings(
    objectives: Sequence[Objective], of: Settings, asked: Collection[str], epochs: Sequence[int], seeds: Sequence[int]
) -> dict[str, Training]:
    """Return every training by its key: contenders take turns, starting from another one at each seed.

    `asked` names peers beside those that the bars need; none for all.
    """
    found = [
        Training(objective, passes, seed, name)
        for objective, passes in product(objectives, epochs)
        for number, seed in enumerate(seeds)
        for name in rotated([OURS, *peers(objective, of, asked)], number)
    ]
    return {training.key: training for training in found}


def peers(objective: Objective, of: Settings, asked: Collection[str]) -> list[str]:
    """Return who trains beside us: word2vec.c only if its file is given."""
    needed = {objective.peers[0], SAMPLED, *(asked or objective.peers)}
    return [name for name in objective.peers if name in needed and (name != PROGRAM or of.program)]


class Texts:
    """The texts of a run, each written once into a folder when it is first needed."""

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
            raise ValueError(f"`--corpus` must contain words; got {settings.corpus}. Use another text.")
        return written

    @cached_property
    def softmax(self) -> tuple[Text, Text]:
        """The text of the full softmax, and the text held out from it."""
        head = text.write(text.read(self.whole.path), self._folder / "head.txt", self._settings.softmax_words)
        return text.split(head, HELD_OUT, self._folder)

    def of(self, objective: Objective) -> Text:
        """Return what the contenders of an objective train on."""
        return self.softmax[0] if objective.likelihood else self.whole


def task(training: Training, texts: Texts, of: Settings, vectors: Path) -> Task:
    """Return what a contender is asked to do in one training."""
    objective, name = training.objective, training.contender
    slow = name in SLOW
    given = {"contender": name, "loss": objective.loss} | objective.overrides.get(name, {})
    given |= {shared.name: getattr(of, shared.name) for shared in fields(Shared)}
    return Task(
        **given,
        text=str(texts.of(objective).path),
        model=objective.model,
        max_vocab=objective.max_vocab,
        epochs=1 if slow and objective.likelihood else training.epochs,  # it is timed there, not scored
        seed=training.seed,
        words=of.slow_words if slow else None,
        vectors=str(vectors),
    )
