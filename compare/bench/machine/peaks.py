"""What a machine can do: products, memory, and rows in random order, on one thread or several.

Each is measured with Python threads, each of which has its own share of the work and one thread per operation, as in
training. A peak is the maximum of some repetitions: a disturbance can only slow them down.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

REPETITIONS = 5
SIZES = {"side": 2048, "copied": 64 * 2**20, "rows": 1_000_000, "gathered": 4096, "batches": 100}
QUICK = {"side": 128, "copied": 2**18, "rows": 5_000, "gathered": 512, "batches": 4}


def peaks(threads: int, dim: int, quick: bool, seed: int) -> Callable[[], dict[str, float]]:
    """Return a function that measures the peaks once, its arrays already allocated: flops and bytes per second.

    Args:
        threads: how many run at once.
        dim: of the gathered rows.
        quick: small sizes, for tests.
        seed: the seed of the ids.
    """
    size = QUICK if quick else SIZES
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
