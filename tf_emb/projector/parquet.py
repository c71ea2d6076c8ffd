"""The rows that are shown as a Parquet file, for Embedding Atlas and every reader of tables."""

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.files import appearing
from tf_emb.projector.log import TOP
from tf_emb.projector.metadata import Column
from tf_emb.projector.outputs import check_parquet
from tf_emb.projector.selection import By, Selection, prepare
from tf_emb.projector.tables import Normalize, unit_rows
from tf_emb.projector.views import check_views, compute

_BLOCK = 2048  # rows whose cosines with all others are held at a time


def export_parquet(
    path: str | os.PathLike[str],
    vectors: Any,
    labels: Sequence[str] | None = None,
    *,
    columns: Mapping[str, Column] | None = None,
    view: str = "umap",
    neighbors: int = 10,
    top: int | None = TOP,
    include: Iterable[str] = (),
    by: By = None,
    normalize: Normalize = False,
) -> list[str]:
    """Write vectors, their coordinates in a view, metadata and exact nearest neighbours as one Parquet file.

    The columns are `label`, those of `columns`, `row`, `projection_x`, `projection_y`, `neighbors` ({ids, distances},
    distance 1 - cosine) and `vector`: the names that Embedding Atlas takes.

    Args:
        path: ends in .parquet; replaced only when the new file is complete.
        vectors: what `log_projection` takes.
        labels: the text of every row, unless `vectors` has labels.
        columns: more metadata by name.
        view: "pca", "umap" or "tsne", in two dimensions.
        neighbors: how many neighbours of each row, exact, by cosine.
        top: how many rows.
        include: labels to write whatever their rank.
        by: what ranks the rows.
        normalize: whether to divide rows by their length.

    Returns:
        The command that opens the file in Embedding Atlas, and how to install it.

    Raises:
        ValueError: as `log_projection`, or `path` has another suffix.
        ImportError: pyarrow, or the library of the view, is not installed.
    """
    path = Path(path)
    check_parquet(path)
    check_views([view])
    chosen = prepare(vectors, labels, columns, name="vector", top=top, include=include, by=by, normalize=normalize)
    if len(chosen.tensors) != 1:
        raise ValueError(f"`vectors` must be one table; got {list(chosen.tensors)}. Export them one by one.")
    (matrix,) = chosen.tensors.values()
    _write(path, chosen, matrix, compute(view, matrix).points, neighbors)
    command = (
        f"embedding-atlas {shlex.quote(str(path))} --text label --x projection_x --y projection_y --neighbors neighbors"
    )
    return ["pip install embedding-atlas", command]


def _write(path: Path, chosen: Selection, matrix: np.ndarray, points: np.ndarray, neighbors: int) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    ids, distances = nearest(matrix, min(neighbors, len(matrix) - 1))
    near = pa.StructArray.from_arrays([_lists(ids), _lists(distances)], ["ids", "distances"])
    table = {
        "label": chosen.labels, **chosen.columns, "row": chosen.rows, "projection_x": points[:, 0],
        "projection_y": points[:, 1], "neighbors": near, "vector": _lists(matrix),
    }  # fmt: skip
    with appearing(path) as temporary:
        parquet.write_table(pa.table(table), temporary)


def _lists(array: np.ndarray) -> Any:
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(array).ravel()), array.shape[1])


def nearest(matrix: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of largest cosine with each row, itself excluded, nearest first, and 1 - cosine.

    Args:
        matrix: float32, shape (rows, dim).
        count: how many neighbours.

    Returns:
        int64 and float32, shape (rows, count).
    """
    unit = unit_rows(matrix)
    ids, distances = [], []
    for start in range(0, len(unit), _BLOCK):
        far = 1 - unit[start : start + _BLOCK] @ unit.T
        far[np.arange(len(far)), start + np.arange(len(far))] = np.inf
        close = np.argpartition(far, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(far, close, 1), axis=1, kind="stable")
        ids.append(np.take_along_axis(close, order, 1))
        distances.append(np.take_along_axis(far, ids[-1], 1))
    return np.concatenate(ids), np.concatenate(distances)
