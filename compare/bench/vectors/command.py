"""`python -m compare bench vectors`: nearest neighbours in a table of random vectors, beside gensim.

Both sides search the same array in one process, in turn. The first query pays for the norms of the rows; the later
ones are bound by reading the table once.
"""

from collections.abc import Iterator
from statistics import median
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from compare.bench.options import JsonFile, Out, Quick, Resume, Rounds, Seed
from compare.bench.rounds import ratio
from compare.bench.session import Result, View, session
from compare.bench.tables import Table, beside, footer, verdict
from compare.bench.vectors.search import LATER, measure_similar

QUICK = {"rows": 2_000, "dim": 20}
BAR = 1 / 3  # of gensim's time, for each query after the first

Rows = Annotated[int, typer.Option(min=200, help="Rows of the table.")]
Dim = Annotated[int, typer.Option(min=1, help="Size of a vector.")]


def run(
    rows: Rows = 400_000, dim: Dim = 300, rounds: Rounds = 15, seed: Seed = 0, resume: Resume = None, out: Out = None,
    json: JsonFile = None, quick: Quick = False,
) -> None:  # fmt: skip
    """Nearest neighbours in a table of vectors, beside gensim."""
    size = QUICK if quick else {"rows": rows, "dim": dim}
    with session("vectors", out, json, resume, View(tables)) as bench:
        bench.begin({**size, "rounds": rounds, "seed": seed, "quick": quick})
        for key, _ in bench.left({"most_similar": None}):
            found = measure_similar(**size, repeats=rounds, seed=seed)
            bench.add(key, {"queries": [{"query": of.query, "ours": of.ours, "gensim": of.gensims} for of in found]})


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
    for of in (query for query in queries if query["query"] == LATER):
        held = median(of["ours"]) <= BAR * median(of["gensim"])
        yield verdict(held, f"{LATER}: at most a third of gensim's time")
    yield from footer(result)
