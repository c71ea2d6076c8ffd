"""Runs cells in a process of its own and prints one line of JSON for each: `worker.py BACKEND`, cells on stdin.

A line says first which cell begins: a process that dies has said in which.
"""

import importlib
import json
import sys
import warnings
from collections.abc import Iterator

from compare.transforms import verdict
from compare.transforms.modes import BY_NAME, Mode
from compare.transforms.verdict import AbsentError, Numbers, Outcome
from tf_emb.parity.events import end_with_parent

MARK = "cell "


class Worker:
    """The cells of one backend; what the eager layer computes is kept for comparison, mode by mode."""

    def __init__(self, backend: str) -> None:
        from compare.transforms.kits import fits, models
        from compare.transforms.kits.kit import make

        self.make = make
        self.kit = importlib.import_module(f"compare.transforms.kits.{backend}").KIT
        self.ways = {**self.kit.ways(), **models.ways(self.kit), **fits.ways(self.kit)}
        self._eager: dict[str, Numbers] = {}
        self._last = ""

    def run(self, way: str, mode: Mode) -> Outcome:
        """Return the outcome of one cell."""
        if way != self._last:
            self.kit.tidy()
            self._last = way
        if way not in self.ways:
            return Outcome(verdict.NONE, "not on this backend")
        try:
            numbers = Numbers(self.eager(mode).got)
            self.ways[way](self.make(mode), mode, numbers)
            return numbers.outcome()
        except AbsentError as reason:
            return Outcome(verdict.NONE, str(reason))
        except Exception as error:
            return Outcome(verdict.REFUSED if ours(error) else verdict.WRONG, said(error))

    def eager(self, mode: Mode) -> Numbers:
        """Return what the eager layer computes."""
        if mode.name not in self._eager:
            self._eager[mode.name] = numbers = Numbers()
            self.ways["eager"](self.make(mode), mode, numbers)
        return self._eager[mode.name]


def ours(error: Exception) -> bool:
    """Return whether an error is one of the library's own: a rule, the value, the remedy."""
    text = str(error)
    return isinstance(error, ValueError | TypeError | NotImplementedError) and " must " in text and "; got " in text


def said(error: Exception) -> str:
    """Return an error in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("in user code"):  # AutoGraph: the message stands below a traceback
        last = max((n for n, line in enumerate(lines) if line.startswith("File ")), default=-2)
        lines = lines[last + 2 :]  # below the last frame and its line of code
    return f"{type(error).__name__}: {' '.join(lines)[:300]}"


def two_devices() -> None:
    """Make a second CPU, before TensorFlow begins, for a strategy of two replicas."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def asked() -> Iterator[tuple[str, Mode]]:
    """Return the cells named on the standard input: a list of [transformation, mode]."""
    for way, mode in json.load(sys.stdin):
        yield way, BY_NAME[mode]


def main(backend: str) -> None:
    """Run the cells that are asked for."""
    end_with_parent(by_input=False)
    warnings.simplefilter("ignore")
    if backend == "tensorflow":
        two_devices()
    worker = Worker(backend)
    for way, mode in asked():
        print(MARK + json.dumps([way, mode.name]), flush=True)
        outcome = worker.run(way, mode)
        print(MARK + json.dumps([way, mode.name, outcome.mark, outcome.why]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
