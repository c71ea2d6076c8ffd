"""Early stopping: end a training when the loss on a held-out text no longer falls.

Prechelt 1998, "Early Stopping - But When?"; the rule is that of `keras.callbacks.EarlyStopping`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from tf_emb.word2vec.progress import Callback, Progress, Training


@dataclass(frozen=True)
class EarlyStopping:
    """A callback for `Word2Vec.fit(corpus, callbacks, held_out=...)`.

    An epoch improves if its held-out loss is more than `min_delta` below that of the best epoch before it. The callback
    has no state, its answer follows from the losses: a training resumed from a file stops where it would have.

    Attributes:
        patience: stop after this many epochs in a row without improvement.
        min_delta: in nats per pair (skip-gram) or centre (CBOW).
        restore_best: whether to return to the tables of the best epoch when the training is over, early or not.

    Raises:
        ValueError: an attribute breaks its rule.
    """

    patience: int = 1
    min_delta: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.patience, bool) or not self.patience >= 1:
            raise ValueError(f"`patience` must be 1 or more; got {self.patience!r}. Use 1 to stop at once.")
        if not self.min_delta >= 0:
            raise ValueError(f"`min_delta` must be 0 or more; got {self.min_delta}. Use 0 to count any improvement.")

    def __call__(self, at: Progress) -> bool:
        """Return whether training should stop now."""
        return at.epoch_ends and self.over(at.held_out_losses)

    def best(self, losses: Sequence[float]) -> int:
        """Return the number of the best epoch, from 0."""
        best, lowest = 0, float("inf")
        for i, loss in enumerate(losses):
            if loss < lowest - self.min_delta:
                best, lowest = i, loss
        return best

    def over(self, losses: Sequence[float]) -> bool:
        """Return whether training should stop after these losses."""
        return len(losses) - 1 - self.best(losses) >= self.patience


@contextmanager
def keeping_best(
    callbacks: Sequence[Callback], held_out: Any, training: Training, tables: Sequence[Any]
) -> Iterator[Sequence[Callback]]:
    """Yield the callbacks of a training; where `EarlyStopping` is among them, the best tables are restored at the end.

    Raises:
        ValueError: there is an `EarlyStopping`, but no held-out text.
    """
    rule = next((callback for callback in callbacks if isinstance(callback, EarlyStopping)), None)
    if rule is not None and held_out is None:
        raise ValueError("`held_out` must be a text for EarlyStopping; got None. Pass one to `fit`.")
    if rule is None or not rule.restore_best:
        yield callbacks
        return
    yield [partial(_keep, rule, training, tables), *callbacks]
    _restore(rule, training, tables)


def _keep(rule: EarlyStopping, training: Training, tables: Sequence[Any], at: Progress) -> None:
    """Copy the tables into `training.best` after every epoch that improves."""
    last = len(at.held_out_losses) - 1
    if at.epoch_ends and (training.best is None or rule.best(at.held_out_losses) == last):
        training.best = [table.numpy() for table in tables]


def _restore(rule: EarlyStopping, training: Training, tables: Sequence[Any]) -> None:
    """Restore the best tables if the training is over; an interrupted one keeps its own, to resume from."""
    stopped = training.between_epochs and rule.over(training.held_out_losses)
    if training.best is not None and (stopped or training.done == training.planned):
        for table, values in zip(tables, training.best, strict=True):
            table.assign(values)
        training.ahead.clear()
        training.best, training.done = None, training.planned  # the remaining chunks belong to other tables
