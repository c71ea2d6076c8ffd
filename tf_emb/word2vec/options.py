"""The options of a word2vec training, and their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np

from tf_emb.corpus.checks import MOST, MOST_THREADS, SEEDS, shown

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
# What nobody means, and what no arrays or threads could be made for, is refused.
MOST_OF = {"dim": 1 << 20, "window": 1 << 16, "negatives": 1 << 16, "min_count": 2**63 - 1, "max_vocab": MOST,
           "epochs": 1_000_000, "threads": MOST_THREADS}  # fmt: skip
MOST_SIZE = 1 << 16  # of `block`, `blocks` and `shared_noise`


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
            given = getattr(self, name)
            right = [choice for choice in choices if isinstance(given, str | bool | np.bool_) and given == choice]
            if not right:
                said = ", ".join(map(repr, choices))
                raise ValueError(f"`{name}` must be one of {said}; got {shown(given)}. Choose one.")
            object.__setattr__(self, name, right[0])
        for name, most in MOST_OF.items():
            self._check(name, "an integer of 1 or more", Integral, lambda value: value >= 1)
            self._check(name, f"an integer up to {most:,}", Integral, lambda value, most=most: value <= most)
        block, blocks, noise = SIZES[self.model]
        blocks = SOFTMAX_BLOCKS if self.loss == "full-softmax" else blocks
        for name, size in (("block", block), ("blocks", blocks), ("shared_noise", noise)):
            self._check(name, "an integer of 1 or more, or 0 for the default", Integral, lambda value: value >= 0)
            self._check(name, f"an integer up to {MOST_SIZE:,}", Integral, lambda value: value <= MOST_SIZE)
            object.__setattr__(self, name, getattr(self, name) or size)
        self._check("seed", f"an integer from 0 to {SEEDS - 1}", Integral, lambda value: 0 <= value < SEEDS)
        self._check("sample", "a number of 0 or more", Real, lambda value: value >= 0)
        self._check("sample", "a finite number", Real, isfinite)
        self._check("floor", "a number from 0 to 1", Real, lambda value: 0 <= value <= 1)
        for name in ("limit", "rate"):
            self._check(name, "a number above 0", Real, lambda value: value > 0)
            self._check(name, "a number that float32 tells from 0", Real, lambda value: _in_float32(value) > 0)
        self._check("rate", "a number that float32 can hold", Real, lambda value: isfinite(_in_float32(value)))
        self._check("ns_exponent", "a number from -100 to 100", Real, lambda value: -100 <= value <= 100)

    def _check(self, name: str, rule: str, kind: type, holds: Any) -> None:
        """Refuse a value that breaks its rule; None passes where it is the default. NumPy's numbers become Python's."""
        value = getattr(self, name)
        if value is None and DEFAULTS[name] is None:
            return
        number = _python(value, kind) if isinstance(value, kind) and not isinstance(value, bool) else None
        if number is None or not holds(number):
            raise ValueError(f"`{name}` must be {rule}; got {shown(value)}. The default is {DEFAULTS[name]!r}.")
        object.__setattr__(self, name, number)

    @property
    def start_rate(self) -> float:
        """The learning rate at the start."""
        return RATES[self.model] if self.rate is None else self.rate

    def as_dict(self) -> dict[str, Any]:
        """Return every option by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _python(value: Any, kind: type) -> int | float | None:
    """Return an integer or a real number as Python's int or float; None if it is too large for a float."""
    try:
        return int(value) if kind is Integral else float(value)
    except (OverflowError, ValueError):
        return None


def _in_float32(value: float) -> float:
    """Return the number that training calculates with: 0 for one too small for float32, and infinity likewise."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.float32(min(max(value, -1e300), 1e300)))


def _same(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, int | float | str) and bool(value == default))


DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Options)}


def chosen(options: Options | None, given: Mapping[str, Any]) -> Options:
    """Return `options`, or else those made of all the values `given`.

    Raises:
        ValueError: there are `options`, and a value other than its default beside them; or a value breaks its rule.
    """
    if options is None:
        return Options(**given)
    if not isinstance(options, Options):
        raise ValueError(f"`options` must be Options; got {shown(options)}. Use Options(dim=...), or options by name.")
    beside = [name for name, value in given.items() if not _same(value, DEFAULTS[name])]
    if beside:
        raise ValueError(f"`options` must be given alone; got {', '.join(beside)} beside them. Use one of the two.")
    return options
