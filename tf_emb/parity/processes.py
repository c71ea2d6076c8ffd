"""One process per engine, and what it reports while it runs."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tf_emb.parity.events import MARK
from tf_emb.parity.jobs import Job


@dataclass
class Process:
    """The process of one engine.

    Attributes:
        name: the engine's name, or "oracle".
        ready: what it reported once loaded: versions, device.
        jobs: what it reported for every job it finished.
        broken: why it did not finish; empty if it did.
    """

    name: str
    ready: dict[str, Any] = field(default_factory=dict)
    jobs: dict[Job, dict[str, Any]] = field(default_factory=dict)
    broken: str = ""

    def hear(self, event: dict[str, Any]) -> None:
        """Record one event."""
        kind = event.pop("event")
        if kind == "ready":
            self.ready = event
        elif kind == "job":
            self.jobs[Job(event.pop("case"), event.pop("dtype"))] = event
        elif kind == "broken":
            self.broken = event["message"]


def run_all(
    names: list[str], work: Path, device: str, on_job: Callable[[str, str], None] = lambda engine, case: None
) -> dict[str, Process]:
    """Run the oracle and the engines `names` at the same time; return what each reported.

    Args:
        names: engines; "oracle" is the process that computes the expected outputs and their bounds.
        work: the folder that holds jobs.json and the inputs, and receives the outputs and one log per process.
        device: "cpu" or "gpu".
        on_job: called with the names of the process and the case whenever a job is done.
    """
    processes = [Process(name) for name in names]
    children: list[subprocess.Popen[str]] = []
    threads = [threading.Thread(target=_follow, args=(p, work, device, on_job, children)) for p in processes]
    try:
        for thread in threads:
            thread.start()
    finally:
        _join(threads, children)
    return {process.name: process for process in processes}


def _join(threads: list[threading.Thread], children: list["subprocess.Popen[str]"]) -> None:
    """Wait for every process; an interruption ends them all before it propagates."""
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        for child in children:
            child.terminate()
        raise


def _follow(
    process: Process,
    work: Path,
    device: str,
    on_job: Callable[[str, str], None],
    children: list["subprocess.Popen[str]"],
) -> None:
    module = ["tf_emb.parity.oracle", str(work)]
    if process.name != "oracle":
        module = ["tf_emb.parity.worker", process.name, str(work), device]
    log = work / f"{process.name}.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", *module],
            env=_environment(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as child,
    ):
        children.append(child)
        for line in child.stdout or ():
            if line.startswith(MARK):
                event = json.loads(line.removeprefix(MARK))
                job = event.get("case")
                process.hear(event)
                if job:
                    on_job(process.name, job)
    if child.returncode and not process.broken:
        lines = log.read_text().strip().splitlines()
        process.broken = f"exit status {child.returncode}: {lines[-1] if lines else 'no message'}"


def _environment() -> dict[str, str]:
    """Return the environment of a child: the parent's import path, and one thread.

    Processes run side by side, and a result must not depend on a thread count.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **single, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
