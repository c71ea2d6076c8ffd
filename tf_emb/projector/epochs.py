"""The same words at several epochs: one basis for all, a bookmark an epoch, and the words' ways through it."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.projector import metadata
from tf_emb.projector.align import Basis, fit_pca
from tf_emb.projector.log import TOP, Say, marks, report
from tf_emb.projector.prepare import By, Selection, prepare
from tf_emb.projector.run import Tensor, write_run
from tf_emb.projector.tables import served
from tf_emb.projector.views import View

PATHS = 50  # words whose paths are drawn; more lines hide each other


def log_epochs(
    logdir: str | os.PathLike[str],
    epochs: Mapping[int, Any],
    labels: Sequence[str] | None = None,
    *,
    columns: Mapping[str, metadata.Column] | None = None,
    name: str = "epochs",
    top: int | None = TOP,
    include: Iterable[str] = (),
    by: By = None,
    paths: int = PATHS,
    say: Say = print,
) -> Path:
    """Write the tables of several epochs as one run, so that they can be compared.

    The principal components are fitted once, to the last epoch, and every epoch is drawn on them. The tensor `name`
    holds the last epoch; click through its bookmarks to see the others. The tensor `name, paths` holds some words at
    all epochs, joined by lines. The pictures show the vectors at their own length, which grows in training; the vectors
    that the page searches for neighbours are divided by their length below 50 dimensions, as in `log_projection`.

    Args:
        logdir: the folder given to `tensorboard --logdir`.
        epochs: what `log_projection` takes, by the number of the epoch: tables of the same shape.
        labels: the text of every row, unless the tables have labels.
        columns: more metadata by name.
        name: the name of the run and its tensors.
        top: how many rows to show.
        include: labels to show, with their paths, whatever their rank.
        by: what ranks the rows.
        paths: how many words to draw the paths of: the most frequent ones; those of `include` always.
        say: called with each line of the report.

    Returns:
        The directory of the run.

    Raises:
        ValueError: as `log_projection`; or the epochs' tables differ in shape.
    """
    wanted = list(include)
    chosen = prepare(
        {str(epoch): epochs[epoch] for epoch in sorted(epochs)}, labels, columns,
        name=name, top=top, include=wanted, by=by, normalize=False,
    )  # fmt: skip
    check_same_dim("epochs", chosen.tensors)
    tables = {int(epoch): table for epoch, table in chosen.tensors.items()}
    basis = fit_pca(tables[max(tables)])
    tensors = [_switcher(name, tables, basis, chosen), _paths(f"{name}, paths", tables, basis, chosen, paths, wanted)]
    run = write_run(logdir, name, tensors)
    titles = [f"epoch {epoch}" for epoch in tables]
    for line in report(chosen.said, tensors, titles, "", logdir, run):
        say(line)
    return run


def check_same_dim(what: str, tables: Mapping[str, np.ndarray]) -> None:
    """Refuse tables of different dim, which no one basis fits."""
    dims = {name: table.shape[1] for name, table in tables.items()}
    if len(set(dims.values())) > 1:
        raise ValueError(f"`{what}` must have tables of one dim; got {dims}. Log them one by one.")


def _switcher(name: str, tables: Mapping[int, np.ndarray], basis: Basis, chosen: Selection) -> Tensor:
    """Return the last epoch, with all epochs as bookmarks."""
    last = tables[max(tables)]
    pictures = [View(f"epoch {epoch}", "pca", basis.coordinates(table)) for epoch, table in tables.items()]
    return Tensor(name, served(last), chosen.metadata(), marks(pictures, last, chosen.colour()))


def _paths(
    name: str, tables: Mapping[int, np.ndarray], basis: Basis, chosen: Selection, paths: int, wanted: Sequence[str]
) -> Tensor:
    """Return some words at every epoch, each joined by a line to itself at the next epoch."""
    words = _drawn(chosen, paths, wanted)
    stacked = np.concatenate([table[words] for table in tables.values()])
    labels = [f"{chosen.labels[i]} ({epoch})" for epoch in tables for i in words]
    columns: dict[str, Any] = {
        "word": [chosen.labels[i] for i in words] * len(tables),
        "epoch": np.repeat(list(tables), len(words)),
    }
    following = [i + len(words) if i + len(words) < len(stacked) else -1 for i in range(len(stacked))]
    rows = np.tile(chosen.rows[words], len(tables)).tolist()
    text = metadata.encode(labels, columns, rows=rows, following=following)
    return Tensor(
        name,
        served(stacked),
        text,
        marks([View("paths", "pca", basis.coordinates(stacked), flat=True)], stacked, "epoch"),
    )


def _drawn(chosen: Selection, paths: int, wanted: Sequence[str]) -> np.ndarray:
    """Return the rows of the words whose paths are drawn: the most frequent, and those asked for."""
    order = np.argsort(-np.asarray(chosen.columns["count"]), kind="stable") if "count" in chosen.columns else None
    first = (np.arange(len(chosen.labels)) if order is None else order)[:paths]
    named = [i for i, label in enumerate(chosen.labels) if label in set(wanted)]
    return np.unique(np.concatenate([first, np.array(named, np.int64)]))
