"""A parity run: draw the inputs, let every engine work, judge the outputs."""

import json
import platform
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from compare import cases, engines, judge, references, runner
from compare.case import Case, at_dtype
from compare.dtypes import DTYPES
from compare.files import Job, digest
from compare.result import EngineResult, Result


@dataclass(frozen=True)
class Options:
    """What to run. Empty `cases` and `engines` mean all of them; named engines must load."""

    cases: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = DTYPES
    seed: int = 0
    device: str = "cpu"
    full: bool = False
    quick: bool = False

    def chosen(self, known: dict[str, Case]) -> list[Case]:
        """Return the cases to run.

        Raises:
            ValueError: a named case, engine, dtype or device does not exist, or a named case has none of the dtypes.
        """
        _member("--case", self.cases, known)
        _member("--engine", self.engines, engines.HOMES)
        _member("--dtype", self.dtypes, DTYPES)
        _member("--device", (self.device,), engines.DEVICES)
        if self.quick and (self.cases or self.full):
            got = "--full" if self.full else f"--case {self.cases[0]}"
            raise ValueError(f"`--quick` must choose the cases; got {got} too. Leave one of them out.")
        named = [known[name] for name in dict.fromkeys(self.cases)]
        for case in named:
            if not set(case.dtypes) & set(self.dtypes):
                raise ValueError(
                    f"`--dtype` must be one of {', '.join(case.dtypes)} for case {case.name}; "
                    f"got {', '.join(self.dtypes)}. Leave the case out, or choose another."
                )
        return named or [case for case in known.values() if self._takes(case) and self.at(case)]

    def _takes(self, case: Case) -> bool:
        return case.quick if self.quick else self.full or not case.full

    def at(self, case: Case) -> list[str]:
        """Return the dtypes at which `case` runs."""
        return [dtype for dtype in self.dtypes if dtype in case.dtypes]

    def names(self) -> tuple[str, ...]:
        """Return the engines to run."""
        return self.engines or tuple(name for name, home in engines.HOMES.items() if home.quick or not self.quick)


@dataclass
class Plan:
    """The engines and jobs of a run.

    Attributes:
        run: engines that get a process.
        recorded: engines that are replaced by their recorded outputs.
        absent: engines that are neither, with the reason.
        left_out: what `--quick` does without: kind ("cases", "engines") to names.
    """

    cases: list[Case]
    jobs: list[Job]
    run: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Every engine of the run, in the order of the report."""
        return [name for name in engines.HOMES if name in {*self.run, *self.recorded, *self.absent}]

    @property
    def judged(self) -> list[str]:
        """The engines that have rows: all but optional ones that are absent, which are only named."""
        return [name for name in self.names if not (name in self.absent and engines.HOMES[name].optional)]


def plan(options: Options) -> Plan:
    """Decide what runs.

    Raises:
        ValueError: an option names what does not exist.
        ImportError: a named engine is not installed.
    """
    known = cases.load()
    chosen = options.chosen(known)
    made = Plan(chosen, [Job(case.name, dtype) for case in chosen for dtype in options.at(case)])
    if options.quick:
        made.left_out = {
            "cases": [case.name for case in known.values() if not case.quick],
            "engines": [name for name in engines.HOMES if name not in options.names()],
        }
    for name in options.names():
        missing = engines.missing(name)
        if not missing:
            made.run.append(name)
        elif name in options.engines:
            raise ImportError(
                f"`--engine` {name} needs {', '.join(missing)}; not installed. "
                f"Install them with `pip install -e '.[{engines.HOMES[name].extra}]'`, or leave the option out."
            )
        elif name in references.recorded():
            made.recorded.append(name)
        else:
            made.absent[name] = f"{', '.join(missing)} not installed"
    return made


def run(
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
    made = plan(options)
    on_start(len(made.jobs) * (2 + len(made.run)))
    hashes = draw(made, options, work, on_job)
    processes = runner.run(["oracle", *made.run], work, options.device, on_job)
    result = report(made, options, hashes, processes, work)
    result.seconds = time.perf_counter() - began
    return result


def draw(
    made: Plan, options: Options, work: Path, on_job: Callable[[str, str], None] = lambda engine, case: None
) -> dict[Job, str]:
    """Draw every input once, round it to each dtype, and write it; return the hashes."""
    hashes = {}
    for case in made.cases:
        x = case.inputs(np.random.default_rng([options.seed, zlib.crc32(case.name.encode())]))
        for job in (job for job in made.jobs if job.case == case.name):
            rounded = at_dtype(x, job.dtype)
            job.save(work, "inputs", rounded)
            hashes[job] = digest(rounded)
            on_job("inputs", case.name)
    (work / "jobs.json").write_text(json.dumps([[job.case, job.dtype] for job in made.jobs]))
    return hashes


def report(
    made: Plan, options: Options, hashes: dict[Job, str], processes: dict[str, runner.Process], work: Path
) -> Result:
    """Judge every output of every engine."""
    result = Result(
        started=datetime.now().astimezone().isoformat(timespec="seconds"), seed=options.seed,
        device=options.device, dtypes=list(options.dtypes), platform=_platform(),
        left_out=made.left_out,
    )  # fmt: skip
    result.engines = [_engine(name, made, processes) for name in ["oracle", *made.names]]
    result.cases = [_case(case, hashes, made.jobs, work) for case in made.cases]
    court = judge.Judge(made, processes, hashes, work)
    for case in made.cases:
        for job in (job for job in made.jobs if job.case == case.name):
            result.rows += court.rows(case, job)
            result.costs += court.costs(case, job)
        result.faults += court.faults(case)
        result.curves += court.curves(case)
    return result


def _engine(name: str, made: Plan, processes: dict[str, runner.Process]) -> EngineResult:
    if name in made.absent:
        return EngineResult(name, "absent", made.absent[name])
    if name in made.recorded:
        return EngineResult(name, "recorded", "recorded outputs stand in", versions=references.versions(name))
    process = processes[name]
    return EngineResult(
        name, "error" if process.broken else "ran", process.broken, process.ready.get("device", ""),
        process.ready.get("versions", {}), sum(job["seconds"] for job in process.jobs.values()),
    )  # fmt: skip


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


def _member(option: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"`{option}` must be one of {', '.join(known)}; got {name!r}.")
