"""Checkpoints: a training is written down while it goes on, and the last two of its files are kept."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tf_emb.files import appearing
from tf_emb.word2vec.progress import Progress
from tf_emb.word2vec.state import State, load_state, write_state

if TYPE_CHECKING:
    from tf_emb.word2vec.word2vec import Word2Vec

SHARE = 50  # a checkpoint that takes t of processor time is followed by SHARE * t without one: 2 % of the time at most
FIRST = 1.0  # seconds; the time to the next doubles until it is `every`


def before(path: str | os.PathLike[str]) -> Path:
    """Return where the checkpoint before that in `path` is kept."""
    path = Path(path)
    return path.with_name(path.name + ".before")


def write_checkpoint(path: str | os.PathLike[str], state: State) -> None:
    """Write a training to `path`, and keep what was there before, see `before`; one of the two is whole at any time."""
    with appearing(path) as temporary:
        write_state(temporary, state)
        if os.path.exists(path):
            os.replace(path, before(path))


def newest(path: str | os.PathLike[str]) -> tuple[State, list[str]]:
    """Return the last checkpoint that is whole, and what is said against one that came after it.

    Raises:
        ValueError: there is one, but none is whole.
        FileNotFoundError: there is none.
    """
    refused: list[str] = []
    for candidate in (Path(path), before(path)):
        try:
            return load_state(candidate), refused
        except FileNotFoundError:
            continue
        except ValueError as error:
            refused.append(str(error))
    if not refused:
        raise FileNotFoundError(os.fspath(path))
    raise ValueError(" ".join(refused))


def remove(path: str | os.PathLike[str]) -> None:
    """Remove both checkpoints."""
    for kept in (Path(path), before(path)):
        kept.unlink(missing_ok=True)


class Checkpoints:
    """A callback for `Word2Vec.fit(corpus, [Checkpoints(model, path)])`, and a context that ends with the last writing.

    The tables are copied between two chunks, and written by a thread of its own while the training goes on. The first
    checkpoint comes after a second, and the time to the next doubles until it is `every`; there is one at the end of
    each epoch too. But after one that took t seconds of processor time there is none for 50 t, so that all of them take
    at most 2 % of a training. A disk that is full is reported, and the training goes on.

    Args:
        model: what is trained.
        path: see `write_checkpoint`; read again by `newest`, or by `Word2Vec.load`.
        every: seconds between two checkpoints, above 0.
        warn: told why a checkpoint could not be written.

    Attributes:
        cost: seconds of processor time that the checkpoints so far took.
        written: number of checkpoints so far.

    Raises:
        ValueError: `every` is not above 0.
    """

    def __init__(
        self,
        model: "Word2Vec",
        path: str | os.PathLike[str],
        every: float = 30.0,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        if not every > 0:
            raise ValueError(f"`every` must be above 0 seconds; got {every}. The default is 30.")
        self.cost, self.written = 0.0, 0
        self._model, self._path, self._every, self._warn = model, Path(path), every, warn
        self._began = self._last = time.monotonic()
        self._last_cost = 0.0
        self._epoch_ended = False
        self._writer: threading.Thread | None = None

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.wait()

    def __call__(self, at: Progress) -> None:
        """Begin to write a checkpoint, if it is time for one and none is being written."""
        self._epoch_ended |= at.epoch_ends
        now = time.monotonic()
        interval = min(self._every, max(FIRST, self._last - self._began))
        due = self._epoch_ended or now - self._last >= interval
        if due and now - self._last >= SHARE * self._last_cost and not self._writing():
            self._epoch_ended = False
            self._begin()

    def wait(self) -> None:
        """Wait until the checkpoint that is being written, if any, is on the disk."""
        if self._writer is not None:
            self._writer.join()

    def write_now(self) -> None:
        """Write a checkpoint, and wait for it.

        Raises:
            OSError: it cannot be written.
        """
        self.wait()
        write_checkpoint(self._path, self._model.state())
        self.written += 1

    def _writing(self) -> bool:
        return self._writer is not None and self._writer.is_alive()

    def _begin(self) -> None:
        began = time.perf_counter()
        state = self._model.state()
        copied = time.perf_counter() - began
        self._writer = threading.Thread(target=self._write, args=(state, copied), daemon=True)
        self._writer.start()

    def _write(self, state: State, copied: float) -> None:
        try:
            if state.finite:  # else the training has diverged, and is about to end
                write_checkpoint(self._path, state)
                self.written += 1
        except OSError as error:
            if self._warn:
                self._warn(f"No checkpoint could be written to {self._path} ({error.strerror}); the training goes on.")
        self._last_cost = copied + time.thread_time()
        self.cost += self._last_cost
        self._last = time.monotonic()
