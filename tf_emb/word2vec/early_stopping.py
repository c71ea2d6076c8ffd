"""Early stopping: a training ends when the loss on a held-out text no longer falls.

Prechelt 1998, "Early Stopping - But When?"; with the rule of `keras.callbacks.EarlyStopping`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tf_emb.word2vec.progress import Callback, Progress, Training


@dataclass(frozen=True)
class EarlyStopping:
    """A callback for `Word2Vec.fit(corpus, callbacks, held_out=...)`.

    A pass improves if its held-out loss is more than `min_delta` below that of the best pass before it. It keeps no
    state: what it says follows from the losses, so a training that goes on from a file stops where it would have.

    Attributes:
        patience: stop after so many passes in a row that do not improve.
        min_delta: nats a pair (skip-gram) or centre (CBOW).
        restore_best: once the training is over, by this or by itself, go back to the tables of the best pass.

    Raises:
        ValueError: an attribute is out of its range.
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
        """Return whether to stop."""
        return at.epoch_ends and self.over(at.held_out_losses)

    def best(self, losses: Sequence[float]) -> int:
        """Return which pass, from 0, is the best one."""
        best, lowest = 0, float("inf")
        for i, loss in enumerate(losses):
            if loss < lowest - self.min_delta:
                best, lowest = i, loss
        return best

    def over(self, losses: Sequence[float]) -> bool:
        """Return whether patience is at its end."""
        return len(losses) - 1 - self.best(losses) >= self.patience


def find_rule(callbacks: Sequence[Callback], held_out: Any) -> EarlyStopping | None:
    """Return the `EarlyStopping` among `callbacks`.

    Raises:
        ValueError: there is one, and no held-out text.
    """
    found = next((callback for callback in callbacks if isinstance(callback, EarlyStopping)), None)
    if found is not None and held_out is None:
        raise ValueError("`held_out` must be a text where `callbacks` have EarlyStopping; got None. Give one to `fit`.")
    return found


def keep_best(rule: EarlyStopping, training: Training, tables: Sequence[Any]) -> Callback:
    """Return a callback that copies the tables into `training.best` after every pass that improves."""

    def keep(at: Progress) -> None:
        last = len(at.held_out_losses) - 1
        if at.epoch_ends and (training.best is None or rule.best(at.held_out_losses) == last):
            training.best = [table.numpy() for table in tables]

    return keep


def restore_best(rule: EarlyStopping, training: Training, tables: Sequence[Any]) -> None:
    """Put the best tables back if the training is over; one that was interrupted keeps its own, to go on from."""
    stopped = training.between_epochs and rule.over(training.held_out_losses)
    if training.best is not None and (stopped or training.done == training.planned):
        for table, values in zip(tables, training.best, strict=True):
            table.assign(values)
        training.best, training.done = None, training.planned  # what is left is for other tables than these
