"""Where the time of training goes: nanoseconds per kept word, by type of operation, on one thread.

A round trains twice, once with the clock alone and once under TensorFlow's profiler. The whole is the first; the
operations are the second. The rest of the whole lies between operations: the executor that finds what is ready, its
memory, Python between chunks, and operations that TensorFlow considers too small to trace. The random draws of a chunk
are included, like its steps.

The profiler writes a protocol buffer, XSpace; its parser comes with TensorFlow. An operation is an event named
"name:Type"; operations that run inside another one have events of their own, and are not counted twice.
"""

import re
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from compare.bench.machine.corpora import MODELS, Corpus, Trained, with_length
from compare.bench.tables import Table

BETWEEN = "between operations"
WORDS, QUICK = 400_000, 20_000
SHOWN = 4  # types named below the table
HOST = "/host:CPU"
OPERATION = re.compile(r"[^:\s]+:(\w+)")
Event = tuple[int, int, str]  # start and duration, both in picoseconds, and the type of the operation

GROUPS = {
    "gathers": r"\w*Gather(V2|Nd)?",
    "matrix products": r"\w*MatMul(V2|V3)?|_?\w*Einsum",
    "sparse products": r"\w*(Sparse|CSR)\w*",
    "unique": r"Unique\w*",
    "scatter, segment sums": r"\w*(Scatter|Segment)\w*|Resource\w*Apply\w*|Assign(Add|Sub)?VariableOp",
    "sigmoid, log, elementwise": r"\w*(Sigmoid|Log|Log1p|Exp|Softplus|Tanh|Relu)(Grad)?|(Add|Sub|Mul|Div|Real|Floor)\w*"
    r"|Neg|Abs|Sign|Maximum|Minimum|Square\w*|R?[Ss]qrt\w*|Select\w*|Logical\w*|Less\w*|Greater\w*|(Not)?Equal|Cast"
    r"|Sum|Max|Min|Mean|Prod|Cumsum",
    "random draws": r"\w*Random\w*",
    "copies": r"Concat\w*|Pack|Unpack|Split\w*|\w*Slice\w*|Pad\w*|Tile|Transpose|BroadcastTo|Fill|\w*Copy|Reverse\w*",
}
REST = "the rest"
_ORDER = ("sparse products", *(name for name in GROUPS if name != "sparse products"))  # SparseMatrixMatMul is no MatMul


def group(kind: str) -> str:
    """Return the group of a type of operation."""
    return next((name for name in _ORDER if re.fullmatch(GROUPS[name], kind)), REST)


def profiled(call: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return what `call` returns, and the nanoseconds in every type of operation while it ran.

    Raises:
        RuntimeError: the profiler saw no operation.
    """
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2, python_tracer_level=0)
        tf.profiler.experimental.start(folder, options)
        try:
            result = call()
        finally:
            tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace()
        for path in Path(folder).rglob("*.xplane.pb"):
            space.MergeFromString(path.read_bytes())
    taken = nanoseconds(map(typed, lines(space)))
    if not taken:
        raise RuntimeError("TensorFlow's profiler saw no operation. Its format of events may have changed.")
    return result, taken


def lines(space: Any) -> list[list[tuple[int, int, str]]]:
    """Return the events of every thread of the host: start, duration, name."""
    return [
        [(event.offset_ps, event.duration_ps, plane.event_metadata[event.metadata_id].name) for event in line.events]
        for plane in space.planes
        if plane.name == HOST
        for line in plane.lines
    ]


def typed(events: Iterable[tuple[int, int, str]]) -> list[Event]:
    """Return the events that are operations, with their types."""
    found = [(start, taken, OPERATION.fullmatch(name)) for start, taken, name in events]
    return [(start, taken, match[1]) for start, taken, match in found if match]


def nanoseconds(threads: Iterable[list[Event]]) -> dict[str, float]:
    """Return the time in every type, excluding that of nested operations."""
    total: defaultdict[str, float] = defaultdict(float)
    for events in threads:
        open_: list[tuple[int, str]] = []  # ends and types of the enclosing operations
        for start, taken, kind in sorted(events, key=lambda event: (event[0], -event[1])):
            while open_ and open_[-1][0] <= start:
                open_.pop()
            if open_:
                total[open_[-1][1]] -= taken / 1e3
            total[kind] += taken / 1e3
            open_.append((start + taken, kind))
    return dict(total)


def measure(corpus: Corpus, *, threads: int, rounds: int, quick: bool, seed: int) -> dict[str, Any]:
    """Return the time by operation of every model; the process is limited to one thread already.

    Raises:
        ValueError: `threads` is not 1.
    """
    if threads != 1:
        raise ValueError(f"`threads` must be 1, or operations overlap; got {threads}. Use one thread.")
    part = with_length(corpus, QUICK if quick else WORDS)
    return {
        "rounds": rounds,
        "models": {name: of_model(part, options | {"seed": seed}, rounds) for name, options in MODELS.items()},
    }


def of_model(corpus: Corpus, options: Mapping[str, Any], rounds: int) -> dict[str, Any]:
    """Return the time by operation of one model."""
    trained = Trained(corpus, **options)
    plain, traced, operations = [], [], []
    for _ in range(rounds):
        turn = trained.turn(corpus)
        plain.append(1e9 * turn["seconds"] / turn["kept"])
        trained.reset()
        turn, taken = profiled(lambda: trained.train(corpus))
        traced.append(1e9 * turn["seconds"] / turn["kept"])
        operations.append({kind: ns / turn["kept"] for kind, ns in taken.items()})
    return shares(statistics.median(plain), medians(operations)) | {"traced": statistics.median(traced)}


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of every type; 0 in a round without it."""
    return {
        kind: statistics.median(of.get(kind, 0.0) for of in rounds)
        for kind in dict.fromkeys(kind for of in rounds for kind in of)
    }


def shares(whole: float, operations: Mapping[str, float]) -> dict[str, Any]:
    """Return each group's share of the whole; all in nanoseconds per kept word, operations under the profiler."""
    groups = dict.fromkeys((*GROUPS, REST), 0.0)
    for kind, ns in operations.items():
        groups[group(kind)] += ns
    groups[BETWEEN] = whole - sum(groups.values())
    return {
        "whole": whole,
        "groups": {name: {"ns": ns, "share": ns / whole} for name, ns in groups.items()},
        "operations": dict(sorted(operations.items(), key=lambda of: -of[1])),
    }


def tables(result: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield the groups of every model side by side, and the types that cost most."""
    models = result["models"]
    first, second = zip(*(name.split(", ") for name in models), strict=True)
    table = Table("nanoseconds per kept word,", *first)
    table.row("and share of the whole", *second)
    for row in (*GROUPS, REST, BETWEEN):
        table.row(row, *(_cell(**model["groups"][row]) for model in models.values()))
    sums = [sum(of["share"] for of in model["groups"].values()) for model in models.values()]
    wholes = zip((model["whole"] for model in models.values()), sums, strict=True)
    table.row("the whole", *(_cell(ns, share) for ns, share in wholes), style="bold")
    yield table
    for name, of in models.items():
        most = ", ".join(f"{kind} {ns:,.0f}" for kind, ns in list(of["operations"].items())[:SHOWN])
        yield Text(f"{name}: {most}; the whole under the profiler {of['traced']:,.0f}.")
    yield Text(f"One thread, medians of {result['rounds']} rounds; the whole without the profiler.", "dim")


def _cell(ns: float, share: float) -> str:
    return f"{ns:,.0f} {share:>6.1%}"
