"""What TensorBoard and its page would show wrongly of a logdir, in words, without a browser."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import numpy as np

from tf_emb.files import printable
from tf_emb.projector import check_extras
from tf_emb.projector.check_extras import RefusedError, in_short
from tf_emb.projector.metadata import COLOURS, NUMBER
from tf_emb.projector.run import CONFIG
from tf_emb.projector.selection import MAX_ROWS
from tf_emb.projector.tables import SPHERIZED

_HANG = "#&+%"


class Served:
    """One run as TensorBoard's plugin serves it, asked in this process by the code that answers the page."""

    def __init__(self, logdir: Path, run: str) -> None:
        from tensorboard.plugins.base_plugin import TBContext
        from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin

        self.run = run
        runs = SimpleNamespace(list_runs=lambda *_, **__: [SimpleNamespace(run_name=run)])
        self._apps = ProjectorPlugin(TBContext(logdir=str(logdir), data_provider=runs)).get_plugin_apps()

    def __enter__(self) -> "Served":
        self.get("runs")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._apps = {}

    def get(self, page: str, name: str | None = None) -> bytes:
        """Return what the plugin answers.

        Raises:
            RefusedError: it answers with an error, or breaks.
        """
        from werkzeug.test import Client

        query = {"run": self.run} | ({} if name is None else {"name": name})
        if page in ("tensor", "metadata"):
            query["num_rows"] = str(MAX_ROWS)  # what the page asks for
        try:
            answer = Client(self._apps[f"/{page}"]).get("/", query_string=query)
        except Exception as error:  # whatever breaks in the plugin is what the page would not get
            raise RefusedError(in_short(f"{type(error).__name__}: {error}")) from error
        if answer.status_code != 200:
            raise RefusedError(in_short(answer.get_data(as_text=True)))
        return answer.get_data()

    def info(self) -> dict[str, Any]:
        """Return the configuration as the page gets it."""
        return json.loads(self.get("info"))


def check_projection(logdir: str | os.PathLike[str]) -> list[str]:
    """Read every run below `logdir` through TensorBoard's own plugin and say what would be shown wrongly.

    It does not matter how a run was written: runs of TensorFlow, PyTorch and other programs are checked as well.

    Args:
        logdir: the folder given to `tensorboard --logdir`.

    Returns:
        One sentence per problem, beginning with the run; empty if all is well.

    Raises:
        ValueError: there is no such folder, or no projector run in it.
    """
    logdir = Path(logdir)
    configs = sorted(path.parent for path in logdir.rglob(CONFIG)) if logdir.is_dir() else []
    if not configs:
        raise ValueError(
            f"`logdir` must hold a run of the projector, with a {CONFIG}; got {printable(logdir)}. Log one first."
        )
    return [printable(problem) for path in configs for problem in _run_problems(logdir, path)]


def _run_problems(logdir: Path, path: Path) -> Iterator[str]:
    """Yield what is wrong with one run, read on its own: one bad run makes TensorBoard refuse all of them."""
    run = path.relative_to(logdir).as_posix()
    said = f"run {run}: "
    if set(run) & set(_HANG):
        yield f"{said}the page hangs on a name with any of {_HANG!r}. Rename the folder."
    if run != "." and not list(path.glob("*tfevents*")):
        yield f"{said}TensorBoard does not list it, because it holds no event file. Log it again with log_projection."
    odd = next((file for file in path.rglob("*") if file.exists() and not (file.is_file() or file.is_dir())), None)
    if odd is not None:  # a pipe would be waited for, a device read without end
        yield f"{said}{odd.name} is not a file, and TensorBoard may wait for it for ever. Remove it."
        return
    try:
        with Served(logdir, run) as plugin:
            for problem in _entries(plugin):
                yield said + problem
    except RefusedError as error:
        yield f"{said}TensorBoard answers with an error, for this run and all others: {error}."


def _entries(plugin: Any) -> Iterator[str]:
    entries = plugin.info().get("embeddings", [])
    if not entries:
        yield "it names no tensor. Log one."
    names = [entry.get("tensorName", "") for entry in entries]
    for name in {name for name in names if names.count(name) > 1}:
        yield f"{names.count(name)} tensors are called {name!r}, and only the first can be shown. Name each."
    for entry in entries:
        for problem in entry_problems(plugin, entry):
            yield f"tensor {entry.get('tensorName', '')!r}: {problem}"


