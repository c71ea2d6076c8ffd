"""What commands do with the terminal: start TensorFlow quietly, show progress, let Ctrl-C finish the current chunk."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tf_emb.word2vec import Progress


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


@contextmanager
def interruption() -> Iterator[list[int]]:
    """Collect the first Ctrl-C instead of raising it, so that the current chunk is finished; the second one raises."""
    asked: list[int] = []

    def note(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        print("\nStopping after this chunk; press Ctrl-C again to stop at once.", file=sys.stderr)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
