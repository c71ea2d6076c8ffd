"""One call: vectors and labels in, a projector run out."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tf_emb.files import printable
from tf_emb.projector.metadata import Column
from tf_emb.projector.run import Tensor, how_to_open, write_run
from tf_emb.projector.selection import By, prepare
from tf_emb.projector.sprites import atlas
from tf_emb.projector.tables import SPHERIZED, Normalize
from tf_emb.projector.views import DEFAULT, LIBRARIES, TITLES, View, Views, check_views, compute, marks, own

Say = Callable[[str], object]
TOP = 10_000


def log_projection(
    logdir: str | os.PathLike[str],
    vectors: Any,
    labels: Sequence[str] | None = None,
    *,
    columns: Mapping[str, Column] | None = None,
    step: int | None = None,
    name: str = "embedding",
    sprites: ArrayLike | None = None,
    views: Views = DEFAULT,
    top: int | None = TOP,
    include: Iterable[str] = (),
    by: By = None,
    normalize: Normalize = "auto",
    say: Say = print,
) -> Path:
    r"""Write vectors as a new run of the Embedding Projector, and say how to open it.

    TensorBoard serves float32 tables bit for bit; other dtypes are rounded to float32 first. Text stays text and
    numbers stay numbers: a label such as "007" gets an invisible U+200B at its end, or the page would turn it into 7;
    blank text is shown as `(blank)` or `␣`; tab, newline and carriage return as `\t`, `\n` and `\r`. The
    last column, `row`, is the number of the row in what was given.

    Args:
        logdir: the folder given to `tensorboard --logdir`. The run is a new folder in it, named after `name`, the
            step and the time: nothing logged before changes, and the page opens the newest.
        vectors: shape (rows, dim), dim 2 or more: `tf_emb.Vectors`, gensim's KeyedVectors, an array, or a built Keras
            layer with one table; or a mapping of names to those, all with the same rows.
        labels: the text of every row; those of `vectors` by default, where it has labels.
        columns: more metadata by column name, each of length rows, beside the columns that `vectors` has. A text column
            whose values repeat but are too many to be coloured is followed by a copy in which all but the 49 most
            frequent are "other". A column of numbers called "count" is followed by its logarithm.
        step: the training step, for the name of the run.
        name: the name of the run, and of the tensor unless `vectors` is a mapping. Characters that break the page
            become "_".
        sprites: one picture per row, shape (rows, height, width) or (rows, height, width, 3 or 4), uint8 or floats
            in 0..1; shrunk where they do not fit the page's 8192 pixels.
        views: bookmarks with the coordinates of all rows, which the page shows as they are: "pca" (exact), "umap" and
            "tsne" (both on cosines). The default is PCA, and UMAP where it is installed. Or your own, a mapping of
            titles to coordinates of shape (rows, 2 or 3).
        top: how many rows to show, 100,000 at most; None for all.
        include: labels to show whatever their rank.
        by: what ranks the rows, largest first: the name of a column, or numbers of shape (rows,). The default is the
            column "count", else the order given.
        normalize: whether to divide rows by their length. "auto" does so below 50 dimensions, where the page cannot
            do it itself and its UMAP and t-SNE go wrong; from 50 on the page centres and normalises.
        say: called with each line of the report.

    Returns:
        The directory of the run.

    Raises:
        ValueError: something would be shown wrongly: lengths that differ, a dim below 2, a value that is not finite
            (the row is named), a column name used twice, too few rows. Rows of zeros are shown, with a warning.
        ImportError: a view was asked for whose library is not installed.
    """
    wanted = check_views(views)
    chosen = prepare(vectors, labels, columns, name=name, top=top, include=include, by=by, normalize=normalize)
    owned = [own(title, points, chosen.total) for title, points in wanted.own.items()]
    sheet = None if sprites is None else atlas(sprites, chosen.rows, chosen.total)
    text, colour = chosen.metadata(), chosen.colour()
    tensors = []
    for key, matrix in chosen.tensors.items():
        pictures = _pictures(wanted.names, owned, matrix, chosen.rows, say)
        tensors.append(Tensor(key, matrix, text, marks(pictures, matrix, colour), sheet))
    run = write_run(logdir, name if step is None else f"{name}-step{step:06}", tensors)
    for line in report(chosen.said, tensors, wanted.titles, wanted.without, logdir, run):
        say(line)
    return run


def _pictures(
    names: Sequence[str], owned: Sequence[View], matrix: np.ndarray, rows: np.ndarray, say: Say
) -> list[View]:
    """Return the views of one tensor, the user's own last; those that take time are announced first."""
    found = []
    for name in names:
        if name in LIBRARIES:
            say(f"Computing {TITLES[name]} of {len(matrix):,} rows.")
        found.append(compute(name, matrix))
    return found + [View(of.title, of.kind, of.points[rows]) for of in owned]


def report(
    said: str, tensors: Sequence[Tensor], titles: Sequence[str], without: str, logdir: str | os.PathLike[str], run: Path
) -> list[str]:
    """Return lines that say what was logged and how to see it."""
    lines = [f"{said}; {', '.join(f'{of.name} ({of.matrix.shape[1]} dimensions)' for of in tensors)}"]
    if titles:
        lines.append(f"Bookmarks, at the bottom right of the page: {', '.join(titles)}.")
    if without:
        lines.append(f"Left out: {without}.")
    if any(of.matrix.shape[1] >= SPHERIZED for of in tensors):
        lines.append("The page computes neighbours of centred vectors until you untick 'Spherize data'.")
    return list(map(printable, [*lines, *how_to_open(logdir, run)]))
