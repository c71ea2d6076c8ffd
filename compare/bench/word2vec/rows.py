"""The rows of the comparison: a model with its loss, who trains it, and the bars that ours is held to."""

from dataclasses import dataclass, field
from typing import Any

OURS, GENSIM, PROGRAM, TORCH = "tf_emb", "gensim", "word2vec.c", "torch"
SAMPLED = "tf_emb, negative sampling"  # beside our full softmax
SLOW = (TORCH, "tensorflow-tutorial")  # timed on the first words of the text only

WHAT = {
    OURS: "tf_emb.word2vec.Word2Vec",
    SAMPLED: "tf_emb.word2vec.Word2Vec(loss='negative-sampling')",
    GENSIM: "gensim.models.Word2Vec.train(corpus_file=...)",
    "gensim-iterator": "gensim.models.Word2Vec.train(LineSentence(...))",
    PROGRAM: "the program of --word2vec-c",
    TORCH: "nn.Embedding, DataLoader over pairs that are made before, SGD",
    "tensorflow-tutorial": "the model of TensorFlow's word2vec tutorial: pairs made before, tf.data, model.fit, Adam",
}


@dataclass(frozen=True)
class Row:
    """A model with its loss.

    Attributes:
        name: what a reader calls it.
        model: "skipgram" or "cbow".
        loss: see `tf_emb.word2vec.Options`.
        speedup: words a second, ours over the first peer's, are at least this.
        peers: all that can train it; the bars are those beside the first.
        max_vocab: only so many of the most frequent words.
        overrides: what a contender does otherwise.
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
        """Whether it is judged by its likelihood on text it has not seen, instead of by evaluations of the vectors."""
        return self.loss == "full-softmax"


ROWS = (
    Row("skip-gram negative sampling", "skipgram", "negative-sampling", 4.0,
        (GENSIM, "gensim-iterator", PROGRAM, TORCH, "tensorflow-tutorial")),
    Row("CBOW negative sampling", "cbow", "negative-sampling", 1.5, (GENSIM, "gensim-iterator", PROGRAM, TORCH)),
    Row("skip-gram hierarchical softmax", "skipgram", "hierarchical-softmax", 3.0,
        (GENSIM, "gensim-iterator", PROGRAM)),
    Row("skip-gram full softmax", "skipgram", "full-softmax", 3.0, (TORCH, SAMPLED), max_vocab=10_000,
        overrides={SAMPLED: {"contender": OURS, "loss": "negative-sampling"}}),
)  # fmt: skip


def named(part: str) -> list[Row]:
    """Return the rows whose name holds `part`, whatever its case; "-" stands for a blank too.

    Raises:
        ValueError: there is none.
    """
    found = [row for row in ROWS if _plain(part) in _plain(row.name)]
    if not found:
        names = ", ".join(repr(row.name) for row in ROWS)
        raise ValueError(f"`--row` must be part of the name of a row; got {part!r}. They are {names}.")
    return found


def _plain(name: str) -> str:
    return name.lower().replace("-", " ")
