"""The trained vectors of a run, side by side in the Embedding Projector."""

from datetime import datetime
from pathlib import Path

import numpy as np

from compare import text
from compare.files import Job
from compare.result import Result

SOURCES = ("word2vec", "word2vec-full")


def log(result: Result, arrays: Path, out: Path) -> list[str]:
    """Log every engine's word vectors as tensors of one run; return the engines' names.

    The run is `out`, or a new folder in it where `out` has been logged to before: TensorBoard never reads a
    tensor of the same run twice.

    Args:
        result: tells which cases and engines ran.
        arrays: the folder with the outputs of the processes.
        out: the run's folder, below the folder that TensorBoard reads.
    """
    from tf_emb.projector import log_projection

    sources = [case for case in result.cases if case["name"] in SOURCES]
    if not sources:
        return []
    tensors = trained(result, Job(sources[-1]["name"], list(sources[-1]["hashes"])[-1]), arrays)
    if tensors:
        vocabulary = text.vocabulary()
        again = datetime.fromisoformat(result.started).strftime("%Y%m%d-%H%M%S")
        run = out / again if (out / "projector_config.pbtxt").exists() else out
        log_projection(run, tensors, vocabulary.words, columns={"count": vocabulary.counts})
    return list(tensors)


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
