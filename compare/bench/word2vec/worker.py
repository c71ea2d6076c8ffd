"""The process of one training: `python -m compare.bench.word2vec.worker TASK`, TASK the arguments of a `Task` as JSON.

It says one line of JSON after `MARK`: how long the training took by the wall's clock and by the processor's, how long
it was prepared, and the memory it took.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from compare.bench.layers.worker import forget_peak, now_mib, peak_mib
from compare.bench.word2vec import contenders
from compare.bench.word2vec.task import Job, Task
from tf_emb.parity.events import say


def main() -> None:
    """Prepare, train, save, and say how it went."""
    task = Task(**json.loads(sys.argv[1]))
    began = time.perf_counter()
    job = contenders.prepare(task)
    prepared = time.perf_counter() - began
    say(event="trained", prepare_seconds=prepared, **measured(job))
    if task.vectors:
        job.save(Path(task.vectors))


def measured(job: Job) -> dict[str, Any]:
    """Train; return what it took."""
    forget_peak()
    before, began, cpu = now_mib(), time.perf_counter(), processor(job.child)
    job.train()
    seconds, cpu_seconds = time.perf_counter() - began, processor(job.child) - cpu
    peak = child_peak_mib() if job.child else peak_mib()
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "raw_words": job.raw_words,
            "words_per_second": job.raw_words / seconds, "words_per_cpu_second": job.raw_words / max(cpu_seconds, 1e-3),
            "peak_mib": peak, "grown_mib": peak - (0 if job.child else before), "version": job.version}  # fmt: skip


def processor(child: bool) -> float:
    """Return the seconds that the processor has spent so far, on all threads: of this process, or of its children."""
    if not child:
        return time.process_time()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def child_peak_mib() -> float:
    """Return the most memory that a child has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 2**20


if __name__ == "__main__":
    main()
