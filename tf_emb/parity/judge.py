"""Turns the files of a run into rows, faults, curves and costs."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.parity.case import Case
from tf_emb.parity.check import Row, verdict
from tf_emb.parity.jobs import Job
from tf_emb.parity.plan import Plan
from tf_emb.parity.processes import Process
from tf_emb.parity.result import REPETITIONS, Cost, Curve, FaultResult

Arrays = dict[str, np.ndarray]


class Judge:
    """Judges what the processes of a run wrote."""

    def __init__(self, made: Plan, processes: Mapping[str, Process], hashes: Mapping[Job, str], work: Path) -> None:
        self.made, self.processes, self.hashes, self.work = made, processes, hashes, work

    def rows(self, case: Case, job: Job) -> list[Row]:
        """Judge every output of every engine for one job."""
        oracle = self.processes["oracle"].jobs.get(job)
        if oracle is None or "error" in oracle:
            message = oracle["error"] if oracle else self.processes["oracle"].broken or "it ended before this case"
            return [Row(case.name, name, "oracle", job.dtype, "error", message) for name in case.bounds]
        want, allowed = (job.read(self.work, name) for name in ("want", "allowed"))
        baseline = self._outputs("numpy", job)[0] or {}
        rows = []
        # At float64 NumPy is the oracle: comparing it with itself would prove nothing.
        for engine in (name for name in self.made.judged if (name, job.dtype) != ("numpy", "float64")):
            rows += self._engine_rows(case, job, engine, want, allowed, baseline)
        return rows

    def _engine_rows(
        self, case: Case, job: Job, engine: str, want: Arrays, allowed: Arrays, baseline: Arrays
    ) -> list[Row]:
        unclaimed = [
            Row(case.name, name, engine, job.dtype, "n/a", f"not claimed at {job.dtype}: {case.bounds[name].why}")
            for name in case.bounds
            if name not in allowed
        ]
        return unclaimed + self._claimed_rows(case, job, engine, want, allowed, baseline)

    def _claimed_rows(
        self, case: Case, job: Job, engine: str, want: Arrays, allowed: Arrays, baseline: Arrays
    ) -> list[Row]:
        got, status, message = self._outputs(engine, job)
        if got is None:
            return [Row(case.name, name, engine, job.dtype, status, message) for name in allowed]
        if unexpected := set(got) - set(want):
            extra = f"outputs must be {sorted(want)}; got {sorted(unexpected)} too"
            return [Row(case.name, name, engine, job.dtype, "fail", extra) for name in allowed]
        rows = []
        for name, limit in allowed.items():
            if name not in got:
                rows.append(Row(case.name, name, engine, job.dtype, "fail", "output is missing"))
                continue
            if (part := self._part(engine, got[name], want[name])) is None:
                rows.append(Row(case.name, name, engine, job.dtype, "fail", "the recorded output holds no values"))
                continue
            row = verdict(
                case.name,
                name,
                engine,
                job.dtype,
                got[name],
                _part(want[name], part),
                _part(limit, part),
                _part(baseline.get(name), part),
            )
            rows.append(self._divergence(case, job, engine, row, got[name], part))
        return rows

    def _part(self, engine: str, got: np.ndarray, want: np.ndarray) -> slice | None:
        """Return which rows are compared: the recorded ones, which must be some, or all."""
        if engine not in self.made.recorded or not got.ndim or not want.ndim:
            return slice(None)
        return slice(None, len(got)) if got.size or not want.size else None

    def _divergence(self, case: Case, job: Job, engine: str, row: Row, got: np.ndarray, part: slice) -> Row:
        """Turn a failure exactly as declared into `diverges`, and a declared one that is gone into `healed`."""
        if engine not in case.diverges or job.dtype not in case.diverges[engine].at:
            return row
        diverging = job.read(self.work, f"diverging-{engine}")[row.output][part]
        limit = job.read(self.work, f"diverging-allowed-{engine}")[row.output][part]
        what = case.diverges[engine].what
        if row.status == "pass":
            want = job.read(self.work, "want")[row.output][part]
            touched = np.any(np.abs(diverging - want) > limit)
            return replace(row, status="healed", message=f"gone: {what}") if touched else row
        as_declared = verdict(row.case, row.output, engine, row.dtype, got, diverging, limit)
        if as_declared.status == "pass":
            return replace(row, status="diverges", message=what)
        return replace(row, message=f"neither the oracle nor as declared ({what}): {as_declared.message}")

    def _outputs(self, engine: str, job: Job) -> tuple[Arrays | None, str, str]:
        """Return an engine's outputs, or why there are none: a status and a message."""
        if engine in self.made.absent:
            return None, "absent", self.made.absent[engine]
        if engine in self.made.recorded:
            found = self.made.stand_ins.outputs(engine, job, self.hashes[job])
            return found, "absent", "not recorded for these inputs"
        if engine not in self.processes:
            return None, "absent", "not chosen"
        said = self.processes[engine].jobs.get(job)
        if said is None:
            return None, "error", self.processes[engine].broken or "the process ended before this job"
        if "error" in said:
            return None, "error", said["error"]
        if "absent" in said:
            return None, "n/a", "no implementation"
        return job.read(self.work, engine), "", ""

    def faults(self, case: Case) -> list[FaultResult]:
        """Return, for every planted fault, whether it was caught at every dtype at which it must be."""
        found: dict[str, dict[str, float]] = {}
        messages: dict[str, str] = {}
        jobs = [job for job in self.made.jobs if job.case == case.name]
        for job in jobs:
            for fault in self.processes["oracle"].jobs.get(job, {}).get("faults", []):
                found.setdefault(fault["name"], {})[job.dtype] = fault["used"]
                if "message" in fault:
                    messages[fault["name"]] = fault["message"]
        results = []
        for name, used in found.items():
            fault = case.faults.get(name)
            caught = all(share > 1 for share in used.values()) and name not in messages
            results.append(
                FaultResult(
                    case.name,
                    name,
                    fault.old if fault else "",
                    fault.new if fault else "",
                    used,
                    caught,
                    messages.get(name, ""),
                )
            )
        return results

    def costs(self, case: Case, job: Job) -> list[Cost]:
        """Return what a case timed, and its peer's time."""
        if case.cost is None:
            return []
        what, peer = case.cost
        return [
            Cost(case.name, name, job.dtype, what, said["costs"][what], peer, said["costs"][peer], REPETITIONS)
            for name, process in self.processes.items()
            if (said := process.jobs.get(job, {})).get("costs")
        ]

    def curves(self, case: Case) -> list[Curve]:
        """Return how the largest error of each recorded table grew, and how much was allowed."""
        jobs = [job for job in self.made.jobs if job.case == case.name and self._judged(job)]
        return [self._curve(jobs, output) for output in case.curves if jobs]

    def _judged(self, job: Job) -> bool:
        return "error" not in self.processes["oracle"].jobs.get(job, {"error": ""})

    def _curve(self, jobs: list[Job], output: str) -> Curve:
        curve = Curve(jobs[0].case, output, jobs[0].read(self.work, "inputs")["recorded"].tolist(), {}, {})
        for job in jobs:
            want, allowed = (job.read(self.work, name)[output] for name in ("want", "allowed"))
            curve.envelope[job.dtype] = _by_step(allowed)
            for engine in self.made.judged:
                got = (self._outputs(engine, job)[0] or {}).get(output)
                if got is None or (engine, job.dtype) == ("numpy", "float64"):
                    continue
                error = np.abs(got.astype(np.float64) - want[: len(got)])
                curve.errors[f"{engine} {job.dtype}"] = _by_step(error)
                outside = _by_step(error - allowed[: len(got)])
                past = [step for step, over in zip(curve.steps, outside, strict=True) if not over <= 0]
                if past:
                    curve.first_outside[f"{engine} {job.dtype}"] = past[0]
        return curve


def _part(array: np.ndarray | None, part: slice) -> Any:
    return array if array is None or not array.ndim else array[part]


def _by_step(array: np.ndarray) -> list[float]:
    """Return the largest value at each recorded step; axis 1 is the step."""
    return [float(value) for value in np.max(array, axis=(0, *range(2, array.ndim)))]
