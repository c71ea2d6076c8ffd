"""How fast every contender is, what ours must reach beside the first peer of an objective, and whether it does."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from compare.bench.rounds import ratio
from compare.bench.word2vec.plan import OBJECTIVES, OURS, SAMPLED, WHAT, Objective
from compare.bench.word2vec.scores import HELD_OUT, WITH_PRIOR

Measured = dict[str, Any]
# Analogies in percentage points, Spearman's correlations as they are.
MARGINS = {"analogies, 30k": 1.0, "analogies, all": 1.0, "WordSim-353": 0.01, "SimLex-999": 0.01}
SPEED = "words a second"
Sides = tuple[list[float], list[float]]


def speeds(trainings: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return one dict per objective and number of epochs: the medians of its contenders, and the ratios."""
    order = [objective.name for objective in OBJECTIVES]
    groups: dict[tuple[int, int], dict[str, list[Measured]]] = {}
    for of in trainings:
        group = groups.setdefault((order.index(of["row"]), of["epochs"]), {})
        group.setdefault(of["contender"], []).append(of)
    return [
        {
            "row": order[row],
            "epochs": epochs,
            "contenders": {name: described(name, of) for name, of in by.items()},
            "ratios": ratios(by),
        }
        for (row, epochs), by in sorted(groups.items(), key=lambda of: of[0])
    ]


def described(name: str, turns: list[Measured]) -> dict[str, Any]:
    """Return what was measured of one contender."""
    found = {unit: [turn[unit] for turn in turns] for unit in ("words_per_second", "words_per_cpu_second")}
    medians = {f"median_{unit}": statistics.median(values) for unit, values in found.items()}
    return {
        "what": WHAT[name],
        "version": turns[0]["version"],
        **found,
        **medians,
        "raw_words": turns[0]["raw_words"],
        "prepare_seconds": [turn["prepare_seconds"] for turn in turns],
        "grown_mib": max(turn["grown_mib"] for turn in turns),
    }


def ratios(contenders: dict[str, list[Measured]]) -> dict[str, Any]:
    """Return our words per second over every peer's, in the rounds that both have: above 1 we are faster.

    Our negative sampling beside our full softmax is a matter of quality.
    """
    found = {name: {turn["seed"]: turn["words_per_second"] for turn in turns} for name, turns in contenders.items()}
    ours = found.pop(OURS, {})
    both = {name: [seed for seed in ours if seed in theirs] for name, theirs in found.items()}
    return {
        name: ratio([ours[seed] for seed in seeds], [found[name][seed] for seed in seeds])
        for name, seeds in both.items()
        if seeds and name != SAMPLED
    }


@dataclass(frozen=True)
class Bar:
    """One comparison of ours with a peer.

    Attributes:
        row: name of the objective.
        epochs: of the trainings.
        measure: a key of `MARGINS`, `SPEED` or `HELD_OUT`.
        peer: with whom ours is compared.
        ours: one number per seed.
        theirs: one number per seed, the same seeds.
        value: the difference of the means, or for `SPEED` the ratio of the medians.
        least: the least of the seeds.
        most: the most of the seeds.
        bar: what `value` must reach, or for `HELD_OUT` must stay below.
        held: whether it does.
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


def bars(trainings: Sequence[Measured]) -> list[Bar]:
    """Return every bar that the trainings decide, ordered by objective, over the seeds that both sides have."""
    found: list[Bar] = []
    for row, epochs in product(OBJECTIVES, sorted({of["epochs"] for of in trainings})):
        group = [of for of in trainings if (of["row"], of["epochs"]) == (row.name, epochs)]
        found += (_likelihood if row.likelihood else _scores)(row, epochs, group)
        found += _speed(row, epochs, group)
    return found


def _scores(row: Objective, epochs: int, of: list[Measured]) -> Iterator[Bar]:
    for measure, margin in MARGINS.items():
        if sides := both(of, row.peers[0], measure, measure):
            yield _difference(row, epochs, measure, row.peers[0], sides, -margin)


def _likelihood(row: Objective, epochs: int, of: list[Measured]) -> Iterator[Bar]:
    """Compare with the better of the two readings of negative sampling, which is the lower loss."""
    readings = [both(of, SAMPLED, HELD_OUT, measure) for measure in (HELD_OUT, WITH_PRIOR)]
    if known := [sides for sides in readings if sides]:
        best = min(known, key=lambda sides: statistics.mean(sides[1]))
        yield _difference(row, epochs, HELD_OUT, SAMPLED, best, 0.0)


def _difference(row: Objective, epochs: int, measure: str, peer: str, sides: Sides, bar: float) -> Bar:
    ours, theirs = sides
    value = statistics.mean(ours) - statistics.mean(theirs)
    each = [a - b for a, b in zip(ours, theirs, strict=True)]
    held = value < bar if measure == HELD_OUT else value >= bar
    return Bar(row.name, epochs, measure, peer, ours, theirs, value, min(each), max(each), bar, held)


def _speed(row: Objective, epochs: int, of: list[Measured]) -> Iterator[Bar]:
    if sides := both(of, row.peers[0], SPEED, SPEED):
        ours, theirs = sides
        value = statistics.median(ours) / statistics.median(theirs)
        each = [a / b for a, b in zip(ours, theirs, strict=True)]
        yield Bar(
            row.name,
            epochs,
            SPEED,
            row.peers[0],
            ours,
            theirs,
            value,
            min(each),
            max(each),
            row.speedup,
            value >= row.speedup,
        )


def both(of: Sequence[Measured], peer: str, ours: str, theirs: str) -> Sides | None:
    """Return our measure and the peer's at the seeds that both have, or None if there are none."""
    sides: list[dict[int, float]] = []
    for name, measure in ((OURS, ours), (peer, theirs)):
        found = {
            each["seed"]: each["words_per_second"] if measure == SPEED else each["scores"].get(measure)
            for each in of
            if each["contender"] == name
        }
        sides.append({seed: value for seed, value in found.items() if value is not None})
    seeds = sorted(sides[0].keys() & sides[1].keys())
    return ([sides[0][seed] for seed in seeds], [sides[1][seed] for seed in seeds]) if seeds else None
