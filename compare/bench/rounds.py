"""Turns and ratios: contenders take turns within a round, so that whatever else the machine does hits all alike."""

import statistics
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def rotated(of: Sequence[T], number: int) -> list[T]:
    """Return the items starting from another one in each round, so that none always follows the same one."""
    start = number % len(of)
    return [*of[start:], *of[:start]]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    """Return ours over theirs within each round: the median, the extremes, and every round."""
    rounds = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {"median": statistics.median(rounds), "least": min(rounds), "most": max(rounds), "rounds": rounds}
