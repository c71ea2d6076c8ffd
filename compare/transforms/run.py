"""Runs cells in processes of their own, one backend at a time, and survives those that die."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Timer
from typing import TypeAlias

from compare.transforms.modes import MODES
from compare.transforms.verdict import WRONG, Outcome
from compare.transforms.ways import WAYS
from compare.transforms.worker import MARK
from tf_emb.parity.events import PARENT

Cell: TypeAlias = tuple[str, str]  # a transformation, a mode
Outcomes: TypeAlias = dict[Cell, Outcome]

BACKENDS = ("tensorflow", "jax", "torch")
ROOT = Path(__file__).parents[2]
WORKER = [sys.executable, "-m", "compare.transforms.worker"]
LONGEST = 300  # seconds without a word: a cell that hangs


def every() -> list[Cell]:
    """Return all cells of a backend."""
    return [(way, mode.name) for way in WAYS for mode in MODES]


def some(each: int = 2) -> list[Cell]:
    """Return cells such that each transformation has `each` modes or more, and each mode some of them."""
    names = [mode.name for mode in MODES]
    chosen = []
    for i, way in enumerate(WAYS):
        # 7 is prime to the number of modes: neighbours differ, and all modes have their turn.
        chosen += [(way, names[(7 * (each * i + k)) % len(names)]) for k in range(each)]
    return list(dict.fromkeys(chosen))


def run(backend: str, cells: Sequence[Cell], on_cell: Callable[[Cell, Outcome], None] = lambda *_: None) -> Outcomes:
    """Return the outcome of each cell; a process that dies in one is followed by another for the rest."""
    found: Outcomes = {}
    waiting = list(cells)
    while waiting:
        began, last = _one_process(backend, waiting, found, on_cell)
        waiting = [cell for cell in waiting if cell not in found]
        if not waiting:
            break
        cell = began or waiting[0]
        found[cell] = Outcome(WRONG, last)
        on_cell(cell, found[cell])
        waiting.remove(cell)
    return found


def _one_process(
    backend: str, cells: Sequence[Cell], found: Outcomes, on_cell: Callable[[Cell, Outcome], None]
) -> tuple[Cell | None, str]:
    """Run a process until it ends; return the cell that it was in, and how it ended."""
    began: Cell | None = None
    with subprocess.Popen(
        [*WORKER, backend],
        cwd=ROOT,
        env=_environment(backend),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(cells))
        child.stdin.close()
        timer = _watch(child)
        for line in child.stdout:
            timer.cancel()
            timer = _watch(child)
            if line.startswith(MARK):
                way, mode, *rest = json.loads(line.removeprefix(MARK))
                began = None if rest else (way, mode)
                if rest:
                    found[way, mode] = Outcome(*rest)
                    on_cell((way, mode), found[way, mode])
        timer.cancel()
    code = child.returncode
    ended = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return began, f"the process died: {ended}"


def _watch(child: "subprocess.Popen[str]") -> Timer:
    timer = Timer(LONGEST, child.kill)
    timer.daemon = True
    timer.start()
    return timer


def _environment(backend: str) -> dict[str, str]:
    return {
        **os.environ,
        PARENT: str(os.getpid()),
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(ROOT),
    }
