"""What a word2vec training is asked to do."""

from dataclasses import dataclass, fields
from typing import Any, Literal

Architecture = Literal["skipgram", "cbow"]
Loss = Literal["negative-sampling", "hierarchical-softmax", "full-softmax"]
CbowGradient = Literal["exact", "word2vec.c"]
Window = Literal["shrinking", "fixed"]

# The best of a few single runs over 17 million words of Wikipedia, at the default block sizes.
RATES = {"skipgram": 0.03, "cbow": 0.15}
# block, blocks and shared_noise. Larger blocks repeat less text around them, and fewer noise words cost less; steps of
# more centres learn from staler tables.
SIZES = {"skipgram": (24, 32, 32), "cbow": (32, 32, 16)}
# Every row of the output table moves in a step of the full softmax, and none is limited: with 32 blocks it diverged on
# 2 million words. Fewer blocks cost nothing, since a centre's product is with the whole table.
SOFTMAX_BLOCKS = 4


@dataclass(frozen=True, kw_only=True)
class Options:
    """Hyper-parameters, with the defaults of word2vec.c and gensim where they agree.

    Attributes:
        model: "skipgram" predicts every context word from the centre; "cbow" the centre from the mean of its context.
        loss: "negative-sampling", "hierarchical-softmax" or "full-softmax".
        dim: size of a vector.
        window: largest radius, in kept words.
        window_kind: "shrinking" draws each centre's radius from 1..window; "fixed" takes `window` always.
        forward_only: contexts stand right of their centre only.
        negatives: noise words a pair.
        ns_exponent: noise words are drawn by count^ns_exponent.
        sample: subsampling threshold, a relative frequency; 0 keeps every word.
        min_count: words seen less often are left out.
        max_vocab: only so many of the most frequent words.
        cbow_gradient: "exact" divides a centre's error among its context words, as the derivative of a mean does;
            "word2vec.c" gives each of them all of it (word2vec.c l. 492).
        epochs: passes over the corpus.
        rate: learning rate at the start; None for 0.03 (skipgram) and 0.15 (cbow).
        floor: share of `rate` below which it does not fall.
        threads: compiled loops that run at once, on the same tables without locks; 1 is deterministic.
        seed: of every draw.
        block: consecutive centres that share their noise words; 0 for 24 (skipgram) and 32 (cbow).
        blocks: blocks a step, each from another part of the text; 0 for 32, with the full softmax for 4.
        shared_noise: noise words a block, each weighted negatives / shared_noise for every pair; 0 for 32 (skipgram)
            and 16 (cbow).
        limit: a row moves by at most so many times the mean of its gradients in a step.
    """

    model: Architecture = "skipgram"
    loss: Loss = "negative-sampling"
    dim: int = 100
    window: int = 5
    window_kind: Window = "shrinking"
    forward_only: bool = False
    negatives: int = 5
    ns_exponent: float = 0.75
    sample: float = 1e-3
    min_count: int = 5
    max_vocab: int | None = None
    cbow_gradient: CbowGradient = "exact"
    epochs: int = 5
    rate: float | None = None
    floor: float = 1e-4
    threads: int = 1
    seed: int = 0
    block: int = 0
    blocks: int = 0
    shared_noise: int = 0
    limit: float = 6.0

    def __post_init__(self) -> None:
        _choice("model", self.model, ("skipgram", "cbow"))
        _choice("loss", self.loss, ("negative-sampling", "hierarchical-softmax", "full-softmax"))
        _choice("window_kind", self.window_kind, ("shrinking", "fixed"))
        _choice("cbow_gradient", self.cbow_gradient, ("exact", "word2vec.c"))
        block, blocks, noise = SIZES[self.model]
        blocks = SOFTMAX_BLOCKS if self.loss == "full-softmax" else blocks
        for name, size in (("block", block), ("blocks", blocks), ("shared_noise", noise)):
            if getattr(self, name) == 0:
                object.__setattr__(self, name, size)
        for name in ("dim", "window", "negatives", "min_count", "epochs", "threads", "block", "blocks", "shared_noise"):
            _least(name, getattr(self, name), 1)
        _least("sample", self.sample, 0)
        _least("floor", self.floor, 0)
        for name, value in (("limit", self.limit), ("rate", self.start_rate)):
            if not value > 0:
                raise ValueError(f"`{name}` must be above 0; got {value}. The default is a good start.")

    @property
    def start_rate(self) -> float:
        """The learning rate at the start."""
        return RATES[self.model] if self.rate is None else self.rate

    def as_dict(self) -> dict[str, Any]:
        """Return every option by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        said = ", ".join(map(repr, choices))
        raise ValueError(f"`{name}` must be one of {said}; got {value!r}. Choose one.")


def _least(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not value >= least:
        raise ValueError(
            f"`{name}` must be {least} or more; got {value!r}. See tf_emb.word2vec.Options for the default."
        )
