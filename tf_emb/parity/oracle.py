"""The process of the oracle: what every engine should compute, how far off it may be, and what faults look like.

`python -m tf_emb.parity.oracle WORK`. It cannot import what it judges (see tf_emb.parity.engines.numpy).
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.parity import engines
from tf_emb.parity.case import Arrays, Case, at_dtype
from tf_emb.parity.check import verdict
from tf_emb.parity.dtypes import as_numpy
from tf_emb.parity.events import end_with_parent, guarded, say
from tf_emb.parity.faults import mutate
from tf_emb.parity.jobs import Job, todo
from tf_emb.parity.suite import Suite

PLANTED = "one element off by ten bounds, in each output"


def main() -> None:
    """Write want, allowed and diverging arrays for every job, and report every planted fault."""
    end_with_parent()
    work = Path(sys.argv[1])
    package, jobs = todo(work)
    known = Suite(package).load()
    engine = engines.start("numpy", "cpu")
    say(event="ready", versions=engine.versions(), device="cpu")
    for job in jobs:
        began = time.perf_counter()
        outcome = guarded(refer, known[job.case], job, work)
        say(event="job", case=job.case, dtype=job.dtype, seconds=time.perf_counter() - began, **outcome)


def refer(case: Case, job: Job, work: Path) -> dict[str, Any]:
    """Write what engines should compute and how far off they may be; plant every fault."""
    x = at_dtype(job.read(work, "inputs"), "float64")  # widened: the oracle sees the rounded inputs
    want = case.oracle(x)
    if set(want) != set(case.bounds):
        raise ValueError(f"`bounds` must cover the oracle's outputs; they differ by {set(want) ^ set(case.bounds)}.")
    allowed = case.allowed(x, want, job.dtype)
    job.save(work, "want", want)
    job.save(work, "allowed", allowed)
    for engine, divergence in case.diverges.items():
        if job.dtype in divergence.at:
            diverging = mutate(case.oracle, divergence.old, divergence.new)(x)
            job.save(work, f"diverging-{engine}", diverging)
            job.save(work, f"diverging-allowed-{engine}", case.allowed(x, diverging, job.dtype))
    return {"faults": plant(case, job, x, want, allowed)}


def plant(case: Case, job: Job, x: Arrays, want: Arrays, allowed: Arrays) -> list[dict[str, Any]]:
    """Run every fault; return the largest share of a bound each one used."""
    found = [{"name": PLANTED, "used": shifted(job, want, allowed)}]
    for name, fault in case.faults.items():
        if job.dtype in fault.at:
            with np.errstate(all="ignore"):
                outcome = guarded(lambda f=fault: {"out": mutate(case.oracle, f.old, f.new)(x)})
            if "error" in outcome:
                found.append({"name": name, "used": 0.0, "message": outcome["error"]})
            else:
                found.append({"name": name, "used": worst(job, outcome["out"], want, allowed)})
    return found


def worst(job: Job, got: Arrays, want: Arrays, allowed: Arrays) -> float:
    """Return the largest share of a bound that any output used; infinite where a shape or a NaN is wrong."""
    used = 0.0
    for name in allowed:
        # Only floats are widened: an integer output cast to float64 would be caught for its dtype alone.
        value = np.asarray(got[name], np.float64 if want[name].dtype.kind == "f" else None)
        row = verdict(job.case, name, "fault", "float64", value, want[name], allowed[name])
        used = max(used, np.inf if row.used is None else row.used)
    return used


def shifted(job: Job, want: Arrays, allowed: Arrays) -> float:
    """Move one element of each output by ten bounds, or to the next number; return the smallest share used."""
    shares = []
    for name, limit in allowed.items():
        got = want[name].astype(as_numpy(job.dtype))
        if not limit.size:
            continue
        at = np.unravel_index(int(np.argmax(np.where(np.isfinite(want[name]), limit, -1))), limit.shape)
        step = 10 * limit[at]
        got[at] = got[at] + got.dtype.type(step) if step > 0 else np.nextafter(got[at], got.dtype.type(np.inf))
        row = verdict(job.case, name, "fault", job.dtype, got, want[name], limit)
        shares.append(np.inf if row.used is None else row.used)
    return min(shares)


if __name__ == "__main__":
    main()
