"""`python -m compare references`: record PyTorch's outputs, or prove that they can be had again."""

import tempfile
from pathlib import Path

import numpy as np

from compare import parity, references, runner
from compare.check import compare
from compare.files import Job

ENGINE = "torch"


def record() -> tuple[bool, list[str]]:
    """Run PyTorch on the default inputs and save what it gives; return whether it failed, and lines to print."""
    with tempfile.TemporaryDirectory() as folder:
        made, hashes, processes = _run(Path(folder), [ENGINE])
        found = {job: (hashes[job], job.read(Path(folder), ENGINE)) for job in implemented(made)}
        path = references.save(ENGINE, found, processes[ENGINE].ready["versions"])
    arrays = sum(len(out) for _, out in found.values())
    size = (path.stat().st_size + path.with_suffix(".json").stat().st_size) / 1e6
    return False, [f"{arrays} arrays of {len(found)} jobs recorded in {path.parent}: {size:.2f} MB"]


def check() -> tuple[bool, list[str]]:
    """Run PyTorch again and compare with its record, to twice the bound of each output.

    Both are within one bound of the oracle, so they are within two of each other.
    """
    lines, failed, identical = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        made, hashes, _ = _run(work, ["oracle", ENGINE])
        for job in implemented(made):
            old = references.outputs(ENGINE, job, hashes[job])
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
                    row = compare(job.case, name, ENGINE, job.dtype, new[name][part],
                                  array.astype(np.float64), 2 * allowed[name][part])  # fmt: skip
                    failed += row.failed
                    if row.failed:
                        lines.append(f"{job.case} {job.dtype} {name}: {row.message}")
    total = sum(len(entry) for entry in (references.outputs(ENGINE, j, hashes[j]) or {} for j in made.jobs))
    lines.append(f"{total} recorded arrays: {identical} reproduced to the bit, {failed} out of bounds")
    return failed > 0, lines


def implemented(made: parity.Plan) -> list[Job]:
    """Return the jobs of the cases that PyTorch has an implementation for."""
    names = {case.name for case in made.cases if ENGINE in case.impls}
    return [job for job in made.jobs if job.case in names]


def _run(work: Path, names: list[str]) -> tuple[parity.Plan, dict[Job, str], dict[str, runner.Process]]:
    options = parity.Options(engines=(ENGINE,), dtypes=references.DTYPES)
    made = parity.plan(options)
    hashes = parity.draw(made, options, work)
    processes = runner.run(names, work, "cpu")
    for process in processes.values():
        broken = process.broken or next((j["error"] for j in process.jobs.values() if "error" in j), "")
        if broken:
            raise ValueError(f"{process.name} must run to the end; it did not: {broken}")
    return made, hashes, processes
