"""The process of one contender: builds it, then trains whenever it is asked to."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from compare.bench.child import forget_peak, now_mib, peak_mib
from compare.bench.layers import contenders
from compare.bench.layers.workloads import SEEN, Draws, Trainer, Workload, draw


def work(name: str, threads: int, workload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is known after one step on each batch, then the cost of a turn as often as it is asked for."""
    row = Workload(**workload)
    build = contenders.load(name, threads)
    loaded = now_mib()
    draws = draw(row)
    trainer = build(row, draws)
    moved, distinct = first_pass(trainer, draws), [len(np.unique(batch)) for batch in draws.ids]
    yield {
        "version": trainer.version,
        "loaded_mib": loaded,
        "moved": moved,
        "distinct": round(float(np.mean(distinct))),
    }
    del draws
    forget_peak()  # building held a copy of the table
    while True:
        yield {"seconds": timed(trainer, row.batches), "peak_mib": peak_mib()}


def first_pass(trainer: Trainer, draws: Draws) -> float:
    """Take one step on each batch, which traces and warms up; return how far the first rows moved."""
    for i in range(len(draws.ids)):
        trainer.step(i)
    return float(np.linalg.norm(trainer.read().astype(np.float64) - draws.table[:SEEN]))


def timed(trainer: Trainer, batches: int) -> float:
    """Return the seconds per step, averaged over all batches, which differ in their distinct ids."""
    began = time.perf_counter()
    for i in range(batches):
        trainer.step(i)
    return (time.perf_counter() - began) / batches
