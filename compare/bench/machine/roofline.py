"""How near training comes to what the machine can do.

    roof = 1 / max(flops / peak, bytes / bandwidth) kept words per second

with flops and bytes per kept word by formula (`needs`), the peak that of large matrix products, and the bandwidth that
of rows in random order. Peaks and training take turns in the same process; a share is taken within a round.

A peak is measured with Python threads, each of which has its own share of the work and one thread per operation, as in
training. It is the maximum of some repetitions: a disturbance can only slow them down.

Williams, Waterman and Patterson 2009, "Roofline: An Insightful Visual Performance Model for Multicore Architectures".
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from compare.bench.machine.corpora import MODELS, Corpus, Trained, with_length
from compare.bench.machine.needs import Needs, needs
from compare.bench.tables import Table

WORDS, QUICK = 1_000_000, 20_000
REPETITIONS = 5
SIZES = {"side": 2048, "copied": 64 * 2**20, "rows": 1_000_000, "gathered": 4096, "batches": 100}
QUICK_SIZES = {"side": 128, "copied": 2**18, "rows": 5_000, "gathered": 512, "batches": 4}
LEGEND = (
    "Kept words. flop: of the products that have weight, per word. In blocks: with those that have none, which a block "
    "computes along with them. Bytes: rows read and written back. Roof: 1 / max(flop / peak, bytes / random rows). "
    "Reached: measured over roof. Of peak: flop in blocks over the peak. dim {dim}, medians of {rounds} rounds."
)
UNITS = {"flops": "float32 products, Gflop/s", "copy": "copy, read and written, GB/s", "rows": "random rows read, GB/s"}


def measure(corpus: Corpus, *, threads: int, rounds: int, quick: bool, seed: int) -> dict[str, Any]:
    """Return peaks, needs and what is reached; the process is limited to `threads` threads already."""
    part = with_length(corpus, QUICK if quick else WORDS)
    models = {name: Trained(part, threads=threads, seed=seed, **options) for name, options in MODELS.items()}
    dim = next(iter(models.values())).options.dim
    peak, limits = peaks(threads, dim, quick, seed), []
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in models}
    for _ in range(rounds):
        limits.append(peak())
        for name, trained in models.items():
            turns[name].append(trained.turn(part))
    needed = {name: needs(trained.options, part.counts) for name, trained in models.items()}
    return {
        "threads": threads,
        "rounds": rounds,
        "dim": dim,
        "peaks": {name: statistics.median(of[name] for of in limits) for name in UNITS},
        "models": {name: reached(needed[name], limits, turns[name]) for name in models},
    }


def roof(of: Needs, limits: Mapping[str, float]) -> dict[str, Any]:
    """Return the kept words per second that the machine allows, and what limits them: "products" or "rows"."""
    seconds = {"products": of.flops / limits["flops"], "rows": of.bytes / limits["rows"]}
    bound = max(seconds, key=lambda name: seconds[name])
    return {"kept_words_per_second": 1 / seconds[bound], "bound": bound}


def reached(of: Needs, limits: Sequence[Mapping[str, float]], turns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the medians of the rounds: the roof, what is measured, and the share of it.

    "product_share" is the share of the peak that all products of a block take, including those without weight.
    """
    measured = [turn["kept"] / turn["seconds"] for turn in turns]
    roofs = [roof(of, each) for each in limits]
    both = list(zip(measured, roofs, limits, strict=True))
    return asdict(of) | {
        "roof": statistics.median(each["kept_words_per_second"] for each in roofs),
        "bound": statistics.mode(each["bound"] for each in roofs),
        "kept_words_per_second": statistics.median(measured),
        "raw_words_per_second": statistics.median(turn["words"] / turn["seconds"] for turn in turns),
        "share": statistics.median(speed / each["kept_words_per_second"] for speed, each, _ in both),
        "product_share": statistics.median(speed * of.block_flops / each["flops"] for speed, _, each in both),
    }


def tables(results: Sequence[dict[str, Any]]) -> Iterator[RenderableType]:
    """Yield the peaks and the models, for each number of threads."""
    peaks = Table("the machine, threads", *(str(of["threads"]) for of in results))
    for name, said in UNITS.items():
        peaks.row(said, *(f"{of['peaks'][name] / 1e9:.1f}" for of in results))
    yield from (peaks, Text())
    yield _models(results)
    yield Text(LEGEND.format(**results[0]))


def _models(results: Sequence[dict[str, Any]]) -> Table:
    heads = ("flop", "in blocks", "bytes", "roof", "measured", "reached", "of peak", "bound")
    table = Table("words/s", *heads, left=[len(heads)])
    for result in results:
        table.heading(f"threads: {result['threads']}")
        for name, of in result["models"].items():
            table.row(
                f"  {name}", *(f"{of[key]:,.0f}" for key in ("flops", "block_flops", "bytes")),
                *(f"{of[key] / 1e3:,.0f}k" for key in ("roof", "kept_words_per_second")),
                f"{of['share']:.1%}", f"{of['product_share']:.1%}", of["bound"],
            )  # fmt: skip
    return table


def peaks(threads: int, dim: int, quick: bool, seed: int) -> Callable[[], dict[str, float]]:
    """Return a function that measures flops and bytes per second once, its arrays already allocated."""
    size = QUICK_SIZES if quick else SIZES
    parts = {"flops": products(threads, size["side"]), "copy": copies(threads, size["copied"]),
             "rows": gathers(threads, size, dim, seed)}  # fmt: skip
    return lambda: {name: max(once() for _ in range(REPETITIONS)) for name, once in parts.items()}


def at_once(jobs: Sequence[Callable[[], Any]]) -> float:
    """Return the seconds until all jobs, one thread each, are done."""
    threads = [threading.Thread(target=job) for job in jobs]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def products(threads: int, side: int) -> Callable[[], float]:
    """Return a function that measures flops per second in products of square float32 matrices, 2 side^3 each."""
    import tensorflow as tf

    a, b = (tf.random.stateless_uniform((side, side), (seed, 0)) for seed in range(2))

    def job() -> None:
        tf.linalg.matmul(a, b)[0, 0].numpy()

    return lambda: threads * 2 * side**3 / at_once([job] * threads)


def copies(threads: int, elements: int) -> Callable[[], float]:
    """Return a function that measures bytes per second, read and written, copying arrays larger than a cache."""
    arrays = [(np.zeros(elements, np.float32), np.ones(elements, np.float32)) for _ in range(threads)]
    jobs = [partial(np.copyto, to, of) for to, of in arrays]
    return lambda: threads * 2 * 4 * elements / at_once(jobs)


def gathers(threads: int, size: dict[str, int], dim: int, seed: int) -> Callable[[], float]:
    """Return a function that measures bytes per second, read, gathering random rows of a table larger than a cache."""
    import tensorflow as tf

    table = tf.random.stateless_uniform((size["rows"], dim), (seed, 2))
    shape = (threads, size["batches"], size["gathered"])
    ids = np.random.default_rng(seed).integers(0, size["rows"], shape, np.int32)
    batches = [[tf.constant(batch) for batch in of] for of in ids]

    def job(mine: list[Any]) -> None:
        for batch in mine:
            tf.gather(table, batch)

    jobs = [partial(job, mine) for mine in batches]
    return lambda: 4 * dim * ids.size / at_once(jobs)
