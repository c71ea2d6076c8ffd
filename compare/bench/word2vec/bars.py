"""The bars: what ours has to reach beside the first peer of a row, and whether it did."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from compare.bench.word2vec.rows import OURS, ROWS, SAMPLED, Row
from compare.bench.word2vec.scores import HELD_OUT, WITH_PRIOR

# Analogies in points of a per cent, Spearman's correlations as they are.
MARGINS = {"analogies, 30k": 1.0, "analogies, all": 1.0, "WordSim-353": 0.01, "SimLex-999": 0.01}
SPEED = "words a second"
Training = dict[str, Any]
Read = Callable[[Training], float | None]
Sides = tuple[list[float], list[float]]


@dataclass(frozen=True)
class Bar:
    """One comparison of ours with a peer.

    Attributes:
        row: name of the row.
        epochs: of it.
        measure: a key of `MARGINS`, `SPEED` or `HELD_OUT`.
        peer: who is beside us.
        ours: one number a seed.
        theirs: one number a seed, the same seeds.
        value: how ours is beside theirs: a difference of means, for `SPEED` the ratio of medians.
        least: the same of the seed where it is least.
        most: the same of the seed where it is most.
        bar: `value` is held at this or above; for `HELD_OUT` below.
        held: whether it is.
    """

    row: str
    epochs: int
    measure: str
    peer: str
    ours: list[float]
    theirs: list[float]
    value: float
    least: float
    most: float
    bar: float
    held: bool

    def as_dict(self) -> dict[str, Any]:
        """Return every attribute by name."""
        return asdict(self)


def bars(trainings: Sequence[Training]) -> list[Bar]:
    """Return every bar that the trainings tell of, in the order of the rows; seeds that one side lacks do not count."""
    found: list[Bar] = []
    for row, epochs in product(ROWS, sorted({of["epochs"] for of in trainings})):
        group = [of for of in trainings if (of["row"], of["epochs"]) == (row.name, epochs)]
        found += (_likelihood if row.likelihood else _scores)(row, epochs, group)
    return found


def _scores(row: Row, epochs: int, of: list[Training]) -> Iterator[Bar]:
    for measure, margin in MARGINS.items():
        if sides := both(of, row.peers[0], score(measure), score(measure)):
            yield _difference(row, epochs, measure, row.peers[0], sides, -margin)
    yield from _speed(row, epochs, of)


def _likelihood(row: Row, epochs: int, of: list[Training]) -> Iterator[Bar]:
    """Compare with the better of the two readings of negative sampling, which is the lower loss."""
    readings = [both(of, SAMPLED, score(HELD_OUT), score(measure)) for measure in (HELD_OUT, WITH_PRIOR)]
    if known := [sides for sides in readings if sides]:
        best = min(known, key=lambda sides: statistics.mean(sides[1]))
        yield _difference(row, epochs, HELD_OUT, SAMPLED, best, 0.0)
    yield from _speed(row, epochs, of)


def _difference(row: Row, epochs: int, measure: str, peer: str, sides: Sides, bar: float) -> Bar:
    ours, theirs = sides
    value = statistics.mean(ours) - statistics.mean(theirs)
    each = [a - b for a, b in zip(ours, theirs, strict=True)]
    held = value < bar if measure == HELD_OUT else value >= bar
    return Bar(row.name, epochs, measure, peer, ours, theirs, value, min(each), max(each), bar, held)


def _speed(row: Row, epochs: int, of: list[Training]) -> Iterator[Bar]:
    if sides := both(of, row.peers[0], speed, speed):
        ours, theirs = sides
        value = statistics.median(ours) / statistics.median(theirs)
        each = [a / b for a, b in zip(ours, theirs, strict=True)]
        yield Bar(row.name, epochs, SPEED, row.peers[0], ours, theirs, value, min(each), max(each), row.speedup,
                  value >= row.speedup)  # fmt: skip


def score(measure: str) -> Read:
    """Return what reads one score of a training."""
    return lambda training: training["scores"].get(measure)


def speed(training: Training) -> float:
    """Return the raw words a second of a training, by the wall's clock."""
    return training["words_per_second"]


def both(of: Sequence[Training], peer: str, ours: Read, theirs: Read) -> Sides | None:
    """Return ours and the peer's values at the seeds that both have, or None where there is none."""
    sides: list[dict[int, float]] = []
    for name, read in ((OURS, ours), (peer, theirs)):
        found = {training["seed"]: read(training) for training in of if training["contender"] == name}
        sides.append({seed: value for seed, value in found.items() if value is not None})
    seeds = sorted(sides[0].keys() & sides[1].keys())
    return ([sides[0][seed] for seed in seeds], [sides[1][seed] for seed in seeds]) if seeds else None
