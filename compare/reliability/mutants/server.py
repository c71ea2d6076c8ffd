"""The process that mutants are tested in: `python -m compare.reliability.mutants.server`.

It loads the frameworks, but nothing of this project, and no test; then it forks a child for each line of JSON that it
reads, and says what came. A child loads the library with the mutant in it, so that an error in what is done on import
is one too. Nothing of TensorFlow has run before the fork, so there are no threads that a child would lack.
"""

import contextlib
import importlib
import io
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

from compare.reliability.mutants.planted import Planted
from tf_emb.parity.events import say

LOADED = ("numpy", "pytest", "hypothesis", "scipy.stats", "networkx", "gensim", "sklearn", "tensorflow", "keras",
          "torch", "typer.testing", "rich.progress")  # fmt: skip
WAITING = 6  # times the time that it may compute
QUIET = ("-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist", "-W",
         "ignore::pytest.PytestAssertRewriteWarning")  # fmt: skip


class Recorder:
    """A plugin of pytest that writes, for each test, its time and the lines of the library that it ran."""

    def __init__(self, root: str, path: str) -> None:
        self.root, self.path = root, path
        self.lines: set[tuple[str, int]] = set()
        self.passed, self.began = True, 0.0

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Follow a call if it is of the library."""
        if not frame.f_code.co_filename.startswith(self.root):
            return None
        self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self.line

    def line(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Note a line."""
        if event == "line":
            self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self.line

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> None:
        """Begin a test."""
        import threading

        self.lines.clear()
        self.passed = True
        self.began = time.perf_counter()
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """End a test, whatever came of it."""
        self.passed = self.passed and report.passed
        if report.when == "teardown":
            sys.settrace(None)
            lines: dict[str, list[int]] = {}
            for name, number in sorted(self.lines):
                lines.setdefault(os.path.relpath(name, os.path.dirname(self.root)), []).append(number)
            seconds = time.perf_counter() - self.began
            ran = {"test": report.nodeid, "passed": self.passed, "seconds": seconds, "lines": lines}
            with open(self.path, "a", encoding="utf-8") as file:
                print(json.dumps(ran), file=file)


def test(job: dict[str, Any]) -> int:
    """Run the tests of a job in this process; return pytest's exit status."""
    import pytest

    plugins: list[Any] = []
    if job.get("module"):
        sys.meta_path.insert(0, Planted(job["module"], job["path"]))
        os.environ["MUTANT"] = f"{job['module']}\n{job['path']}"  # for processes that a test starts
    if job.get("record"):
        plugins.append(Recorder(job["root"], job["record"]))
    options = [option for option in QUIET if option != "-x" or not plugins]
    return int(pytest.main([*options, *job["tests"]], plugins=plugins))


def child(job: dict[str, Any]) -> None:
    """Carry out a job in a child, and end it."""
    os.setsid()
    log = os.open(job["log"], os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    status = 99
    try:
        status = test(job)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def ended(process: int, seconds: float) -> int | None:
    """Return the status of a child that ends in time; else end it, and return None.

    Its time is that of the processor, so that other programs on the machine kill no mutant; one that only waits has
    `WAITING` times as long.
    """
    until, parent = time.monotonic() + WAITING * seconds, os.getppid()
    while time.monotonic() < until and computed(process) < seconds and os.getppid() == parent:
        pid, status = os.waitpid(process, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def computed(process: int) -> float:
    """Return the seconds that the processor has given to a process; 0 where that cannot be read."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def jobs() -> Iterator[dict[str, Any]]:
    """Yield what is read, one job a line."""
    for line in sys.stdin:
        yield json.loads(line)


def main() -> None:
    """Load the frameworks, then do what is asked."""
    with contextlib.redirect_stdout(io.StringIO()):
        for name in os.environ.get("MUTANTS_LOADED", ",".join(LOADED)).split(","):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tf_emb", "compare")]:
        del sys.modules[name]
    say(ready=True)
    for job in jobs():
        began = time.monotonic()
        process = os.fork()
        if not process:
            child(job)
        status = ended(process, job["seconds"])
        say(status=status, seconds=time.monotonic() - began)


if __name__ == "__main__":
    main()
