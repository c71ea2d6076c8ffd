"""Processes of their own, so that contenders share no runtime: `python -m compare.bench.child MODULE ARGUMENTS`.

MODULE has a generator `work(**arguments)`, and ARGUMENTS is JSON. The child says each event that `work` yields as one
line of JSON after `tf_emb.parity.events.MARK`, and waits for a line on standard input before it continues; the end of
the input ends it. Whatever else it prints is ignored, and its standard error goes to a log.
"""

import json
import os
import resource
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from tf_emb.parity.events import MARK, PARENT, end_with_parent, ended, say

ROOT = Path(__file__).parent.parent.parent
MIB = 2**20


class Child:
    """A child process, as a context that ends it.

    Args:
        name: what messages call it.
        module: where its `work` is.
        arguments: of `work`.
        threads: limit of the math libraries.
        log: file that receives its standard error.
    """

    def __init__(self, name: str, module: str, arguments: dict[str, Any], *, threads: int, log: Path) -> None:
        self.name, self.log = name, log
        command = [sys.executable, "-m", "compare.bench.child", module, json.dumps(arguments)]
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment(threads)
                | {
                    "TMPDIR": str(log.parent),
                    PARENT: str(os.getpid()),
                },  # what it leaves goes with the session's folder
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()  # a stopped one would not hear SIGTERM
        with suppress(BrokenPipeError):
            self._process.communicate()

    def answer(self) -> dict[str, Any]:
        """Return the next event.

        Raises:
            RuntimeError: the process ended instead.
        """
        for line in self._process.stdout or ():
            if line.startswith(MARK):
                return json.loads(line.removeprefix(MARK))
        status = self._process.wait()
        said = self.log.read_text(errors="replace").strip().splitlines()
        raise RuntimeError(f"{self.name} {ended(status)}: {said[-1] if said else 'no message'}")

    def turn(self) -> dict[str, Any]:
        """Let it continue; return the next event."""
        assert self._process.stdin
        with suppress(BrokenPipeError):  # it is dead, and `answer` says why
            print(file=self._process.stdin, flush=True)
        return self.answer()


def call(name: str, module: str, arguments: dict[str, Any], *, threads: int, log: Path) -> dict[str, Any]:
    """Return the first event of a child, which ends then.

    Raises:
        RuntimeError: it ended before.
    """
    with Child(name, module, arguments, threads=threads, log=log) as child:
        return child.answer()


def environment(threads: int) -> dict[str, str]:
    """Return an environment with a limit of threads, and without accelerators, which some frameworks would take."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}
    return {**os.environ, **limits, **quiet}


def now_mib() -> float:
    """Return the memory of this process now, or its peak where that cannot be read."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / MIB
    return peak_mib()


def peak_mib(who: int = resource.RUSAGE_SELF) -> float:
    """Return the peak memory of this process, or with RUSAGE_CHILDREN that of its largest child."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(who).ru_maxrss * unit / MIB


def forget_peak() -> None:
    """Reset the peak where Linux allows it: preparing may take memory that training does not need."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    """Say what `work` yields, one event per line of input."""
    end_with_parent(by_input=False)
    for event in import_module(sys.argv[1]).work(**json.loads(sys.argv[2])):
        say(**event)
        if not sys.stdin.readline():
            break


if __name__ == "__main__":
    main()
