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

from tf_emb.parity.events import MARK, PARENT, ended
from tf_emb.parity.jobs import Job, todo

# Seconds for one case at one dtype, or for loading.
PATIENCE = 1800.0


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

    def where(self, jobs: list[Job]) -> str:
        """Return what it does, or did last: it takes the jobs in their order."""
        if not self.ready:
            return "while it loaded"
        at = next((job for job in jobs if job not in self.jobs), None)
        return f"in case {at.case} at {at.dtype}" if at else "after its last case"


def run_all(
    names: list[str],
    work: Path,
    device: str,
    on_job: Callable[[str, str], None] = lambda engine, case: None,
    patience: float = PATIENCE,
) -> dict[str, Process]:
    """Run the oracle and the engines `names` at the same time; return what each reported.

    Args:
        names: engines; "oracle" is the process that computes the expected outputs and their bounds.
        work: the folder that holds jobs.json and the inputs, and receives the outputs and one log per process.
        device: "cpu" or "gpu".
        on_job: called with the names of the process and the case whenever a job is done.
        patience: seconds in which a process must load, or finish a case; one that does not is killed.
    """
    processes = [Process(name) for name in names]
    children: list[subprocess.Popen[str]] = []
    arguments = (work, device, on_job, children, patience)
    threads = [threading.Thread(target=_followed, args=(p, *arguments), daemon=True) for p in processes]
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
            child.kill()  # a stopped one would not hear SIGTERM
        raise


def _followed(process: Process, *arguments: Any) -> None:
    """Follow a child; what goes wrong with that is what the process is told to have broken by."""
    try:
        _follow(process, *arguments)
    except OSError as error:
        process.broken = f"{process.name} could not be followed: {error}"


def _follow(
    process: Process,
    work: Path,
    device: str,
    on_job: Callable[[str, str], None],
    children: list["subprocess.Popen[str]"],
    patience: float,
) -> None:
    module = ["tf_emb.parity.oracle", str(work)]
    if process.name != "oracle":
        module = ["tf_emb.parity.worker", process.name, str(work), device]
    log, jobs = work / f"{process.name}.log", todo(work)[1]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", *module],
            env=_environment(),
            text=True,
            errors="replace",
            stdin=subprocess.PIPE,  # its end tells the child that this process is gone
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as child,
    ):
        children.append(child)
        late = _listen(process, child, on_job, patience)
    if late:
        process.broken = f"{process.name} gave no answer in {patience:g} s {process.where(jobs)}; it was ended"
    elif (child.returncode or any(job not in process.jobs for job in jobs)) and not process.broken:
        lines = log.read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "no message"
        process.broken = f"{process.name} {ended(child.returncode)} {process.where(jobs)}: {last}"


def _listen(
    process: Process, child: "subprocess.Popen[str]", on_job: Callable[[str, str], None], patience: float
) -> bool:
    """Hear the events of a child until it ends; return whether it was killed because it was silent for too long."""
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    timer = _timer(patience, end)
    for line in child.stdout or ():
        if (event := _event(line)) is None:
            continue
        timer.cancel()
        timer = _timer(patience, end)
        job = event.get("case")
        process.hear(event)
        if job:
            on_job(process.name, job)
    child.wait()
    timer.cancel()
    return late.is_set()


def _timer(seconds: float, function: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, function)
    timer.daemon = True
    timer.start()
    return timer


def _event(line: str) -> dict[str, Any] | None:
    """Return the event that a line tells; None if it tells none, as the half of a line of a process that died."""
    if not line.startswith(MARK):
        return None
    try:
        event = json.loads(line.removeprefix(MARK))
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _environment() -> dict[str, str]:
    """Return the environment of a child: the parent's import path, and one thread.

    Processes run side by side, and a result must not depend on a thread count.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        **os.environ,
        **single,
        PARENT: str(os.getpid()),
        "PYTHONPATH": path,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
    }
