"""What TensorBoard and its page would show wrongly of a logdir, in words, without a browser."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tf_emb.projector.findings import entry_problems
from tf_emb.projector.run import CONFIG
from tf_emb.projector.served import RefusedError, Served

_HANG = "#&+%"


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
        raise ValueError(f"`logdir` must hold a run of the projector, with a {CONFIG}; got {logdir}. Log one first.")
    return [problem for path in configs for problem in _run_problems(logdir, path)]


def _run_problems(logdir: Path, path: Path) -> Iterator[str]:
    """Yield what is wrong with one run, read on its own: one bad run makes TensorBoard refuse all of them."""
    run = path.relative_to(logdir).as_posix()
    said = f"run {run}: "
    if set(run) & set(_HANG):
        yield f"{said}the page hangs on a name with any of {_HANG!r}. Rename the folder."
    if run != "." and not list(path.glob("*tfevents*")):
        yield f"{said}TensorBoard does not list it, because it holds no event file. Log it again with log_projection."
    try:
        with Served(logdir, run) as plugin:
            for problem in _entries(plugin):
                yield said + problem
    except RefusedError as error:
        yield f"{said}TensorBoard answers with an error, for this run and all others: {error}."


def _entries(plugin: Any) -> Iterator[str]:
    """Yield what is wrong with the tensors of a run."""
    entries = plugin.info().get("embeddings", [])
    if not entries:
        yield "it names no tensor. Log one."
    names = [entry.get("tensorName", "") for entry in entries]
    for name in {name for name in names if names.count(name) > 1}:
        yield f"{names.count(name)} tensors are called {name!r}, and only the first can be shown. Name each."
    for entry in entries:
        for problem in entry_problems(plugin, entry):
            yield f"tensor {entry.get('tensorName', '')!r}: {problem}"
