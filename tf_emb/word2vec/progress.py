"""A training in progress: which chunks are done, their losses, and what callbacks are told."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from tf_emb.threads import Lock, run_threads
from tf_emb.word2vec.blocks.chunks import BlockTrainer, Chunk, Trained, chunk_size, split
from tf_emb.word2vec.options import RATES, Options

_DIVERGED = (
    "`rate` must be small enough that vectors stay finite; got {rate:g}. Use {less:g} or less, or a smaller `limit`, "
    "`window` or `negatives`, or fewer `blocks`: the gradients of a row's pairs are summed."
)


@dataclass(frozen=True)
class Progress:
    """How far a training has come, for callbacks.

    Attributes:
        epoch: completed epochs.
        share: completed share of the training, in [0, 1].
        raw_words: words of the corpus read so far, over all epochs, before subsampling.
        seconds: time since training began or was resumed, without that spent on the held-out text.
        seconds_words: the part of `raw_words` read in these seconds.
        seconds_kept: the part of `seconds_words` left by subsampling.
        loss: mean of the last chunk, in nats per pair (skip-gram) or centre (CBOW).
        rate: the current learning rate.
        held_out_losses: mean nats per pair or centre on the held-out text, after every completed epoch; empty without
            such a text.
        epoch_ends: whether this chunk was the last of an epoch.
    """

    epoch: int
    share: float
    raw_words: int
    seconds: float
    seconds_words: int
    seconds_kept: int
    loss: float
    rate: float
    held_out_losses: tuple[float, ...] = ()
    epoch_ends: bool = False

    @property
    def raw_words_per_second(self) -> float:
        """Words of the corpus per second, before subsampling."""
        return self.seconds_words / max(self.seconds, 1e-9)

    @property
    def kept_words_per_second(self) -> float:
        """Words per second that are left by subsampling."""
        return self.seconds_kept / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float:
        """Time that the rest takes at this speed."""
        whole = self.raw_words / max(self.share, 1e-9)
        return (whole - self.raw_words) / max(self.raw_words_per_second, 1e-9)


Callback = Callable[[Progress], Any]


@dataclass
class Training:
    """A plan of chunks, and how far it has come.

    Threads finish chunks out of order. What is known to be finished is the first `done` chunks and those in `ahead`: a
    training that goes on from there repeats none, and omits none.

    Attributes:
        ids: the corpus, see `EncodedCorpus`.
        raw_words: number of words in one epoch.
        options: see `Options`.
        done: the first chunk that is not finished; all before it are.
        sums: loss and count of every epoch, float64, shape (epochs, 2).
        held_out_losses: loss on the held-out text after every completed epoch.
        best: the tables after the best of these epochs, if they are kept.
        ahead: the chunks after `done` that are finished.
        texts: what identifies the corpus and the held-out text, see `tf_emb.word2vec.texts`.
        notes: what the caller wants to find again after `Word2Vec.load`; strings, numbers, lists and None, by name.
        alone: held while a chunk is trained and noted by one thread, and while it is noted by one of several: who holds
            it sees a true point of the training.
    """

    ids: np.ndarray
    raw_words: int
    options: Options
    done: int = 0
    sums: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    held_out_losses: list[float] = field(default_factory=list)
    best: Sequence[np.ndarray] | None = None
    ahead: set[int] = field(default_factory=set)
    texts: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    alone: Lock = field(default_factory=Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.parts = list(split(self.ids, chunk_size(len(self.ids), self.options)))
        if len(self.sums) != self.options.epochs:
            self.sums = np.zeros((self.options.epochs, 2))

    @property
    def losses(self) -> list[float]:
        """Mean loss of every epoch begun, in nats per pair (skip-gram) or centre (CBOW)."""
        return [float(loss / count) for loss, count in self.sums if count]

    @property
    def planned(self) -> int:
        """Number of chunks in all epochs."""
        return len(self.parts) * self.options.epochs

    @property
    def finished(self) -> int:
        """Number of finished chunks."""
        return self.done + len(self.ahead)

    @property
    def between_epochs(self) -> bool:
        """Whether what is finished is so many whole epochs."""
        return bool(self.parts) and not self.ahead and self.done % len(self.parts) == 0

    def run(
        self,
        trainer: BlockTrainer,
        callbacks: Sequence[Callback],
        held_out: Callable[[], float] | None = None,
    ) -> None:
        """Train on the remaining chunks, until a callback returns True or Ctrl-C is pressed; chunks are completed.

        Args:
            trainer: updates the tables.
            callbacks: called after every chunk, in the thread that trained it.
            held_out: measures the tables after every epoch. No thread begins the next epoch before that.

        Raises:
            ValueError: a chunk's loss, or after an epoch a table, is not finite.
        """
        began, first, kept, ended = time.perf_counter(), self._words(self.finished), 0, False

        def note(of: Trained) -> bool:
            nonlocal began, kept, ended
            kept += of.kept
            epoch_ends = self._finish(of)
            if not np.isfinite(of.loss) or (epoch_ends and not trainer.finite()):
                rate = self.options.start_rate
                raise ValueError(_DIVERGED.format(rate=rate, less=min(RATES[self.options.model], rate / 2)))
            if held_out is not None and epoch_ends:
                trained = time.perf_counter()
                self.held_out_losses.append(held_out())
                began += time.perf_counter() - trained
            words, share = self._words(self.finished), self._share(self.finished)
            at = Progress(
                self.done // len(self.parts),
                share,
                words,
                time.perf_counter() - began,
                words - first,
                kept,
                of.loss / max(of.count, 1),
                trainer.rate(share),
                tuple(self.held_out_losses),
                epoch_ends,
            )
            ended = True in [callback(at) for callback in callbacks] or ended  # every callback is called
            return ended

        for stop in self._stops(held_out is not None):
            if not ended:
                run_threads(self._jobs(trainer, stop), self.options.threads, note, self.alone)

    def _finish(self, of: Trained) -> bool:
        """Count a chunk as finished; return whether all chunks up to the end of an epoch now are that were not."""
        before = self.done // len(self.parts)
        self.sums[of.chunk.number // len(self.parts)] += of.loss, of.count
        self.ahead.add(of.chunk.number)
        while self.done in self.ahead:
            self.ahead.remove(self.done)
            self.done += 1
        return self.done // len(self.parts) > before

    def _stops(self, every_epoch: bool) -> list[int]:
        """Return the chunks at which all threads wait for each other, so that the tables are those of whole epochs."""
        if not (every_epoch and self.parts):
            return [self.planned]
        size = len(self.parts)
        return list(range((self.done // size + 1) * size, self.planned + 1, size))

    def _jobs(self, trainer: BlockTrainer, stop: int) -> Iterator[Callable[[], Trained]]:
        """Yield a job for every remaining chunk before `stop`; its draws and rates depend only on its number."""
        finished = frozenset(self.ahead)
        for number in (number for number in range(self.done, stop) if number not in finished):
            part = self.parts[number % len(self.parts)]
            share = self._share(number), self._share(number + 1)
            yield partial(trainer.train, self.ids, Chunk(number, part.start, part.stop), share)

    def _share(self, number: int) -> float:
        """Return the share of the training that comes before chunk `number`."""
        epoch, part = divmod(number, len(self.parts))
        start = self.parts[part].start if part else 0
        return (epoch + start / len(self.ids)) / self.options.epochs

    def _words(self, number: int) -> int:
        return round(self._share(number) * self.options.epochs * self.raw_words)
