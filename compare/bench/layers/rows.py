"""The subject "layers": one training step of an embedding, ours beside its peers.

A step is forward, backward from a fixed upstream gradient, and the optimizer's update. Every contender of a row starts
from the same table and sees the same batches of ids, drawn by Zipf's law: the id of rank r has a share of 1 / r, and
ids are ranks, as in a vocabulary that is sorted by frequency.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

OURS = "tf_emb"
SAMPLE = "Embedding SGD 1M x 64"
RATE = 0.01
SEEN = 1000  # rows whose movement says whether the contenders did the same thing

CONTENDERS: dict[tuple[str, str], dict[str, str]] = {
    ("Embedding", "SGD"): {
        "tf_emb": "layers.Embedding, LazySGD",
        "tf_emb, keras SGD": "layers.Embedding, keras SGD",
        "keras": "layers.Embedding, keras SGD",
        "torch": "nn.Embedding(sparse=True), optim.SGD",
    },
    ("EmbeddingBag", "SGD"): {
        "tf_emb": "layers.EmbeddingBag(combiner='mean'), LazySGD",
        "tf_emb, keras SGD": "layers.EmbeddingBag(combiner='mean'), keras SGD",
        "keras": "layers.Embedding, GlobalAveragePooling1D, keras SGD",
        "torch": "nn.EmbeddingBag(mode='mean', sparse=True), optim.SGD",
    },
    ("Embedding", "Adagrad"): {
        "tf_emb": "layers.Embedding, LazyAdagrad",
        "keras": "layers.Embedding, keras Adagrad, which updates all rows",
        "torch": "nn.Embedding(sparse=True), optim.Adagrad",
    },
    ("Embedding", "Adam"): {
        "tf_emb": "layers.Embedding, LazyAdam",
        "keras": "layers.Embedding, keras Adam, which updates all rows",
        "torch": "nn.Embedding(sparse=True), optim.SparseAdam",
    },
}


@dataclass(frozen=True)
class Row:
    """What the contenders of one row are asked to do.

    Attributes:
        layer: "Embedding" or "EmbeddingBag".
        optimizer: "SGD", "Adagrad" or "Adam".
        vocab: rows of the table.
        dim: columns of the table.
        batch: examples a step.
        time: ids an example.
        batches: different batches; a turn is one step on each.
        seed: of every draw.
    """

    layer: str
    optimizer: str
    vocab: int
    dim: int
    batch: int = 8192
    time: int = 20
    batches: int = 2
    seed: int = 0

    @property
    def name(self) -> str:
        """What a reader calls it."""
        vocab = next((f"{self.vocab // of}{suffix}" for of, suffix in ((10**6, "M"), (10**3, "k"))
                      if self.vocab % of == 0), str(self.vocab))  # fmt: skip
        return f"{self.layer} {self.optimizer} {vocab} x {self.dim}"

    @property
    def contenders(self) -> dict[str, str]:
        """The name of each contender, and what exactly it runs."""
        return CONTENDERS[self.layer, self.optimizer]

    def as_dict(self) -> dict[str, Any]:
        """Return the arguments that make this row."""
        return asdict(self)


def rows(quick: bool, seed: int) -> list[Row]:
    """Return the rows of a run; `quick` ones are for tests of the machinery, their numbers mean nothing."""
    if quick:
        pairs = (("Embedding", "SGD"), ("EmbeddingBag", "SGD"))
        return [Row(layer, name, 1000, 8, batch=64, time=5, batches=2, seed=seed) for layer, name in pairs]
    sizes = [(vocab, dim) for vocab in (10_000, 1_000_000) for dim in (64, 128)]
    plain = [Row(layer, "SGD", *size, seed=seed) for layer in ("Embedding", "EmbeddingBag") for size in sizes]
    return plain + [Row("Embedding", name, v, 64, seed=seed) for name in ("Adagrad", "Adam") for v in (10_000, 10**6)]


@dataclass(frozen=True)
class Draws:
    """The inputs of a row: `ids` (batches, batch, time), `upstream` of the output's shape, `table` (vocab, dim)."""

    ids: np.ndarray
    upstream: np.ndarray
    table: np.ndarray


def draw(row: Row) -> Draws:
    """Return the inputs of a row, the same in every process."""
    random = np.random.default_rng(row.seed)
    ids = zipf(random, row.vocab, (row.batches, row.batch, row.time))
    places = (row.batch,) if row.layer == "EmbeddingBag" else (row.batch, row.time)
    upstream = random.standard_normal((*places, row.dim), dtype=np.float32)
    return Draws(ids, upstream, random.random((row.vocab, row.dim), dtype=np.float32))


def zipf(random: np.random.Generator, vocab: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return int64 ids in 0..vocab-1, id i with a probability in proportion to 1 / (i + 1)."""
    cumulative = np.cumsum(1 / np.arange(1, vocab + 1))
    return np.searchsorted(cumulative, random.random(shape) * cumulative[-1], side="right").clip(max=vocab - 1)


@dataclass(frozen=True)
class Trainer:
    """A contender at work: `step(i)` trains on batch i, `read()` returns the first `SEEN` rows of its table."""

    step: Callable[[int], Any]
    read: Callable[[], np.ndarray]
    version: str
