"""What a child process tells its parent: one line of JSON per event on standard output, after `MARK`.

Whatever else a framework prints there is ignored.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

MARK = "@compare "
PARENT = "TF_EMB_PARENT"  # in the environment of a child: the process that started it
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux


def guarded(function: Any, *args: Any) -> dict[str, Any]:
    """Call `function`; an exception becomes a message that names where it was raised."""
    try:
        return function(*args) or {}
    except Exception as error:  # whatever an implementation raises is that row's result
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno})"
        return {"error": message, "traceback": traceback.format_exc()}


def say(**event: Any) -> None:
    """Report one event to the parent."""
    print(MARK + json.dumps(event), flush=True)


def end_with_parent(*, by_input: bool = True) -> None:
    """Let this process end when the one that started it does, however that ends.

    Linux does it, even while native code runs or the process is stopped. Elsewhere the end of the standard input does.

    Args:
        by_input: whether the standard input is a pipe that is held open for this, and read for nothing else.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    parent = os.environ.get(PARENT)
    if parent is not None and parent != str(os.getppid()):  # it was gone before Linux was told
        os._exit(1)
    if by_input:
        threading.Thread(target=_end_with_input, daemon=True).start()


def _end_with_input() -> None:
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    os._exit(1)


def ended(status: int) -> str:
    """Return how a process ended, in words, from the status that `subprocess` gives it."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
