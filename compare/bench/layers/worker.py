"""The process of one contender: trains when it is asked to, and says how long it took.

`python -m compare.bench.layers.worker NAME THREADS ROW`, ROW the arguments of a `Row` as JSON. Each line on
standard input is a number of passes over the batches; each answer is a line of JSON after `MARK`. The end of the input
ends it.
"""

import json
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from compare.bench.layers import contenders
from compare.bench.layers.rows import SEEN, Draws, Row, Trainer, draw
from tf_emb.parity.events import say

MIB = 2**20


def main() -> None:
    """Build one contender, pass once over its batches, then answer until nobody asks."""
    name, threads, row = sys.argv[1], int(sys.argv[2]), Row(**json.loads(sys.argv[3]))
    build = contenders.load(name, threads)
    loaded = now_mib()
    draws = draw(row)
    trainer = build(row, draws)
    moved = first_pass(trainer, draws)
    say(event="ready", version=trainer.version, loaded_mib=loaded, moved=moved, distinct=distinct(draws.ids))
    del draws
    forget_peak()
    for line in sys.stdin:
        seconds = timed(trainer, row.batches, passes=int(line))
        say(event="turn", seconds=seconds, peak_mib=peak_mib())


def first_pass(trainer: Trainer, draws: Draws) -> float:
    """Take one step on each batch, traced and warm afterwards; return how far the first rows moved."""
    for i in range(len(draws.ids)):
        trainer.step(i)
    return float(np.linalg.norm(trainer.read().astype(np.float64) - draws.table[:SEEN]))


def distinct(ids: np.ndarray) -> int:
    """Return how many different ids a batch has, on average."""
    return round(float(np.mean([len(np.unique(batch)) for batch in ids])))


def timed(trainer: Trainer, batches: int, passes: int) -> float:
    """Return the seconds of one step, the mean over whole passes: batches differ in their distinct ids."""
    began = time.perf_counter()
    for _ in range(passes):
        for i in range(batches):
            trainer.step(i)
    return (time.perf_counter() - began) / (passes * batches)


def now_mib() -> float:
    """Return the memory this process has now; its peak, where that cannot be read."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / MIB
    return peak_mib()


def peak_mib() -> float:
    """Return the most memory this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def forget_peak() -> None:
    """Start the peak anew, where Linux allows it: building held a copy of the table that training does not need."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
