"""The options of a word2vec training, and their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from numbers import Integral, Real
from typing import Any, Literal

Architecture = Literal["skipgram", "cbow"]
Loss = Literal["negative-sampling", "hierarchical-softmax", "full-softmax"]
CbowGradient = Literal["exact", "word2vec.c"]
Window = Literal["shrinking", "fixed"]

# The best of a few single runs over 17 million words of Wikipedia, at the default block sizes.
RATES = {"skipgram": 0.03, "cbow": 0.15}
# block, blocks and shared_noise. Larger blocks read the text around them less often, and fewer noise words cost less;
# steps of more centres learn from staler tables.
SIZES = {"skipgram": (24, 32, 32), "cbow": (32, 32, 16)}
# A step of the full softmax moves every row of the output table, without a limit: with 32 blocks it diverged on 2
# million words. Fewer blocks cost nothing, since each centre is multiplied by the whole table.
SOFTMAX_BLOCKS = 4
CHOICES = {
    "model": ("skipgram", "cbow"),
    "loss": ("negative-sampling", "hierarchical-softmax", "full-softmax"),
    "window_kind": ("shrinking", "fixed"),
    "cbow_gradient": ("exact", "word2vec.c"),
    "forward_only": (False, True),
}
COUNTS = ("dim", "window", "negatives", "min_count", "max_vocab", "epochs", "threads")
SEEDS = 2**31  # TensorFlow takes them as int32


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a training, checked; `tf_emb.Word2Vec` says what each means.

    `rate` may stay None, see `start_rate`; `block`, `blocks` and `shared_noise` become the sizes that 0 stands for.

    Raises:
        ValueError: a value breaks its rule.
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
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                said = ", ".join(map(repr, choices))
                raise ValueError(f"`{name}` must be one of {said}; got {getattr(self, name)!r}. Choose one.")
        for name in COUNTS:
            self._check(name, "an integer of 1 or more", Integral, lambda value: value >= 1)
        block, blocks, noise = SIZES[self.model]
        blocks = SOFTMAX_BLOCKS if self.loss == "full-softmax" else blocks
        for name, size in (("block", block), ("blocks", blocks), ("shared_noise", noise)):
            self._check(name, "an integer of 1 or more, or 0 for the default", Integral, lambda value: value >= 0)
            object.__setattr__(self, name, getattr(self, name) or size)
        self._check("seed", f"an integer from 0 to {SEEDS - 1}", Integral, lambda value: 0 <= value < SEEDS)
        for name in ("sample", "floor"):
            self._check(name, "a number of 0 or more", Real, lambda value: value >= 0)
        for name in ("limit", "rate"):
            self._check(name, "a number above 0", Real, lambda value: value > 0)
        self._check("ns_exponent", "a finite number", Real, isfinite)

    def _check(self, name: str, rule: str, kind: type, holds: Any) -> None:
        """Refuse a value that breaks its rule; None passes where it is the default. NumPy's numbers become Python's."""
        value = getattr(self, name)
        if value is None and DEFAULTS[name] is None:
            return
        if isinstance(value, bool) or not isinstance(value, kind) or not holds(value):
            raise ValueError(f"`{name}` must be {rule}; got {value!r}. The default is {DEFAULTS[name]!r}.")
        object.__setattr__(self, name, value.item() if hasattr(value, "item") else value)

    @property
    def start_rate(self) -> float:
        """The learning rate at the start."""
        return RATES[self.model] if self.rate is None else self.rate

    def as_dict(self) -> dict[str, Any]:
        """Return every option by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Options)}


def chosen(options: Options | None, given: Mapping[str, Any]) -> Options:
    """Return `options`, or else those made of all the values `given`.

    Raises:
        ValueError: there are `options`, and a value other than its default beside them; or a value breaks its rule.
    """
    if options is None:
        return Options(**given)
    beside = [name for name, value in given.items() if value != DEFAULTS[name]]
    if beside:
        raise ValueError(f"`options` must be given alone; got {', '.join(beside)} beside them. Use one of the two.")
    return options
