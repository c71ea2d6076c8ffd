"""What TensorFlow's profiler saw of a call: nanoseconds in every type of operation.

The profiler writes a protocol buffer, XSpace; its parser comes with TensorFlow. An operation is an event named
"name:Type"; operations that run inside another one have events of their own, and are not counted twice.
"""

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

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
    taken = nanoseconds(map(operations, lines(space)))
    if not taken:
        raise RuntimeError("TensorFlow's profiler saw no operation. Its format of events may have changed.")
    return result, taken


def lines(space: Any) -> list[list[tuple[int, int, str]]]:
    """Return the events of every thread of the host: start, duration, name."""
    return [
        [(event.offset_ps, event.duration_ps, plane.event_metadata[event.metadata_id].name) for event in line.events]
        for plane in space.planes if plane.name == HOST for line in plane.lines
    ]  # fmt: skip


def operations(events: Iterable[tuple[int, int, str]]) -> list[Event]:
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
