"""A training that is killed or interrupted at random moments, and resumed, ends with the bits of one that was not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from compare.reliability.attacks import Attack, Outcome
from tf_emb.files import scratch

TIMES = 50
OPTIONS = ("--epochs", "3", "--dim", "32", "--checkpoint-every", "1", "--sample", "0.01")
COMMAND = (sys.executable, "-c", "from tf_emb.cli import main; main()", "train", "c.txt", "-o")


def corpus(path: Path, lines: int = 60_000, words: int = 3_000) -> None:
    """Write a text with Zipf's counts; the same whenever it is written."""
    draw = np.random.default_rng(0)
    ids = draw.choice(words, size=(lines, 20), p=(weights := 1 / np.arange(1, words + 1)) / weights.sum())
    path.write_text("".join(" ".join(f"w{i}" for i in line) + "\n" for line in ids.tolist()))


def start(folder: Path, output: str, *more: str) -> "subprocess.Popen[bytes]":
    """Start a training in `folder`, silent."""
    return subprocess.Popen(
        [*COMMAND, output, *OPTIONS, *more],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )


def resumed_after(number: signal.Signals, again: bool, times: int = TIMES) -> Outcome:
    """Send a signal to trainings at random moments, and resume them.

    Args:
        number: the signal.
        again: whether it is sent a second time, a tenth of a second later.
        times: number of trainings.
    """
    draw = np.random.default_rng(number)
    right = found = 0
    with scratch("killed") as folder:
        corpus(folder / "c.txt")
        took = _seconds(start(folder, "whole.bin"), folder / "whole.bin.state")
        whole = (folder / "whole.bin").read_bytes()
        for i in range(times):
            process = start(folder, f"{i}.bin")
            state = folder / f"{i}.bin.state"
            _begun(process, state)
            _interrupted(process, number, again, after=draw.uniform(0, took))
            found += state.exists() or state.with_name(f"{i}.bin.state.before").exists()
            done = (folder / f"{i}.bin").exists() and not state.exists()
            status = 0 if done else start(folder, f"{i}.bin", *(["--resume"] if state.exists() else [])).wait()
            right += status == 0 and (folder / f"{i}.bin").read_bytes() == whole
            (folder / f"{i}.bin").unlink(missing_ok=True)
        left = sorted(path.name for path in folder.iterdir())
    said = f"{found} had something to resume, the others were over"
    tidy = left == ["c.txt", "lock", "whole.bin"]
    return Outcome(times, right if tidy else 0, said if tidy else f"{said}; left behind: {left}")


def _begun(process: "subprocess.Popen[bytes]", state: Path) -> None:
    """Wait for the first checkpoint of a training."""
    while not state.exists() and process.poll() is None:
        time.sleep(0.01)


def _seconds(process: "subprocess.Popen[bytes]", state: Path) -> float:
    """Return how long a training goes on after its first checkpoint."""
    _begun(process, state)
    began = time.monotonic()
    process.wait()
    return time.monotonic() - began


def _interrupted(process: "subprocess.Popen[bytes]", number: signal.Signals, again: bool, after: float) -> None:
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        if again:
            time.sleep(0.1)
            process.send_signal(number)
        process.wait()


ATTACKS = [
    Attack("train: SIGKILL, resumed", lambda: resumed_after(signal.SIGKILL, again=False)),
    Attack("train: SIGTERM, resumed", lambda: resumed_after(signal.SIGTERM, again=False, times=10)),
    Attack("train: Ctrl-C, resumed", lambda: resumed_after(signal.SIGINT, again=False, times=10)),
    Attack("train: Ctrl-C twice, resumed", lambda: resumed_after(signal.SIGINT, again=True, times=10)),
]
