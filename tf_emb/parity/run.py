"""A parity run: draw the inputs, let every engine work, judge the outputs."""

import platform
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.parity.case import Case
from tf_emb.parity.jobs import Job
from tf_emb.parity.judge import Judge
from tf_emb.parity.plan import Options, Plan, draw, make_plan
from tf_emb.parity.processes import Process, run_all
from tf_emb.parity.result import EngineResult, Result


def run_comparison(
    options: Options,
    work: Path,
    on_start: Callable[[int], None] = lambda jobs: None,
    on_job: Callable[[str, str], None] = lambda engine, case: None,
) -> Result:
    """Run the comparison.

    Args:
        options: what to run.
        work: an empty folder, which receives the inputs and outputs.
        on_start: called with the number of jobs, once they are known.
        on_job: called with engine and case whenever a job is done.
    """
    began = time.perf_counter()
    made = make_plan(options)
    on_start(len(made.jobs) * (2 + len(made.run)))
    hashes = draw(made, options, work, on_job)
    processes = run_all(["oracle", *made.run], work, options.device, on_job, options.patience)
    result = judged(made, options, hashes, processes, work)
    result.seconds = time.perf_counter() - began
    return result


def judged(made: Plan, options: Options, hashes: dict[Job, str], processes: dict[str, Process], work: Path) -> Result:
    """Judge every output of every engine."""
    result = Result(
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        seed=options.seed,
        device=options.device,
        dtypes=list(options.dtypes),
        platform=_platform(),
        left_out=made.left_out,
    )
    result.engines = [_engine(name, made, processes) for name in ["oracle", *made.names]]
    result.cases = [_case(case, hashes, made.jobs, work) for case in made.cases]
    court = Judge(made, processes, hashes, work)
    for case in made.cases:
        for job in (job for job in made.jobs if job.case == case.name):
            result.rows += court.rows(case, job)
            result.costs += court.costs(case, job)
        result.faults += court.faults(case)
        result.curves += court.curves(case)
    return result


def _engine(name: str, made: Plan, processes: dict[str, Process]) -> EngineResult:
    if name in made.absent:
        return EngineResult(name, "absent", made.absent[name])
    if name in made.recorded:
        return EngineResult(name, "recorded", "recorded outputs stand in", versions=made.stand_ins.versions(name))
    process = processes[name]
    return EngineResult(
        name,
        "error" if process.broken else "ran",
        process.broken,
        process.ready.get("device", ""),
        process.ready.get("versions", {}),
        sum(job["seconds"] for job in process.jobs.values()),
    )


def _case(case: Case, hashes: dict[Job, str], jobs: list[Job], work: Path) -> dict[str, Any]:
    mine = [job for job in jobs if job.case == case.name]
    x = mine[0].read(work, "inputs")
    return {
        "name": case.name,
        "claim": case.claim,
        "cite": case.cite,
        "inputs": {k: {"shape": list(v.shape), "dtype": v.dtype.name} for k, v in x.items()},
        "hashes": {job.dtype: hashes[job] for job in mine},
        "bounds": {name: bound.why for name, bound in case.bounds.items()},
        "diverges": {
            engine: {"what": d.what, "cite": d.cite, "old": d.old, "new": d.new, "at": list(d.at)}
            for engine, d in case.diverges.items()
        },
    }


def _platform() -> dict[str, str]:
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
