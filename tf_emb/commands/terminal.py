"""What commands do with the terminal: start TensorFlow quietly, show progress, let Ctrl-C finish the current chunk."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tf_emb.word2vec import Progress

ENDS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@contextmanager
def silent_start() -> Iterator[None]:
    """Silence file descriptor 2 while TensorFlow starts.

    TensorFlow 2.21 writes its first messages before it reads TF_CPP_MIN_LOG_LEVEL, straight to the file descriptor.
    Exceptions still pass.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def one_thread_per_operation() -> None:
    """Start TensorFlow so that each of our threads computes its own products; small ones, shared out, only wait."""
    import tensorflow as tf

    with suppress(RuntimeError):  # a program that calls the command has begun to use TensorFlow; its settings stay
        tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.constant(0)  # the first operation looks for devices, and logs what it finds


@contextmanager
def progress_bar() -> Iterator[Callable[["Progress"], None]]:
    """Show share, speed, loss, learning rate and time left on standard error."""
    from rich import progress as rich_progress
    from rich.console import Console

    columns = (
        rich_progress.BarColumn(bar_width=8),
        rich_progress.TaskProgressColumn(),
        rich_progress.TextColumn("{task.description}"),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("compiling", total=1.0)

        def show(at: "Progress") -> None:
            minutes, seconds = divmod(round(at.seconds_left), 60)
            said = f"{at.raw_words_per_second / 1000:,.0f}k words/s ({at.kept_words_per_second / 1000:,.0f}k kept)"
            said += f"  loss {at.loss:.3f}  rate {at.rate:.4f}  {minutes}:{seconds:02d} left"
            said += f"  held-out {at.held_out_losses[-1]:.3f}" if at.held_out_losses else ""
            bar.update(task, completed=at.share, description=said)

        yield show


class Ended(BaseException):
    """A signal that asks for an end, raised so that temporary files are removed on the way out.

    Attributes:
        status: the exit status that shells expect, 128 and the signal's number.
        said: one line for the user.
    """

    def __init__(self, number: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = 128 + number, said


@contextmanager
def ended_by_signals(said: str = "stopped.") -> Iterator[Callable[..., None]]:
    """Raise `Ended` at Ctrl-C, `kill` and the end of the terminal, in the main thread.

    Yields a function, which takes any arguments, as a callback of a training does, and raises if a signal has come: an
    exception in the midst of an import or of a finalizer may have been swallowed there.

    Args:
        said: see `Ended`.
    """
    asked: list[int] = []

    def end(number: int, frame: Any) -> None:
        asked.append(number)
        raise Ended(number, said)

    def check(*_: object) -> None:
        if asked:
            raise Ended(asked[0], said)

    with handling(end):
        try:
            yield check
        finally:
            check()  # what another library made of the exception is not shown


@contextmanager
def handling(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Handle the signals that ask for an end, in the main thread; what `nohup` ignores stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDS}
    for number, kept in before.items():
        if kept not in (signal.SIG_IGN, None):  # None: not set by Python, and not to be set back by it
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, kept in before.items():
            if kept is not None:
                signal.signal(number, kept)


@contextmanager
def interruption(at_once: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """Collect the first signal that asks for an end, so that the current chunk is finished; the second ends at once.

    Ctrl-C, `kill`, and a terminal that is closed are taken alike; what `nohup` ignores stays ignored.

    Args:
        at_once: called before the process ends without waiting; removes what would be left behind.

    Yields:
        The signals so far; `128 + asked[0]` is the exit status that shells expect.
    """
    asked: list[int] = []

    def note(number: int, frame: Any) -> None:
        if asked:
            say("Stopped at once.")
            at_once()
            os._exit(128 + number)  # threads are in the middle of a chunk, and cannot be stopped
        asked.append(number)
        say("Stopping after this chunk; press Ctrl-C again to stop at once.")

    with handling(note):
        yield asked


def say(line: str) -> None:
    """Print a line on standard error, from a signal handler too: `print` may be interrupted by itself there."""
    with suppress(OSError):
        os.write(2, f"\n{line}\n".encode())