def entry_problems(plugin: Served, entry: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one entry of a run's configuration, one sentence per problem."""
    name, shape = entry.get("tensorName", ""), [int(side) for side in entry.get("tensorShape", [])]
    if set(name) & set("#&+%"):
        yield "the page hangs on a name with any of '#&+%'. Rename it."
        return
    try:
        values = np.frombuffer(plugin.get("tensor", name), "<f4")
    except RefusedError as error:
        yield f"its vectors cannot be read: {error}."
        return
    if len(shape) != 2 or 0 in shape or len(values) != min(shape[0], MAX_ROWS) * shape[1]:
        yield f"its shape is said to be {shape}, but {len(values)} numbers are served. Log it again."
        return
    yield from _vectors(values.reshape(-1, shape[1]), shape[0])
    yield from _metadata(plugin, name, entry, len(values) // shape[1])
    yield from check_extras.sprite(plugin.get, name, entry, len(values) // shape[1])
    yield from check_extras.bookmarks(plugin.get, name, entry, len(values) // shape[1])


def _vectors(matrix: np.ndarray, rows: int) -> Iterator[str]:
    if rows > MAX_ROWS:
        yield f"it has {rows} rows; the page shows the first {MAX_ROWS}, whichever these are. Choose them."
    bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(bad):
        yield f"{len(bad)} rows hold NaN or Inf, the first is row {bad[0]}; the page's PCA hangs. Leave them out."
        return
    if matrix.shape[1] < 3:
        yield f"it has {matrix.shape[1]} dimensions; the page's 3-D PCA shows nothing below 3. Add columns of zeros."
    zeros = np.flatnonzero(~matrix.any(axis=1))
    if len(zeros):
        yield f"{len(zeros)} rows are zeros, the first is row {zeros[0]}; their neighbours are meaningless."
    lengths = np.linalg.norm(matrix.astype(np.float64), axis=1)
    if matrix.shape[1] < SPHERIZED and (lengths[lengths > 0] < (1 - 1e-3) * lengths.max()).any():
        yield (
            f"its rows have lengths from {lengths[lengths > 0].min():.3g} to {lengths.max():.3g} and fewer than "
            f"{SPHERIZED} dimensions, where the page does not normalise and its t-SNE and UMAP go wrong. "
            "Divide rows by their length."
        )


def _metadata(plugin: Served, name: str, entry: dict[str, Any], rows: int) -> Iterator[str]:
    if not entry.get("metadataPath"):
        yield "it has no metadata, so that points have no labels. Log labels."
        return
    try:
        text = plugin.get("metadata", name).decode()
    except (RefusedError, UnicodeDecodeError) as error:
        yield f"its metadata cannot be read: {error}."
        return
    if not text.endswith("\n"):
        yield "its metadata does not end with a newline, without which the page may wait for ever. Add one."
    lines = [line for line in text.split("\n") if line.strip()]
    header, *cells = [line.split("\t") for line in lines] or [[]]
    if len(header) < 2:
        yield "its metadata has one column: blank labels shift all later ones. Log two columns or more, with a header."
        return
    if len(cells) != rows:
        yield f"its metadata has {len(cells)} rows for {rows} vectors: labels stand at wrong points. Log them again."
    ragged = next((i for i, row in enumerate(cells) if len(row) != len(header)), None)
    if ragged is not None:
        yield f"row {ragged} of its metadata has {len(cells[ragged])} cells for {len(header)} columns. Escape tabs."
        return
    for column, *values in zip(header, *cells, strict=True):
        yield from _column(column, values)


def _column(name: str, values: list[str]) -> Iterator[str]:
    empty = [i for i, value in enumerate(values) if not value]
    if empty:
        yield f"column {name!r} is empty in {len(empty)} rows, the first is row {empty[0]}; searching breaks. Fill it."
    numbers = [NUMBER.fullmatch(value.strip()) is not None for value in values]
    if any(numbers) and not all(numbers):
        wrong = next(value for value, number in zip(values, numbers, strict=True) if number)
        yield f"column {name!r} is text, but the page turns {wrong!r} into a number. End it with U+200B."
    different = len(set(values))
    if not all(numbers) and COLOURS < different <= len(values) / 2 and not name.startswith("label"):
        yield f"column {name!r} has {different} categories; above {COLOURS} there are no colours. Fold the rare ones."
