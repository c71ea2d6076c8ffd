"""Trainings, each in a process of its own, one at a time."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from compare.bench.harness import ROOT, environment
from compare.bench.word2vec.task import Task
from tf_emb.parity.events import MARK

T = TypeVar("T")


def train(task: Task, log: Path) -> dict[str, Any]:
    """Run a training; return what its process said.

    Args:
        task: what to train.
        log: where the process writes what else it has to say.

    Raises:
        RuntimeError: it broke.
    """
    command = [sys.executable, "-m", "compare.bench.word2vec.worker", json.dumps(task.as_dict())]
    with log.open("w") as errors, subprocess.Popen(
        command, cwd=ROOT, env=environment(task.threads), text=True, stdout=subprocess.PIPE, stderr=errors
    ) as child:  # fmt: skip
        try:
            said, _ = child.communicate()
        except BaseException:
            child.terminate()
            raise
    answers = [line.removeprefix(MARK) for line in said.splitlines() if line.startswith(MARK)]
    if child.returncode or not answers:
        last = log.read_text().strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"{task.contender} ended, exit status {child.returncode}: {last[0]}")
    return {name: value for name, value in json.loads(answers[0]).items() if name != "event"}


def turned(of: Sequence[T], number: int) -> list[T]:
    """Return them from another one on in each round, so that none always follows the same one."""
    start = number % len(of)
    return [*of[start:], *of[:start]]
