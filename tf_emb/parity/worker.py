"""The process of one engine: reads inputs, runs the implementations, writes outputs.

`python -m tf_emb.parity.worker ENGINE WORK DEVICE`; WORK/jobs.json names the suite's package and the jobs.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.parity import engines
from tf_emb.parity.case import Case
from tf_emb.parity.engines.home import Engine
from tf_emb.parity.events import end_with_parent, guarded, say
from tf_emb.parity.jobs import Job, todo
from tf_emb.parity.result import REPETITIONS
from tf_emb.parity.suite import Suite


def main() -> None:
    """Run every job of one engine."""
    end_with_parent()
    name, work, device = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    package, jobs = todo(work)
    known = Suite(package).load()
    try:
        engine = engines.start(name, device)
    except (ImportError, ValueError, RuntimeError) as error:
        say(event="broken", message=f"{type(error).__name__}: {error}")
        sys.exit(1)
    say(event="ready", versions=engine.versions(), device=engine.device)
    for job in jobs:
        began = time.perf_counter()
        outcome = guarded(run, name, engine, known[job.case], job, work)
        say(event="job", case=job.case, dtype=job.dtype, seconds=time.perf_counter() - began, **outcome)


def run(name: str, engine: Engine, case: Case, job: Job, work: Path) -> dict[str, Any]:
    """Run one implementation; return what it timed, if anything."""
    implementation = case.oracle if name == "numpy" else case.impls.get(name)
    if implementation is None or job.dtype in case.lacks.get(name, ()):
        return {"absent": True}
    with engine.scope():
        out = dict(implementation(engine.load(job.read(work, "inputs"), job.dtype)))
        timed = {key.removeprefix("cost:"): out.pop(key) for key in list(out) if key.startswith("cost:")}
        # Outputs are saved before anything is timed: what is timed may overwrite them.
        job.save(work, name, {key: engine.unload(value) for key, value in out.items()})
        return {"costs": medians(timed)}


def medians(timed: dict[str, Any]) -> dict[str, float]:
    """Return the median seconds of each callable; repetitions are interleaved and follow a warm-up."""
    taken: dict[str, list[float]] = {name: [] for name in timed}
    for repetition in range(REPETITIONS + 1 if timed else 0):
        for name, call in timed.items():
            began = time.perf_counter()
            call()
            if repetition:
                taken[name].append(time.perf_counter() - began)
    return {name: float(np.median(seconds)) for name, seconds in taken.items()}


if __name__ == "__main__":
    main()
