"""A table logged in a process of its own, and served by TensorBoard in another; both timed."""

import json
import re
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np

from compare.bench.child import forget_peak, now_mib, peak_mib

Log = Callable[[Path, np.ndarray, list[str]], object]
_CODE = "import sys; sys.modules['tensorflow'] = None; from tensorboard.main import run_main; run_main()"
PLUGIN = "data/plugin/projector"


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


def serve(logdir: Path, rows: int, dim: int, environment: dict[str, str]) -> dict[str, float]:
    """Return the seconds TensorBoard takes to answer what its page asks for, and by how many MiB it grows.

    `logdir` must hold one run with one tensor of `rows` x `dim`.

    Raises:
        RuntimeError: the server did not start, or did not serve the whole tensor.
    """
    with server(logdir, environment) as (process, base):
        until(lambda: json.loads(_get(f"{base}/data/runs")), process)  # lists runs without the projector
        before = _peak_mib(process.pid)
        began = time.perf_counter()
        (run,) = json.loads(_get(f"{base}/{PLUGIN}/runs"))
        (entry,) = json.loads(_get(f"{base}/{PLUGIN}/info?run={quote(run)}"))["embeddings"]
        query = f"run={quote(run)}&name={quote(entry['tensorName'])}&num_rows=100000"
        tensor = _get(f"{base}/{PLUGIN}/tensor?{query}")
        metadata = _get(f"{base}/{PLUGIN}/metadata?{query}")
        seconds = time.perf_counter() - began
        lines = metadata.count(b"\n")
        if len(tensor) != 4 * rows * dim or lines < rows - 1:
            raise RuntimeError(f"TensorBoard served {len(tensor)} bytes and {lines} lines")
        return {"seconds": seconds, "grown_mib": max(_peak_mib(process.pid) - before, 0.1)}


@contextmanager
def server(logdir: Path, environment: dict[str, str]) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Start TensorBoard; yield its process and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--logdir", str(logdir), "--host", "127.0.0.1", "--port", str(port), "--reload_interval", "1"]
    process = subprocess.Popen(
        [sys.executable, "-c", _CODE, *options], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _get(url: str) -> bytes:
    with urlopen(url, timeout=300) as answer:
        return answer.read()


def until(condition: Any, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    """Wait until `condition()` is true.

    Raises:
        RuntimeError: the process ended, or time is up.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError):
            if condition():
                return
        time.sleep(0.1)
    raise RuntimeError("TensorBoard did not start, or found no run")


def _peak_mib(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0
