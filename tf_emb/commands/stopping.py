"""Commands that do not resume: Ctrl-C and SIGTERM end them in one line, and what they were writing goes away."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ending_cleanly(said: str) -> Iterator[Callable[..., None]]:
    """Raise a KeyboardInterrupt at Ctrl-C and at SIGTERM; print one line then, and exit with 130 or 143.

    Yields a function, which takes any arguments, as a callback of a training does, and raises if a signal has come:
    an interruption in the midst of an import or of a finalizer may have been swallowed there.

    Args:
        said: the line.

    Raises:
        typer.Exit: a signal came.
    """
    asked: list[int] = []

    def note(number: int, frame: Any) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    def check(*_: object) -> None:
        if asked:
            raise KeyboardInterrupt

    in_charge = threading.current_thread() is threading.main_thread()  # others cannot set handlers
    before = [signal.signal(number, note) for number in SIGNALS] if in_charge else []
    try:
        yield check
        check()
    except BaseException as error:
        if not asked and not isinstance(error, KeyboardInterrupt):
            raise
        print(f"\n{said}", file=sys.stderr)
        raise typer.Exit(128 + (asked[0] if asked else signal.SIGINT)) from None
    finally:
        for number, handler in zip(SIGNALS, before, strict=False):
            signal.signal(number, handler)
