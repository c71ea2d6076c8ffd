"""The rows of the comparison: a model with its loss, who trains it, and how much faster ours must be."""

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
