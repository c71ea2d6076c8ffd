"""Several spaces of the same words side by side: aligned, on one basis, with their differences."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.projector import metadata
from tf_emb.projector.align import Basis, distance, fit_pca, rotated_onto
from tf_emb.projector.epochs import check_same_dim
from tf_emb.projector.log import TOP, Say, marks, report
from tf_emb.projector.prepare import By, Selection, prepare
from tf_emb.projector.rows import MAX_ROWS
from tf_emb.projector.run import Tensor, write_run
from tf_emb.projector.tables import served
from tf_emb.projector.views import View

BOOKMARK = "PCA, one basis for all"


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
        for key, of in others if not np.array_equal(of, reference)
    ]  # fmt: skip


def _difference(name: str, values: np.ndarray, chosen: Selection) -> Tensor:
    columns = {**chosen.columns, "length of the difference": np.linalg.norm(values, axis=1)}
    text = metadata.encode(chosen.labels, columns, rows=chosen.rows.tolist())
    return Tensor(name, served(np.ascontiguousarray(values, "<f4")), text)


def _said(chosen: Selection, drawn: Mapping[str, np.ndarray], align: bool) -> list[str]:
    """Return lines that say how far each space is from the first."""
    (first, reference), *others = chosen.tensors.items()
    lines = []
    for key, of in others:
        if np.array_equal(of, reference):
            lines.append(f"{key} is {first}, bit for bit; there is no difference to show.")
            continue
        turned = f", {distance(drawn[key], reference):.2g} after the best rotation" if align else ""
        lines.append(f"{key} is {distance(of, reference):.2g} of {first}'s spread away from it{turned}.")
    return lines
