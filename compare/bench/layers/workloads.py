"""What the contenders are asked to do: one training step of an embedding, or one lookup, on the same table and ids.

A step is the forward pass, the backward pass from a fixed upstream gradient, and the optimizer's update. Ids are drawn
by Zipf's law: the probability of an id is proportional to 1 / rank, and ids are ranks, as in a vocabulary sorted by
frequency.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

OURS = "tf_emb"
RATE = 0.01
SEEN = 1000  # rows whose movement tells whether the contenders did the same thing

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
    ("Embedding", "int8"): {
        "tf_emb": "layers.Embedding, quantize('int8')",
        "keras": "layers.Embedding, quantize('int8')",
        "torch": "ao.nn.quantized.Embedding",
    },
    ("Embedding", "int4"): {
        "tf_emb": "layers.Embedding, quantize('int4') by rows",
        "keras": "layers.Embedding, quantize('int4') by rows, which unpacks all rows",
        "torch": "ao.nn.quantized.Embedding(dtype=quint4x2)",
    },
    ("EmbeddingBag", "int8"): {
        "tf_emb": "layers.EmbeddingBag(combiner='mean'), quantize('int8')",
        "keras": "layers.Embedding, quantize('int8'), GlobalAveragePooling1D",
        "torch": "ao.nn.quantized.EmbeddingBag(mode='sum'), divided",
    },
    ("Embedding", "exported"): {
        "tf_emb": "layers.Embedding, from a SavedModel",
        "keras": "layers.Embedding, from a SavedModel",
        "torch": "nn.Embedding",
    },
}
LOOKUPS = ("int8", "int4", "exported")


@dataclass(frozen=True)
class Workload:
    """What the contenders of one row are asked to do.

    Attributes:
        layer: "Embedding" or "EmbeddingBag".
        task: the optimizer of a training step, "SGD", "Adagrad" or "Adam"; or what is looked up in, one of LOOKUPS.
        vocab: rows of the table.
        dim: columns of the table.
        batch: examples per step.
        time: ids per example.
        batches: different batches; a turn is one step on each.
        seed: the seed of every random draw.
    """

    layer: str
    task: str
    vocab: int
    dim: int
    batch: int = 8192
    time: int = 20
    batches: int = 2
    seed: int = 0

    @property
    def name(self) -> str:
        """What a reader calls it."""
        vocab = next(
            (f"{self.vocab // of}{suffix}" for of, suffix in ((10**6, "M"), (10**3, "k")) if self.vocab % of == 0),
            str(self.vocab),
        )
        return f"{self.layer} {self.task} {vocab} x {self.dim}"

    @property
    def contenders(self) -> dict[str, str]:
        """The name of each contender, and what exactly it runs."""
        return CONTENDERS[self.layer, self.task]


def workloads(quick: bool, seed: int) -> list[Workload]:
    """Return the rows of a run; `quick` ones only test the machinery."""
    if quick:
        pairs = (("Embedding", "SGD"), ("EmbeddingBag", "SGD"), ("Embedding", "int8"), ("Embedding", "exported"))
        return [Workload(layer, name, 1000, 8, batch=64, time=5, batches=2, seed=seed) for layer, name in pairs]
    sizes = [(vocab, dim) for vocab in (10_000, 1_000_000) for dim in (64, 128)]
    plain = [Workload(layer, "SGD", *size, seed=seed) for layer in ("Embedding", "EmbeddingBag") for size in sizes]
    lazy = [Workload("Embedding", name, v, 64, seed=seed) for name in ("Adagrad", "Adam") for v in (10_000, 10**6)]
    return [*plain, *lazy, *(Workload(*pair, 10**6, 64, seed=seed) for pair in CONTENDERS if pair[1] in LOOKUPS)]


@dataclass(frozen=True)
class Draws:
    """The inputs of a workload: `ids` (batches, batch, time), `upstream` like the output, `table` (vocab, dim)."""

    ids: np.ndarray
    upstream: np.ndarray
    table: np.ndarray


def draw(of: Workload) -> Draws:
    """Return the inputs of a workload, the same in every process."""
    random = np.random.default_rng(of.seed)
    ids = zipf(random, of.vocab, (of.batches, of.batch, of.time))
    places = (of.batch,) if of.layer == "EmbeddingBag" else (of.batch, of.time)
    upstream = random.standard_normal((*places, of.dim), dtype=np.float32)
    return Draws(ids, upstream, random.random((of.vocab, of.dim), dtype=np.float32))


def zipf(random: np.random.Generator, vocab: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return int64 ids in 0..vocab-1, id i with probability proportional to 1 / (i + 1)."""
    cumulative = np.cumsum(1 / np.arange(1, vocab + 1))
    return np.searchsorted(cumulative, random.random(shape) * cumulative[-1], side="right").clip(max=vocab - 1)


@dataclass(frozen=True)
class Trainer:
    """A contender, ready to train: `step(i)` trains on batch i, `read()` returns the first `SEEN` rows of its table."""

    step: Callable[[int], Any]
    read: Callable[[], np.ndarray]
    version: str
