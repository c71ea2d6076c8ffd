"""Jobs on worker threads: one queue, results handed over one at a time, and the first error stops all."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Lock(AbstractContextManager["Lock"]):
    """A lock that a thread may take twice, and that is copied and pickled as a new one with what holds it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> "Lock":
        self._lock.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type["Lock"], tuple[()]]:
        return Lock, ()


def run_threads(
    work: Iterator[Callable[[], Any]],
    threads: int,
    done: Callable[[Any], bool],
    alone: AbstractContextManager[Any] | None = None,
) -> None:
    """Call every job of `work`, `threads` at a time, and pass each result to `done` until it returns True.

    Jobs are taken in order. `done` is never called by two threads at once. The first exception, or an interruption,
    stops every thread after its current job and is raised here.

    A single thread is a worker too: Ctrl-C, which Python raises in the main thread, then never falls between a job and
    its `done`. A second interruption does not wait for the jobs that are under way.

    Args:
        work: the jobs.
        threads: number of threads.
        done: takes a result; returns whether to stop.
        alone: entered around each job and its `done` by a single thread, and around `done` by several.
    """
    lock, failed, stop = threading.Lock(), [], threading.Event()
    alone = nullcontext() if alone is None else alone
    around_both, around_done = (alone, nullcontext()) if threads == 1 else (nullcontext(), alone)

    def loop() -> None:
        try:
            while not stop.is_set():
                with lock:
                    job = next(work, None)
                if job is None:
                    return
                with around_both:
                    result = job()
                    with lock, around_done:
                        if done(result):
                            stop.set()
        except BaseException as error:  # raised below, in the caller's thread
            failed.append(error)
            stop.set()

    _join([threading.Thread(target=loop, daemon=True) for _ in range(threads)], stop)
    if failed:
        raise failed[0]


def _join(workers: list[threading.Thread], stop: threading.Event) -> None:
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    except BaseException:
        stop.set()  # each thread finishes its job, so that shared tables are left whole
        for worker in workers:
            if worker.ident is not None:
                worker.join()
        raise
