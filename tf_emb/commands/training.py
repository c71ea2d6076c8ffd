"""What commands that train share: TensorFlow's threads, and a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tf_emb.word2vec import Progress


def one_thread_an_operation() -> None:
    """Start TensorFlow so that each of our threads does its own products; shared out, small ones wait for others."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.constant(0)  # the first operation looks for devices, and says so


@contextmanager
def progress_bar() -> Iterator[Callable[["Progress"], None]]:
    """Show the share, words a second, loss, rate and the time left, on standard error."""
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
