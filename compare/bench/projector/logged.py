"""One turn of logging in its own process: `python -m compare.bench.projector.logged NAME ROWS DIM SEED LOGDIR`."""

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from compare.bench.layers.worker import forget_peak, now_mib, peak_mib
from tf_emb.parity.events import say

Log = Callable[[Path, np.ndarray, list[str]], object]


def ours() -> Log:
    """Return how we log, with what that takes loaded."""
    from tensorboard.plugins.projector import projector_config_pb2  # noqa: F401
    from tensorboard.summary.writer import record_writer  # noqa: F401

    from tf_emb.projector import log_projection

    return lambda logdir, vectors, labels: log_projection(
        logdir, vectors, labels, top=None, views=(), normalize=False, say=lambda line: None
    )


def torchs() -> Log:
    """Return how torch logs, with what that takes loaded."""
    import torch
    from torch.utils.tensorboard import SummaryWriter

    def log(logdir: Path, vectors: np.ndarray, labels: list[str]) -> None:
        with SummaryWriter(str(logdir)) as writer:
            writer.add_embedding(torch.from_numpy(vectors), labels)

    return log


def main() -> None:
    """Log once and say how long it took and how much memory."""
    name, rows, dim, seed, logdir = sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5])
    warnings.simplefilter("ignore")
    log = {"tf_emb": ours, "torch": torchs}[name]()
    vectors = np.random.default_rng(seed).standard_normal((rows, dim), dtype=np.float32)
    labels = [f"word{i}" for i in range(rows)]
    forget_peak()
    before, began = now_mib(), time.perf_counter()
    log(logdir, vectors, labels)
    seconds = time.perf_counter() - began
    say(event="logged", seconds=seconds, grown_mib=max(peak_mib() - before, 0.1))


if __name__ == "__main__":
    main()
