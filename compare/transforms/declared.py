"""The cells that do not come out right, and why: refusals with a reason, and limits of the frameworks.

Every other cell must be right. A declared cell must come out as declared: one that has become right fails too, so that
the table never says less than is true.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from compare.transforms.modes import BY_NAME
from compare.transforms.verdict import LIMIT, NONE, REFUSED, RIGHT, WRONG, Outcome


@dataclass(frozen=True)
class Declared:
    """Cells that are refused or lie beyond a framework.

    Attributes:
        backend: Keras' name for it.
        ways: the transformations.
        modes: the modes; none for all of ours.
        mark: REFUSED or LIMIT.
        says: a pattern that the error, or the wrong number, must match.
        why: what the table says, with the framework's own failure where it is a limit.
    """

    backend: str
    ways: tuple[str, ...]
    modes: tuple[str, ...]
    mark: str
    says: str
    why: str


DECLARED: tuple[Declared, ...] = (
    Declared(
        "torch",
        ("functional_call",),
        ("1hot", "soft", "neg", "tree"),
        LIMIT,
        "is 0, not",
        "Keras' layers read their own variables, not the parameters that `functional_call` exchanges: the gradient of "
        "`keras.layers.Embedding` is 0 too. `Embedding` and `EmbeddingBag` look for them; for others there is "
        "`stateless_call`.",
    ),
    Declared(
        "torch",
        ("SavedModel",),
        (),
        LIMIT,
        "ModuleNotFoundError|torch_xla|dynamic_shapes|'list' object has no attribute 'shape'",
        "Keras 3.15 cannot write a SavedModel from PyTorch, of any model, without torch_xla; "
        "`model.export(format='torch')` needs nothing more.",
    ),
    Declared(
        "tensorflow",
        ("LiteRT",),
        ("offs", "offs-w"),
        LIMIT,
        "Select TensorFlow op",
        "LiteRT has no `tf.searchsorted`, by which offsets become bags: such a file needs the Flex delegate, which "
        "TensorFlow's interpreter on Linux does not link. Dense batches need nothing more.",
    ),
    Declared(
        "tensorflow",
        ("unknown rank",),
        ("1hot",),
        LIMIT,
        "rank",
        "`keras.ops.shape` and `reshape`, and with them `keras.layers.Dense`, want a rank that is known.",
    ),
)


def declared(backend: str, way: str, mode: str) -> Declared | None:
    """Return what is declared of a cell."""
    for one in DECLARED:
        if one.backend == backend and way in one.ways and (mode in one.modes or not one.modes):
            return None if BY_NAME[mode].keras else one
    return None


def settled(backend: str, way: str, mode: str, found: Outcome) -> tuple[Outcome, str]:
    """Return the outcome as the table shows it, and what is wrong with it; "" if nothing is.

    Keras' own layer stands in the table for comparison: whatever it does is no fault of ours.
    """
    one, cell = declared(backend, way, mode), f"{backend}, {way}, {mode}"
    if BY_NAME[mode].keras:
        return found, ""
    if one is None:
        right = found.mark in (*RIGHT, NONE)
        return found, "" if right else f"{cell}: {found.mark} {found.why}"
    if found.mark == NONE and not one.modes:
        return found, ""
    raw = WRONG if one.mark == LIMIT else REFUSED
    if found.mark == raw and re.search(one.says, found.why):
        return Outcome(one.mark, one.why), ""
    return found, f"{cell}: declared {one.mark} ({one.why}), came out {found.mark} {found.why}"


def differences(shown: dict[tuple[str, str], str], found: Iterable[tuple[tuple[str, str], str]]) -> list[str]:
    """Return the cells whose kind is not what the page shows: right, refused, limit or none, which has no row."""
    kinds = dict.fromkeys(RIGHT, "right")
    return [
        f"{way}, {mode}: the page shows {shown.get((way, mode), NONE)}, the run {mark}"
        for (way, mode), mark in found
        if kinds.get(there := shown.get((way, mode), NONE), there) != kinds.get(mark, mark)
    ]
