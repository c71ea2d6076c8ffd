"""Words per second of every contender, and ours over each peer's within a round: the trainings of one seed."""

import statistics
from collections.abc import Sequence
from typing import Any

from compare.bench.rounds import ratio
from compare.bench.word2vec.objectives import OBJECTIVES, OURS, SAMPLED, WHAT

Measured = dict[str, Any]


def speeds(trainings: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return one dict per objective and number of epochs: the medians of its contenders, and the ratios."""
    order = [objective.name for objective in OBJECTIVES]
    groups: dict[tuple[int, int], dict[str, list[Measured]]] = {}
    for of in trainings:
        group = groups.setdefault((order.index(of["row"]), of["epochs"]), {})
        group.setdefault(of["contender"], []).append(of)
    return [{"row": order[row], "epochs": epochs, "contenders": {name: described(name, of) for name, of in by.items()},
             "ratios": ratios(by)} for (row, epochs), by in sorted(groups.items(), key=lambda of: of[0])]  # fmt: skip


def described(name: str, turns: list[Measured]) -> dict[str, Any]:
    """Return what was measured of one contender."""
    found = {unit: [turn[unit] for turn in turns] for unit in ("words_per_second", "words_per_cpu_second")}
    medians = {f"median_{unit}": statistics.median(values) for unit, values in found.items()}
    return {"what": WHAT[name], "version": turns[0]["version"], **found, **medians,
            "raw_words": turns[0]["raw_words"], "prepare_seconds": [turn["prepare_seconds"] for turn in turns],
            "grown_mib": max(turn["grown_mib"] for turn in turns)}  # fmt: skip


def ratios(contenders: dict[str, list[Measured]]) -> dict[str, Any]:
    """Return our words per second over every peer's, in the rounds that both have: above 1 we are faster.

    Our negative sampling beside our full softmax is a matter of quality.
    """
    found = {name: {turn["seed"]: turn["words_per_second"] for turn in turns} for name, turns in contenders.items()}
    ours = found.pop(OURS, {})
    both = {name: [seed for seed in ours if seed in theirs] for name, theirs in found.items()}
    return {name: ratio([ours[seed] for seed in seeds], [found[name][seed] for seed in seeds])
            for name, seeds in both.items() if seeds and name != SAMPLED}  # fmt: skip
