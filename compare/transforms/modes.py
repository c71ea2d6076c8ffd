"""The layers and modes that go through every transformation, and the numbers that they are given.

All numbers are short binary fractions, most sums and products of which float32 holds exactly: an order of summation
changes no bit, and where a cell of the table is not exact there is a division, a root or an optimizer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

VOCAB, DIM, PADDING, UNKNOWN, DEFAULT = 8, 4, 0, 6, 1
TRAINED = (1, 3, 4, 6)

# Each column holds eight numbers that differ, none of them 0: no tie in a maximum, no sign of 0.
TABLE = np.stack([np.random.default_rng(d).permutation([-13, -7, -4, -1, 2, 5, 9, 14]) for d in range(DIM)], 1) / 8

# Two calls; ids recur within and across them. With padding, the last bag is empty.
IDS = np.array(
    [[[1, 2, 1, 3], [4, 0, 5, 0], [0, 0, 0, 0]], [[2, 1, 6, 1], [0, 0, 5, 7], [0, 0, 0, 0]]], np.int32
)  # fmt: skip
OUTSIDE = np.array(
    [[[1, 2, 1, 3], [4, -1, 5, 9], [0, 0, 0, 0]], [[2, 8, 6, 1], [-2, 0, 5, 7], [6, 0, 0, 0]]], np.int32
)  # fmt: skip
WEIGHTS = np.array([[[4, 8, 2, 2], [8, 16, 4, 4], [8, 8, 8, 8]], [[2, 8, 4, 2], [4, 4, 16, 8], [8, 8, 8, 8]]]) / 8
FLAT = np.array([[1, 2, 1, 4, 0, 5, 1, 2], [3, 1, 3, 0, 0, 6, 7, 6]], np.int32)
FLAT_WEIGHTS = np.array([[4, 8, 2, 2, 8, 16, 4, 4], [2, 8, 4, 2, 4, 4, 16, 8]]) / 8
TARGETS = np.array([[2, 1, 2], [0, 3, 2]], np.int32)
NOISE = np.array([[1, 4], [2, 5], [2, 7]], np.int32)  # the last example draws its own target
OFFSETS = np.array([[0, 3, 3, 5], [0, 2, 4, 4]], np.int32)


@dataclass(frozen=True)
class Mode:
    """One column of the table.

    Attributes:
        name: the heading.
        layer: the name of its class.
        options: what the class is given beyond its sizes and the table.
        form: "dense", "offsets" or "ragged": how ids are given.
        weighted: whether bags are given per_sample_weights.
        outside: whether some ids name no row.
        head: which output layer's loss it is; "" for lookups.
        keras: whether the layer is Keras' own, which stands beside ours.
    """

    name: str
    layer: str
    options: Mapping[str, Any] = field(default_factory=dict)
    form: str = "dense"
    weighted: bool = False
    outside: bool = False
    keras: bool = False
    head: str = ""

    @property
    def bag(self) -> bool:
        """Whether rows are combined."""
        return self.layer == "EmbeddingBag"

    @property
    def trained(self) -> np.ndarray:
        """The rows that the trained variable holds."""
        return np.array(self.options.get("trainable_rows", range(VOCAB)))

    @property
    def said(self) -> str:
        """How a program writes it."""
        if self.head:
            return f"{self.layer}(...).loss(hidden, targets)"
        forms = {"dense": "ids", "offsets": "(ids, offsets)", "ragged": "ragged ids"}
        given = forms[self.form] + (", weights" if self.weighted else "")
        words = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{'keras.layers.' * self.keras}{self.layer}({words})({given})"


def _bag(name: str, combiner: str, form: str = "dense", weighted: bool = False, **options: Any) -> Mode:
    return Mode(name, "EmbeddingBag", {"combiner": combiner, **options}, form, weighted)


MODES = (
    Mode("plain", "Embedding"),
    Mode("pad", "Embedding", {"padding_idx": PADDING}),
    Mode("norm", "Embedding", {"max_norm": 1.5}),
    Mode("freq", "Embedding", {"scale_grad_by_freq": True}),
    Mode("rows", "Embedding", {"trainable_rows": TRAINED}),
    Mode("zero", "Embedding", {"out_of_range": "zero"}, outside=True),
    Mode("unk", "Embedding", {"out_of_range": UNKNOWN}, outside=True),
    Mode("dense", "Embedding", {"sparse": False}),
    Mode("all", "Embedding", {"padding_idx": PADDING, "max_norm": 1.5, "scale_grad_by_freq": True,
         "trainable_rows": TRAINED, "out_of_range": "zero"}, outside=True),
    _bag("sum", "sum"),
    _bag("sum-w", "sum", weighted=True),
    _bag("mean", "mean"),
    _bag("mean-w", "mean", weighted=True),
    _bag("sqrtn", "sqrtn"),
    _bag("sqrtn-w", "sqrtn", weighted=True),
    _bag("max", "max"),
    _bag("b-pad", "mean", padding_idx=PADDING),
    _bag("deflt", "mean", padding_idx=PADDING, default_id=DEFAULT),
    _bag("offs", "sum", "offsets"),
    _bag("offs-w", "mean", "offsets", weighted=True),
    _bag("ragg", "mean", "ragged"),
    _bag("b-all", "sqrtn", weighted=True, padding_idx=PADDING, max_norm=1.5, scale_grad_by_freq=True),
    Mode("1hot", "OneHotDense"),
    Mode("soft", "FullSoftmax", form="scored", head="soft"),
    Mode("neg", "NegativeSampling", form="scored", head="neg"),
    Mode("tree", "HierarchicalSoftmax", form="scored", head="tree"),
    Mode("keras", "Embedding", keras=True),
)  # fmt: skip
BY_NAME = {mode.name: mode for mode in MODES}


@dataclass(frozen=True)
class Call:
    """What one call of a layer is given.

    Attributes:
        ids: integers, shape (batch, time), or flat.
        offsets: where bags start; None for a batch.
        weights: the shape of the ids; None for none.
        hidden: with `ids` as the targets, what an output layer is given; None for lookups.
    """

    ids: np.ndarray
    offsets: np.ndarray | None = None
    weights: np.ndarray | None = None
    hidden: np.ndarray | None = None

    @property
    def parts(self) -> list[np.ndarray]:
        """The arrays, those that there are."""
        if self.hidden is not None:
            return [self.hidden.astype(np.float32), self.ids]
        weights = None if self.weights is None else self.weights.astype(np.float32)
        return [part for part in (self.ids, self.offsets, weights) if part is not None]


def calls(mode: Mode) -> list[Call]:
    """Return the two calls of a mode."""
    if mode.head:
        size = VOCAB if mode.head == "soft" else DIM
        hidden = np.random.default_rng(5).integers(-6, 7, (2, 3, size)) / 8
        return [Call(TARGETS[n], hidden=hidden[n]) for n in range(2)]
    if mode.form == "dense":
        ids = OUTSIDE if mode.outside else IDS
        return [Call(ids[n], None, WEIGHTS[n] if mode.weighted else None) for n in range(2)]
    return [Call(FLAT[n], OFFSETS[n], FLAT_WEIGHTS[n] if mode.weighted else None) for n in range(2)]


def upstream(mode: Mode, call: int) -> np.ndarray:
    """Return dE/dout of a call: small integers, none of them 0."""
    bags = len(OFFSETS[0]) if mode.form in ("offsets", "ragged") else len(IDS[0])
    shape = (bags, DIM) if mode.bag else (bags,) if mode.head else (*IDS[0].shape, DIM)
    draws = np.random.default_rng(10 + call)
    return draws.integers(1, 5, shape) * draws.choice([-1.0, 1.0], shape)
