"""How `python -m compare` ends when it is told to: one line, status 128 + signal, no process and no file left behind.

It is imported before everything else, so that a signal is heard while the rest is loaded. Standard library only.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of Linux: an orphan among our descendants becomes our child


class Stopped(BaseException):
    """A signal that ends the program has come. It is no Exception: what guards against errors lets it pass.

    Attributes:
        status: the exit status, 128 and the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.status = 128 + number


class _State:
    running = False  # whether there may be children and files to clear away
    status = 0  # of the first signal


def listen() -> None:
    """Hear the signals from now on; one that is ignored, as in the background of a shell, stays so."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _hear)


def _hear(number: int, frame: FrameType | None) -> None:
    if not _State.running or _State.status:  # nothing to clear away yet; or told twice, and in a hurry
        _leave(128 + number)
    _State.status = 128 + number
    end_descendants()  # whoever waits for one of them goes on
    raise Stopped(number)


def _leave(status: int) -> NoReturn:
    end_descendants()
    with contextlib.suppress(OSError):
        os.write(2, b"compare: stopped.\n")
    os._exit(status)


def run(program: Callable[[], object]) -> NoReturn:
    """Run a program that ends by SystemExit; a signal ends it, and all processes that it has started, at once."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    status: object = 0
    try:
        _clearing_away(program)
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        if not _State.status:
            raise
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if not _State.status:
        sys.exit(status if isinstance(status, int | None) else str(status))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if status == _State.status:  # it has said so itself
        os._exit(_State.status)
    _leave(_State.status)


def _clearing_away(program: Callable[[], object]) -> None:
    from tf_emb.files import scratch

    _State.running = True
    with _temporary(scratch):
        try:
            program()
        finally:
            if _State.status:
                end_descendants()  # before their folder is removed


@contextlib.contextmanager
def _temporary(scratch: Callable[[str], contextlib.AbstractContextManager[object]]) -> Iterator[None]:
    """Let all temporary files of this process and its children be in one folder, which is removed."""
    import tempfile

    with scratch("compare") as folder:
        before, tempfile.tempdir, os.environ["TMPDIR"] = tempfile.tempdir, str(folder), str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before


def end_descendants() -> None:
    """Kill every process that this one has started, directly or not, and wait until none is left.

    Only what Linux names in /proc is found; elsewhere, contexts end their own children.
    """
    deadline = time.monotonic() + 10
    while (found := descendants()) and time.monotonic() < deadline:
        for process in found:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)


def descendants() -> list[int]:
    """Return the processes below this one that live: zombies are dead."""
    parents: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{name}/stat") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
                    if state not in "ZX":
                        parents[int(name)] = int(parent)
    found, edge = [], {os.getpid()}
    while edge:
        edge = {process for process, parent in parents.items() if parent in edge}
        found += sorted(edge)
    return found


if sys.orig_argv[1:3] == ["-m", "compare"]:
    listen()
