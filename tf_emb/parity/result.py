"""What a parity run found: plain data, passed from the run to the reports."""

from dataclasses import dataclass, field
from typing import Any

from tf_emb.parity.check import Row

REPETITIONS = 9  # of what is timed, besides a warm-up


@dataclass(frozen=True)
class FaultResult:
    """Whether a planted fault was caught. `used` maps each dtype to the largest share of a bound that it used."""

    case: str
    name: str
    old: str
    new: str
    used: dict[str, float]
    caught: bool
    message: str = ""


@dataclass(frozen=True)
class Curve:
    """How the error grew along a trajectory.

    Attributes:
        case: the name of the case.
        output: one of its outputs, a table recorded at `steps`.
        steps: the steps after which it was recorded.
        envelope: dtype to the largest allowed error at each step.
        errors: "engine dtype" to the largest measured error at each step.
        first_outside: "engine dtype" to the first recorded step past the envelope; absent if none.
    """

    case: str
    output: str
    steps: list[int]
    envelope: dict[str, list[float]]
    errors: dict[str, list[float]]
    first_outside: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """The time of something and of its peer, in seconds: medians of interleaved repetitions in one process."""

    case: str
    engine: str
    dtype: str
    what: str
    seconds: float
    peer: str
    peer_seconds: float
    repetitions: int

    @property
    def ratio(self) -> float:
        """The time as a multiple of the peer's."""
        return self.seconds / self.peer_seconds


@dataclass(frozen=True)
class EngineResult:
    """The outcome of an engine; `status` is ran, recorded, absent or error."""

    name: str
    status: str
    message: str = ""
    device: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass
class Result:
    """Everything a report says.

    `cases` holds for each case its name, claim, cite, inputs (name to shape and dtype), input hash for
    each dtype, `bounds` (output to derivation) and `diverges` (engine to what, cite, old, new). `left_out`
    holds the names of the cases and engines that a quick run skips; it is empty for a whole run.
    """

    started: str
    seed: int
    device: str
    dtypes: list[str]
    platform: dict[str, str]
    engines: list[EngineResult] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    faults: list[FaultResult] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    seconds: float = 0.0
    command: str = ""
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """The number of failed rows, uncaught faults and broken engines."""
        broken = sum(engine.status == "error" for engine in self.engines)
        return sum(row.failed for row in self.rows) + sum(not f.caught for f in self.faults) + broken

    @property
    def passed(self) -> int:
        """The number of rows that agree or diverge as declared, and of faults caught."""
        agreed = sum(row.status in ("pass", "diverges", "healed") for row in self.rows)
        return agreed + sum(f.caught for f in self.faults)

    @property
    def last_line(self) -> str:
        """The last line of a run, which says so if the run was quick."""
        quick = f" (quick: {self.quick})" if self.left_out else ""
        return f"{self.passed} passed, {self.failed} failed{quick}"

    @property
    def quick(self) -> str:
        """What share of the whole suite a quick run covers."""
        engines = [engine.status != "absent" for engine in self.engines if engine.name != "oracle"]
        ran = {"cases": len(self.cases), "engines": sum(engines)}
        whole = {kind: len(names) for kind, names in self.left_out.items()}
        whole = {"cases": whole["cases"] + len(self.cases), "engines": whole["engines"] + len(engines)}
        return ", ".join(f"{ran[kind]} of {whole[kind]} {kind}" for kind in whole)
