"""Records the outputs of PyTorch, or checks that it still computes what is recorded."""

import tempfile
from pathlib import Path

import numpy as np

from tf_emb.parity.check import verdict
from tf_emb.parity.jobs import Job
from tf_emb.parity.plan import Options, Plan, draw, make_plan
from tf_emb.parity.processes import Process, run_all
from tf_emb.parity.stand_ins import DTYPES
from tf_emb.parity.suite import Suite

ENGINE = "torch"


def record_outputs(suite: Suite, names: tuple[str, ...] = ()) -> tuple[bool, list[str]]:
    """Run PyTorch on the default inputs and save its outputs; return whether it failed, and the lines to print."""
    with tempfile.TemporaryDirectory() as folder:
        made, hashes, processes = _run(suite, names, Path(folder), [ENGINE])
        found = {job: (hashes[job], job.read(Path(folder), ENGINE)) for job in implemented(made)}
        paths = made.stand_ins.save(ENGINE, found, processes[ENGINE].ready["versions"])
    arrays = sum(len(out) for _, out in found.values())
    size = sum(path.stat().st_size for path in paths) / 1e6
    return False, [f"{arrays} arrays of {len(paths)} cases recorded in {suite.recorded}: {size:.2f} MB"]


def check_outputs(suite: Suite, names: tuple[str, ...] = ()) -> tuple[bool, list[str]]:
    """Run PyTorch again and compare with its record, within twice the bound of each output.

    Both are within one bound of the oracle, so they are within two of each other.
    """
    lines, failed, identical = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        made, hashes, _ = _run(suite, names, work, ["oracle", ENGINE])
        for job in implemented(made):
            old = made.stand_ins.outputs(ENGINE, job, hashes[job])
            if old is None:
                failed += 1
                lines.append(f"{job.case} {job.dtype}: not recorded for these inputs; run --record")
                continue
            new, allowed = job.read(work, ENGINE), job.read(work, "allowed")
            for name, array in old.items():
                part = slice(None, len(array)) if array.ndim else ...
                same = np.array_equal(array, new[name][part], equal_nan=True)
                identical += same
                if name in allowed:
                    row = verdict(
                        job.case,
                        name,
                        ENGINE,
                        job.dtype,
                        new[name][part],
                        array.astype(np.float64),
                        2 * allowed[name][part],
                    )
                    failed += row.failed
                    if row.failed:
                        lines.append(f"{job.case} {job.dtype} {name}: {row.message}")
    total = sum(len(entry) for entry in (made.stand_ins.outputs(ENGINE, j, hashes[j]) or {} for j in made.jobs))
    lines.append(f"{total} recorded arrays: {identical} reproduced to the bit, {failed} out of bounds")
    return failed > 0, lines


def implemented(made: Plan) -> list[Job]:
    """Return the jobs of the cases that have a PyTorch implementation."""
    names = {case.name for case in made.cases if ENGINE in case.impls}
    return [job for job in made.jobs if job.case in names]


def _run(
    suite: Suite, cases: tuple[str, ...], work: Path, names: list[str]
) -> tuple[Plan, dict[Job, str], dict[str, Process]]:
    options = Options(suite, cases=cases, engines=(ENGINE,), dtypes=DTYPES)
    made = make_plan(options)
    hashes = draw(made, options, work)
    processes = run_all(names, work, "cpu")
    for process in processes.values():
        broken = process.broken or next((j["error"] for j in process.jobs.values() if "error" in j), "")
        if broken:
            raise ValueError(f"{process.name} must run to the end; it did not: {broken}")
    return made, hashes, processes
