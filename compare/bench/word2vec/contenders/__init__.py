"""How each contender trains word2vec, as its users do, and the process of one training.

There is one file per contender, whose `prepare(task)` loads the framework, counts and encodes the text, compiles, and
returns a `Prepared`; the clock starts afterwards.
"""

import resource
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from compare.bench.child import forget_peak, now_mib, peak_mib
from compare.bench.word2vec.task import Prepared, Task

HOMES = {
    "tf_emb": "ours",
    "gensim": "gensim",
    "gensim-iterator": "gensim",
    "word2vec.c": "program",
    "torch": "torch",
    "tensorflow-tutorial": "tutorial",
}


def prepare(task: Task) -> Prepared:
    """Return a contender that is ready to train.

    Raises:
        ValueError: there is no such contender, or it cannot train the objective.
    """
    if task.contender not in HOMES:
        raise ValueError(f"a contender must be one of {', '.join(HOMES)}; got {task.contender!r}. Choose one.")
    return import_module(f"{__name__}.{HOMES[task.contender]}").prepare(task)


def refuse(task: Task) -> ValueError:
    """Return the error of a contender that cannot train an objective."""
    return ValueError(f"{task.contender} must be given an objective that it has; got {task.model} with {task.loss}.")


def work(**task: Any) -> Iterator[dict[str, Any]]:
    """Prepare, train and save; yield what that took, by the wall clock, in CPU time, and in memory."""
    asked = Task(**task)
    began = time.perf_counter()
    ready = prepare(asked)
    prepared = time.perf_counter() - began
    took = {"prepare_seconds": prepared, **measured(ready)}
    if asked.vectors:
        ready.save(Path(asked.vectors))
    yield took


def measured(ready: Prepared) -> dict[str, Any]:
    """Train; return what it took."""
    forget_peak()
    before, began, cpu = now_mib(), time.perf_counter(), cpu_seconds(ready.child)
    ready.train()
    seconds, used = time.perf_counter() - began, cpu_seconds(ready.child) - cpu
    peak = peak_mib(resource.RUSAGE_CHILDREN if ready.child else resource.RUSAGE_SELF)
    return {
        "seconds": seconds,
        "cpu_seconds": used,
        "raw_words": ready.raw_words,
        "words_per_second": ready.raw_words / seconds,
        "words_per_cpu_second": ready.raw_words / max(used, 1e-3),
        "peak_mib": peak,
        "grown_mib": peak - (0 if ready.child else before),
        "version": ready.version,
    }


def cpu_seconds(child: bool) -> float:
    """Return the CPU time so far, over all threads, of this process or of its children."""
    if not child:
        return time.process_time()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
