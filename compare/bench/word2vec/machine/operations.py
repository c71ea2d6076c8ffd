"""Where the time of training goes: nanoseconds a kept word, by type of operation, on one thread.

A round trains twice, once by the clock alone and once under TensorFlow's profiler. The whole is the first; the
operations are the second; what is left of the whole lies between operations: the executor that finds what is ready,
its memory, Python between chunks, and operations that TensorFlow takes for too small to be traced. The draws of a
chunk are in it like its steps.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from compare.bench.word2vec.machine.corpora import Corpus, with_length
from compare.bench.word2vec.machine.profile import GROUPS, REST, group, profiled
from compare.bench.word2vec.machine.trained import MODELS, Trained

BETWEEN = "between operations"
WORDS, QUICK = 400_000, 20_000
SHOWN = 4  # types named below the table


def measure(corpus: Corpus, *, threads: int, rounds: int, quick: bool, seed: int) -> dict[str, Any]:
    """Return the time by operation of every model; the process has one thread by now.

    Raises:
        ValueError: `threads` is not 1.
    """
    if threads != 1:
        raise ValueError(f"`threads` must be 1, or operations overlap; got {threads}. Ask for one thread.")
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
        whole: nanoseconds a kept word, without the profiler.
        operations: the same for every type of operation, under the profiler.
    """
    groups = dict.fromkeys((*GROUPS, REST), 0.0)
    for kind, ns in operations.items():
        groups[group(kind)] += ns
    groups[BETWEEN] = whole - sum(groups.values())
    return {"whole": whole, "groups": {name: {"ns": ns, "share": ns / whole} for name, ns in groups.items()},
            "operations": dict(sorted(operations.items(), key=lambda of: -of[1]))}  # fmt: skip


def print_operations(result: dict[str, Any], console: Console) -> None:
    """Print the groups of every model side by side, and the types that cost most."""
    models = result["models"]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("nanoseconds a kept word", no_wrap=True)
    for name in models:
        table.add_column(name.replace(", ", "\n"), justify="right", no_wrap=True)
        table.add_column("\nshare", justify="right", no_wrap=True)
    for row in (*GROUPS, REST, BETWEEN):
        cells = [of["groups"][row] for of in models.values()]
        table.add_row(row, *(said for of in cells for said in (f"{of['ns']:,.0f}", f"{of['share']:.1%}")))
    sums = [sum(of["share"] for of in model["groups"].values()) for model in models.values()]
    wholes = zip((model["whole"] for model in models.values()), sums, strict=True)
    table.add_row("the whole", *(said for ns, share in wholes for said in (f"{ns:,.0f}", f"{share:.1%}")), style="bold")
    console.print(table)
    for name, of in models.items():
        most = ", ".join(f"{kind} {ns:,.0f}" for kind, ns in list(of["operations"].items())[:SHOWN])
        console.print(Text(f"{name}: {most}; the whole under the profiler {of['traced']:,.0f}."))
    console.print(Text(f"One thread, medians of {result['rounds']} rounds; the whole without the profiler.", "dim"))
