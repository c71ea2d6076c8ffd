"""Where the time of training goes: nanoseconds per kept word, by type of operation, on one thread.

A round trains twice, once with the clock alone and once under TensorFlow's profiler. The whole is the first; the
operations are the second. The rest of the whole lies between operations: the executor that finds what is ready, its
memory, Python between chunks, and operations that TensorFlow considers too small to trace. The random draws of a chunk
are included, like its steps.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from compare.bench.machine.corpora import Corpus, with_length
from compare.bench.machine.profile import GROUPS, REST, group, profiled
from compare.bench.machine.trained import MODELS, Trained
from compare.bench.tables import Table

BETWEEN = "between operations"
WORDS, QUICK = 400_000, 20_000
SHOWN = 4  # types named below the table


def measure(corpus: Corpus, *, threads: int, rounds: int, quick: bool, seed: int) -> dict[str, Any]:
    """Return the time by operation of every model; the process is limited to one thread already.

    Raises:
        ValueError: `threads` is not 1.
    """
    if threads != 1:
        raise ValueError(f"`threads` must be 1, or operations overlap; got {threads}. Use one thread.")
    part = with_length(corpus, QUICK if quick else WORDS)
    return {"rounds": rounds, "models": {name: of_model(part, options | {"seed": seed}, rounds)
                                         for name, options in MODELS.items()}}  # fmt: skip


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
    return {kind: statistics.median(of.get(kind, 0.0) for of in rounds)
            for kind in dict.fromkeys(kind for of in rounds for kind in of)}  # fmt: skip


def shares(whole: float, operations: Mapping[str, float]) -> dict[str, Any]:
    """Return the groups, each with its nanoseconds and its share of the whole.

    Args:
        whole: nanoseconds per kept word, without the profiler.
        operations: the same for every type of operation, under the profiler.
    """
    groups = dict.fromkeys((*GROUPS, REST), 0.0)
    for kind, ns in operations.items():
        groups[group(kind)] += ns
    groups[BETWEEN] = whole - sum(groups.values())
    return {"whole": whole, "groups": {name: {"ns": ns, "share": ns / whole} for name, ns in groups.items()},
            "operations": dict(sorted(operations.items(), key=lambda of: -of[1]))}  # fmt: skip


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
