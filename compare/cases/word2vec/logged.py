"""The trained vectors of a run, side by side in the Embedding Projector and as pictures beside the report."""

from pathlib import Path
from typing import Any

import numpy as np

from compare.cases import text
from tf_emb.parity.jobs import Job
from tf_emb.parity.result import Result

SOURCES = ("word2vec", "word2vec-full")


def log(result: Result, arrays: Path, out: Path) -> list[str]:
    """Log every engine's word vectors as tensors of one new run in `out`; return the engines' names.

    The vectors also become vectors.png and vectors.svg there: the same words on the same principal components.

    Args:
        result: tells which cases and engines ran.
        arrays: the folder with the outputs of the processes.
        out: the report's folder, below the folder that TensorBoard reads.
    """
    sources = [case for case in result.cases if case["name"] in SOURCES]
    if not sources:
        return []
    tensors = trained(result, Job(sources[-1]["name"], list(sources[-1]["hashes"])[-1]), arrays)
    if tensors:
        show(tensors, out)
    return list(tensors)


def show(tensors: dict[str, np.ndarray], out: Path) -> None:
    """Log tables that share the corpus' vocabulary, and draw them."""
    from tf_emb.projector import log_projection, log_side_by_side, plot_projection

    vocabulary = text.vocabulary()
    given: dict[str, Any] = {"labels": vocabulary.words, "columns": {"count": vocabulary.counts}}
    if len(tensors) > 1:
        log_side_by_side(out, tensors, **given, name="vectors", say=_quiet)
    else:
        log_projection(out, tensors, **given, name="vectors", views=("pca",), say=_quiet)
    for suffix in ("png", "svg"):
        plot_projection(out / f"vectors.{suffix}", tensors, **given, title="The words of every engine, on one basis")


def _quiet(line: str) -> None:
    """Say nothing: the report says where to look."""


def trained(result: Result, job: Job, arrays: Path) -> dict[str, np.ndarray]:
    """Return the centre table of every engine that trained it, as float32; at float64 NumPy's is the oracle's."""
    found = {}
    for name in (engine.name for engine in result.engines if engine.status == "ran"):
        source = "want" if (name, job.dtype) == ("numpy", "float64") else name
        if job.file(arrays, source).exists() and "center" in (outputs := job.read(arrays, source)):
            found[name] = outputs["center"].astype(np.float32)
    return found


def address() -> str:
    """Return where `make tensorboard` shows the vectors."""
    from tf_emb.projector import projection_address

    return projection_address()
