"""Tables of the same rows in one run, drawn on one basis: epochs of a training, or spaces side by side."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.projector import metadata
from tf_emb.projector.align import Basis, distance, fit_pca, rotated_onto
from tf_emb.projector.log import TOP, Say, report
from tf_emb.projector.run import Tensor, write_run
from tf_emb.projector.selection import MAX_ROWS, By, Selection, prepare
from tf_emb.projector.tables import served
from tf_emb.projector.views import View, marks

PATHS = 50  # words whose paths are drawn; more lines hide each other
BOOKMARK = "PCA, one basis for all"


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
        {str(epoch): epochs[epoch] for epoch in sorted(epochs)},
        labels,
        columns,
        name=name,
        top=top,
        include=wanted,
        by=by,
        normalize=False,
    )
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


def log_side_by_side(
    logdir: str | os.PathLike[str],
    spaces: Mapping[str, Any],
    labels: Sequence[str] | None = None,
    *,
    columns: Mapping[str, metadata.Column] | None = None,
    name: str = "side by side",
    align: bool = False,
    top: int | None = TOP,
    include: Iterable[str] = (),
    by: By = None,
    say: Say = print,
) -> Path:
    """Write tables of the same rows, from several programs or trainings, as one run to compare them in.

    The run has one tensor per space; one with all of them together, coloured by space and joined row by row, so that
    equal rows coincide and a difference is a line; and one for each difference from the first space, unless that is
    zero. The principal components are fitted once, to the first space; all spaces are drawn on them.

    Args:
        logdir: the folder given to `tensorboard --logdir`.
        spaces: what `log_projection` takes, by name: tables of the same shape. All are compared with the first.
        labels: the text of every row, unless the tables have labels.
        columns: more metadata by name.
        name: the name of the run and of the tensor with all spaces together.
        align: rotate each onto the first for the drawing (orthogonal Procrustes), for trainings from different starts:
            their axes have nothing in common, but their distances may. The vectors themselves are never rotated.
        top: how many rows to show.
        include: labels to show whatever their rank.
        by: what ranks the rows.
        say: called with each line of the report.

    Returns:
        The directory of the run.

    Raises:
        ValueError: as `log_projection`; or fewer than two spaces, or they differ in shape.
    """
    if len(spaces) < 2:
        raise ValueError(f"`spaces` must be two or more; got {list(spaces)}. Use log_projection for one.")
    chosen = prepare(
        spaces, labels, columns, name=name, top=_fitting(top, len(spaces)), include=include, by=by, normalize=False
    )
    check_same_dim("spaces", chosen.tensors)
    reference = next(iter(chosen.tensors.values()))
    basis = fit_pca(reference)
    drawn = {key: rotated_onto(of, reference) if align else of for key, of in chosen.tensors.items()}
    tensors = [_together(name, chosen, drawn, basis), *_each(chosen, drawn, basis), *_differences(chosen)]
    run = write_run(logdir, name, tensors)
    for line in [*_said(chosen, drawn, align), *report(chosen.said, tensors, [BOOKMARK], "", logdir, run)]:
        say(line)
    return run


def _fitting(top: int | None, spaces: int) -> int | None:
    """Return how many rows fit if all spaces are to lie together in one tensor."""
    return MAX_ROWS // spaces if top is None else min(top, MAX_ROWS // spaces)


def _each(chosen: Selection, drawn: Mapping[str, np.ndarray], basis: Basis) -> list[Tensor]:
    text, colour = chosen.metadata(), chosen.colour()
    return [
        Tensor(key, served(of), text, marks([View(BOOKMARK, "pca", basis.coordinates(drawn[key]))], of, colour))
        for key, of in chosen.tensors.items()
    ]


def _together(name: str, chosen: Selection, drawn: Mapping[str, np.ndarray], basis: Basis) -> Tensor:
    """Return all spaces in one tensor, one after the other, each row joined to the same row of the next."""
    rows, spaces = len(chosen.labels), len(chosen.tensors)
    columns: dict[str, Any] = {
        "space": np.repeat(list(chosen.tensors), rows).tolist(),
        **{key: np.tile(np.asarray(values), spaces) for key, values in chosen.columns.items()},
    }
    following = [i + rows if i + rows < rows * spaces else -1 for i in range(rows * spaces)]
    text = metadata.encode(
        chosen.labels * spaces, columns, rows=np.tile(chosen.rows, spaces).tolist(), following=following
    )
    stacked = np.concatenate(list(chosen.tensors.values()))
    points = basis.coordinates(np.concatenate(list(drawn.values())))
    return Tensor(f"{name}, together", served(stacked), text, marks([View(BOOKMARK, "pca", points)], stacked, "space"))


def _differences(chosen: Selection) -> list[Tensor]:
    """Return the difference of each space from the first, computed in float64, with its length as a column."""
    (first, reference), *others = chosen.tensors.items()
    return [
        _difference(f"{key} minus {first}", of.astype(np.float64) - reference.astype(np.float64), chosen)
        for key, of in others
        if not np.array_equal(of, reference)
    ]


def _difference(name: str, values: np.ndarray, chosen: Selection) -> Tensor:
    columns = {**chosen.columns, "length of the difference": np.linalg.norm(values, axis=1)}
    text = metadata.encode(chosen.labels, columns, rows=chosen.rows.tolist())
    return Tensor(name, served(np.ascontiguousarray(values, "<f4")), text)


def _said(chosen: Selection, drawn: Mapping[str, np.ndarray], align: bool) -> list[str]:
    (first, reference), *others = chosen.tensors.items()
    lines = []
    for key, of in others:
        if np.array_equal(of, reference):
            lines.append(f"{key} is {first}, bit for bit; there is no difference to show.")
            continue
        turned = f", {distance(drawn[key], reference):.2g} after the best rotation" if align else ""
        lines.append(f"{key} is {distance(of, reference):.2g} of {first}'s spread away from it{turned}.")
    return lines
