"""`python -m compare bench vectors`: nearest neighbours in a table of random vectors, beside gensim.

Both sides search the same array in one process, in turn. The first query pays for the norms of the rows; the later
ones are bound by reading the table once.
"""

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import RenderableType
from rich.text import Text

from compare.bench.options import JsonFile, Out, Quick, Resume, Rounds, Seed
from compare.bench.rounds import ratio
from compare.bench.session import Result, View, session
from compare.bench.tables import Table, beside, footer, verdict

TOP = 10
LATER = "each later query"


def measure_similar(
    rows: int = 400_000, dim: int = 300, repeats: int = 15, many: int = 100, seed: int = 0
) -> list[dict[str, Any]]:
    """Return the seconds of `most_similar` on both sides: the first query, which computes norms, later ones, and many.

    The table is standard normal, float32. Of `many` queries, gensim answers one after the other.

    Raises:
        RuntimeError: the answers differ.
    """
    from tf_emb.vectors import Vectors

    table = np.random.default_rng(seed).standard_normal((rows, dim), np.float32)
    ours = Vectors([f"w{i}" for i in range(rows)], table)
    gensims = _keyed(ours)
    first = _in_turn(lambda: ours.most_similar("w1", topn=TOP), lambda: gensims.most_similar("w1", topn=TOP), 1)
    later = _in_turn(lambda: ours.most_similar("w2", topn=TOP), lambda: gensims.most_similar("w2", topn=TOP), repeats)
    words = ours.labels[:many]
    at_once = _in_turn(
        lambda: ours.neighbours(words, topn=TOP), lambda: [gensims.most_similar(word, topn=TOP) for word in words], 1
    )
    asked = {"first query": first, LATER: later, f"{len(words)} queries at once": at_once}
    return [{"query": query, "ours": ours, "gensim": gensims} for query, (ours, gensims) in asked.items()]


def _keyed(vectors: Any) -> Any:
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(vectors.vector_size)
    keyed.vectors, keyed.index_to_key, keyed.key_to_index = vectors.matrix, vectors.labels, vectors.key_to_index
    return keyed


def _in_turn(
    ours: Callable[[], Any], gensims: Callable[[], Any], repeats: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        mine, theirs = (_timed(ask, into) for ask, into in zip((ours, gensims), seconds, strict=True))
        if _labels(mine) != _labels(theirs):
            raise RuntimeError(f"The same neighbours must be found; got {mine} and {theirs}.")
    return tuple(seconds[0]), tuple(seconds[1])


def _timed(ask: Callable[[], Any], seconds: list[float]) -> Any:
    began = time.perf_counter()
    found = ask()
    seconds.append(time.perf_counter() - began)
    return found


def _labels(found: Any) -> Any:
    return [_labels(of) for of in found] if found and isinstance(found[0], list) else [label for label, _ in found]


QUICK = {"rows": 2_000, "dim": 20}
BAR = 1 / 3  # of gensim's time

Rows = Annotated[int, typer.Option(min=200, help="Rows of the table.")]
Dim = Annotated[int, typer.Option(min=1, help="Size of a vector.")]


def run(
    rows: Rows = 400_000,
    dim: Dim = 300,
    rounds: Rounds = 15,
    seed: Seed = 0,
    resume: Resume = None,
    out: Out = None,
    json: JsonFile = None,
    quick: Quick = False,
) -> None:
    """Nearest neighbours in a table of vectors, beside gensim."""
    size = QUICK if quick else {"rows": rows, "dim": dim}
    with session("vectors", out, json, resume, View(tables)) as bench:
        bench.begin({**size, "rounds": rounds, "seed": seed, "quick": quick})
        for key, _ in bench.left({"most_similar": None}):
            found = measure_similar(**size, repeats=rounds, seed=seed)
            bench.add(key, {"queries": found})


def tables(result: Result) -> Iterator[RenderableType]:
    """Yield the table, and whether the bar is held."""
    settings = result["settings"]
    table = Table(f"{settings['rows']:,} x {settings['dim']}", "tf_emb, ms", "gensim, ms", "tf_emb / gensim", left=[3])
    queries = [query for measured in result["measured"] for query in measured["queries"]]
    for of in queries:
        share = ratio(of["ours"], of["gensim"])
        table.row(of["query"], *(f"{1000 * median(of[side]):,.1f}" for side in ("ours", "gensim")), beside(share))
    yield table
    yield Text(f"Medians of {settings['rounds']} rounds. Ratios: within a round, median (least..most).")
    for of in queries:
        held = median(of["ours"]) <= BAR * median(of["gensim"])
        yield verdict(held, f"{of['query']}: at most a third of gensim's time")
    yield from footer(result)
