"""New vectors on the page while a model trains, and all epochs side by side when it has finished."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tf_emb.projector.comparison import log_epochs
from tf_emb.projector.log import TOP, Say, log_projection
from tf_emb.projector.metadata import Column
from tf_emb.projector.selection import choose, rank
from tf_emb.projector.tables import read
from tf_emb.projector.views import Views, check_views

KEPT = 20  # epochs to click through at the end; a longer list is thinned by halves


class ProjectorCallback(keras.callbacks.Callback):
    """Logs a layer's table: one run per epoch while training, and one with all epochs at the end.

    For `model.fit(callbacks=[...])`. In a loop of your own, call `on_epoch_end(epoch)` and finally `on_train_end()`.

    Args:
        layer: a Keras layer with one table, built by the end of the first epoch.
        labels: the text of every row.
        every: log after every so many epochs, and after the last.
        logdir: the folder given to `tensorboard --logdir`.
        name: the name of the runs.
        columns: more metadata by name; "count" ranks the rows.
        top: how many rows to show.
        include: labels to show whatever their rank.
        views: the views of each epoch's run; the default, principal components, takes no time.
        say: called with each line of the report at the end.

    Raises:
        ValueError: `every` is below 1; or, at the end of the first epoch, what `log_projection` refuses.
    """

    def __init__(
        self,
        layer: Any,
        labels: Sequence[str],
        every: int = 1,
        *,
        logdir: str | os.PathLike[str] = "logs",
        name: str = "embedding",
        columns: Mapping[str, Column] | None = None,
        top: int | None = TOP,
        include: Sequence[str] = (),
        views: Views = ("pca",),
        say: Say = print,
    ) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"`every` must be 1 or more; got {every}. 1 logs each epoch.")
        check_views(views)
        self.layer, self.labels, self.every, self.logdir, self.name = layer, list(labels), every, logdir, name
        self.columns, self.top, self.include, self.views, self.say = dict(columns or {}), top, list(include), views, say
        self.runs: list[Any] = []
        self._tables: dict[int, np.ndarray] = {}
        self._ended = -1

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the table if this epoch is to be logged.

        Args:
            epoch: the number of the epoch that ended, from 0.
            logs: unused.
        """
        self._ended = epoch + 1
        if self._ended % self.every == 0:
            self._log()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Log the last epoch unless it has been logged, and all epochs together.

        Args:
            logs: unused.
        """
        if self._ended > 0 and self._ended not in self._tables:
            self._log()
        if len(self._tables) > 1:
            run = log_epochs(
                self.logdir,
                self._tables,
                self._shown(self.labels),
                name=f"{self.name}-epochs",
                columns={key: self._shown(values) for key, values in self.columns.items()},
                top=None,
                include=self.include,
                say=self.say,
            )
            self.runs.append(run)

    def _log(self) -> None:
        """Log the table as it is now, and keep the shown rows for the end."""
        given = read(self.layer, self.labels, self.name)[self.name]
        if not self._tables:
            ranks, _ = rank(None, self.columns, len(given))
            self._rows = choose(given.labels, ranks, self.top, self.include)
        table = given.matrix[self._rows]
        run = log_projection(
            self.logdir,
            table,
            self._shown(self.labels),
            name=self.name,
            step=self._ended,
            views=self.views,
            columns={key: self._shown(values) for key, values in self.columns.items()},
            top=None,
            say=_quiet,
        )
        self.runs.append(run)
        self._keep(table)

    def _keep(self, table: np.ndarray) -> None:
        if len(self._tables) >= KEPT:
            self._tables = dict(list(self._tables.items())[1::2])
        self._tables[self._ended] = table.copy()

    def _shown(self, values: Any) -> Any:
        return [values[i] for i in self._rows]


def _quiet(line: str) -> None:
    """Say nothing: the progress bar of the epoch is on the terminal."""
