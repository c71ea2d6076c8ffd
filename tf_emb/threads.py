"""Jobs on several threads: one queue, results handed over one at a time, and the first error stops all."""

import threading
from collections.abc import Callable, Iterator
from typing import Any


def run_threads(work: Iterator[Callable[[], Any]], threads: int, done: Callable[[Any], bool]) -> None:
    """Call every job of `work`, `threads` at a time, and pass each result to `done` until it returns True.

    Jobs are taken in order. `done` is never called by two threads at once. The first exception, or an interruption,
    stops every thread after its current job and is raised here.
    """
    lock, failed, stop = threading.Lock(), [], threading.Event()

    def loop() -> None:
        try:
            while not stop.is_set():
                with lock:
                    job = next(work, None)
                if job is None:
                    return
                result = job()
                with lock:
                    if done(result):
                        stop.set()
        except BaseException as error:  # raised below, in the caller's thread
            failed.append(error)
            stop.set()

    if threads == 1:
        loop()
    else:
        _join([threading.Thread(target=loop, daemon=True) for _ in range(threads)], stop)
    if failed:
        raise failed[0]


def _join(workers: list[threading.Thread], stop: threading.Event) -> None:
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join()
    except BaseException:
        stop.set()  # each thread finishes its job, so that shared tables are left whole
        for worker in workers:
            worker.join()
        raise
