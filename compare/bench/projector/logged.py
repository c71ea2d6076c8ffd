"""The process that logs a table once."""

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.child import forget_peak, now_mib, peak_mib

Log = Callable[[Path, np.ndarray, list[str]], object]


def work(name: str, rows: int, dim: int, seed: int, logdir: str) -> Iterator[dict[str, Any]]:
    """Log once; yield how long that took and how much memory."""
    warnings.simplefilter("ignore")
    log = {"tf_emb": ours, "torch": torchs}[name]()
    vectors = np.random.default_rng(seed).standard_normal((rows, dim), dtype=np.float32)
    labels = [f"word{i}" for i in range(rows)]
    forget_peak()
    before, began = now_mib(), time.perf_counter()
    log(Path(logdir), vectors, labels)
    seconds = time.perf_counter() - began
    yield {"seconds": seconds, "grown_mib": max(peak_mib() - before, 0.1)}


def ours() -> Log:
    """Return how we log, with everything it needs already loaded."""
    from tensorboard.plugins.projector import projector_config_pb2  # noqa: F401
    from tensorboard.summary.writer import record_writer  # noqa: F401

    from tf_emb.projector import log_projection

    return lambda logdir, vectors, labels: log_projection(
        logdir, vectors, labels, top=None, views=(), normalize=False, say=lambda line: None
    )


def torchs() -> Log:
    """Return how PyTorch logs, with everything it needs already loaded."""
    import torch
    from torch.utils.tensorboard import SummaryWriter

    def log(logdir: Path, vectors: np.ndarray, labels: list[str]) -> None:
        with SummaryWriter(str(logdir)) as writer:
            writer.add_embedding(torch.from_numpy(vectors), labels)

    return log
