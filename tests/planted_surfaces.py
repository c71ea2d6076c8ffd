"""Surfaces with planted faults: whoever counts inputs must call each of these wrong, or right."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from compare.reliability.fuzz import Surface


def number(random, folder):
    (folder / "input").write_bytes(b"0123")
    return int(random.integers(100)), folder


def hang(given):
    time.sleep(3600)


def eat(given):
    eaten = np.ones(200 * 2**17)
    return eaten.sum()


def eat_all(given):
    eaten = []
    while True:
        eaten.append(np.ones(2**24))


def leave(given):
    Path("left").touch()


def leave_temporary(given):
    import tempfile

    tempfile.mkstemp()


def kill(given):
    os.kill(os.getpid(), signal.SIGSEGV)


def end(given):
    os._exit(0)


def of_another(given):
    int("x")


def in_lines(given):
    raise ValueError("one\ntwo")


def steering(given):
    raise ValueError("\x1b[31m")


def endless(given):
    raise ValueError("x" * 100_000)


def key_error(given):
    raise KeyError("x")


def exit_(given):
    sys.exit(2)


def no_module(given):
    import no_such_module  # noqa: F401


def missing_file(given):
    (given[1] / "missing").read_bytes()


def odd(given):
    if given[0] % 2:
        raise AssertionError(given[0])


def fine(given):
    return given


def unmade(random, folder):
    raise OSError("no")


SURFACES = [
    *(
        Surface(use.__name__, number, use)
        for use in (
            hang, eat, eat_all, leave, leave_temporary, kill, end, of_another, in_lines, steering, endless, key_error,
            exit_, no_module, missing_file, odd, fine,
        )
    ),
    Surface("unmade", unmade, fine),
]  # fmt: skip
