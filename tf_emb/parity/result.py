"""What a parity run found: plain data between the runner and the reports."""

from dataclasses import dataclass, field
from typing import Any

from tf_emb.parity.check import Row

REPETITIONS = 9  # of what is timed, besides a warm-up


@dataclass(frozen=True)
class FaultResult:
    """Whether a planted fault was seen. `used` maps a dtype to the largest share of a bound it used."""

    case: str
    name: str
    old: str
    new: str
    used: dict[str, float]
    caught: bool
    message: str = ""


@dataclass(frozen=True)
class Curve:
    """Growth of the error along a trajectory.

    Attributes:
        case: name of the case; `output` is one of its outputs.
        output: a table recorded at `steps`.
        steps: the step after which each point was recorded.
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
    """Seconds of a thing beside its peer's: medians of interleaved repetitions in one process."""

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
        """How many times the peer's time."""
        return self.seconds / self.peer_seconds


@dataclass(frozen=True)
class EngineResult:
    """What became of an engine: `status` is ran, recorded, absent or error."""

    name: str
    status: str
    message: str = ""
    device: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass
class Result:
    """Everything a report says.

    `cases` holds, for each case, its name, claim, cite, inputs (name to shape and dtype), input hash for
    each dtype, `bounds` (output to derivation) and `diverges` (engine to what, cite, old, new). `left_out`
    holds the names of the cases and engines that a quick run does without; a whole run leaves it empty.
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
        """Failed rows, faults that were not caught, and engines that broke."""
        broken = sum(engine.status == "error" for engine in self.engines)
        return sum(row.failed for row in self.rows) + sum(not f.caught for f in self.faults) + broken

    @property
    def passed(self) -> int:
        """Rows that agree, divergences that are as declared, and faults that were caught."""
        agreed = sum(row.status in ("pass", "diverges", "healed") for row in self.rows)
        return agreed + sum(f.caught for f in self.faults)

    @property
    def last_line(self) -> str:
        """The line a run ends with; that of a quick run says so."""
        quick = f" (quick: {self.quick})" if self.left_out else ""
        return f"{self.passed} passed, {self.failed} failed{quick}"

    @property
    def quick(self) -> str:
        """How much of the whole a quick run is."""
        engines = [engine.status != "absent" for engine in self.engines if engine.name != "oracle"]
        ran = {"cases": len(self.cases), "engines": sum(engines)}
        whole = {kind: len(names) for kind, names in self.left_out.items()}
        whole = {"cases": whole["cases"] + len(self.cases), "engines": whole["engines"] + len(engines)}
        return ", ".join(f"{ran[kind]} of {whole[kind]} {kind}" for kind in whole)
