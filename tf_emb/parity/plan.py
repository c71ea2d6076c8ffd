"""What a run consists of: the cases, dtypes and engines that the options select, and the inputs drawn for them."""

import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tf_emb.parity import engines
from tf_emb.parity.case import Case, at_dtype
from tf_emb.parity.dtypes import DTYPES
from tf_emb.parity.jobs import Job, digest
from tf_emb.parity.processes import PATIENCE
from tf_emb.parity.stand_ins import StandIns
from tf_emb.parity.suite import Suite


@dataclass(frozen=True)
class Options:
    """What to run of a suite. Empty `cases` and `engines` mean all of them; named engines must load."""

    suite: Suite
    cases: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = DTYPES
    seed: int = 0
    device: str = "cpu"
    full: bool = False
    quick: bool = False
    patience: float = PATIENCE

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
        suite: where the cases come from.
        cases: the selected cases, in the order of the report.
        jobs: one for each case and dtype.
        run: engines that get a process.
        recorded: engines whose recorded outputs stand in for them.
        absent: the remaining engines, each with the reason.
        left_out: what `--quick` skips: kind ("cases", "engines") to names.
    """

    suite: Suite
    cases: list[Case]
    jobs: list[Job]
    run: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def stand_ins(self) -> StandIns:
        """The outputs recorded for engines that are not installed."""
        return StandIns(self.suite.recorded)

    @property
    def names(self) -> list[str]:
        """Every engine of the run, in the order of the report."""
        return [name for name in engines.HOMES if name in {*self.run, *self.recorded, *self.absent}]

    @property
    def judged(self) -> list[str]:
        """The engines that have rows: all but absent optional ones, which a report only names."""
        return [name for name in self.names if not (name in self.absent and engines.HOMES[name].optional)]


def make_plan(options: Options) -> Plan:
    """Decide what runs.

    Raises:
        ValueError: an option names what does not exist.
        ImportError: a named engine is not installed.
    """
    known = options.suite.load()
    chosen = options.chosen(known)
    made = Plan(options.suite, chosen, [Job(case.name, dtype) for case in chosen for dtype in options.at(case)])
    if options.quick:
        made.left_out = {
            "cases": [case.name for case in known.values() if not case.quick],
            "engines": [name for name in engines.HOMES if name not in options.names()],
        }
    recorded = made.stand_ins.engines()
    for name in options.names():
        missing = engines.missing(name)
        if not missing:
            made.run.append(name)
        elif name in options.engines:
            raise ImportError(
                f"`--engine` {name} needs {', '.join(missing)}; not installed. "
                f"Install them with `pip install 'tf-emb[{engines.HOMES[name].extra}]'`, or leave the option out."
            )
        elif name in recorded:
            made.stand_ins.versions(name)  # a damaged record is an error before anything runs
            made.recorded.append(name)
        else:
            made.absent[name] = f"{', '.join(missing)} not installed"
    return made


def draw(
    made: Plan, options: Options, work: Path, on_job: Callable[[str, str], None] = lambda engine, case: None
) -> dict[Job, str]:
    """Draw every input once, round it to each dtype, and write it; return the hash of each job's inputs."""
    hashes = {}
    for case in made.cases:
        x = case.inputs(np.random.default_rng([options.seed, zlib.crc32(case.name.encode())]))
        for job in (job for job in made.jobs if job.case == case.name):
            rounded = at_dtype(x, job.dtype)
            job.save(work, "inputs", rounded)
            hashes[job] = digest(rounded)
            on_job("inputs", case.name)
    jobs = [[job.case, job.dtype] for job in made.jobs]
    (work / "jobs.json").write_text(json.dumps({"suite": made.suite.package, "jobs": jobs}))
    return hashes


def _member(option: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"`{option}` must be one of {', '.join(known)}; got {name!r}.")
