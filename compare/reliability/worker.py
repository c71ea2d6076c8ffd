"""The process that inputs are given to: `python -m compare.reliability.worker HOME SURFACE FIRST STOP SEED PIPE AGAIN`.

It says a line of JSON to the descriptor PIPE before and after each input. What an input does to it (hang, crash, eat
memory) is seen from outside, by `compare.reliability.fuzz`.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict

from compare.reliability.surface import Surface
from compare.reliability.surfaces import found
from compare.reliability.verdict import Verdict, judged, made, resident_mib, size_of


def main(home: str, name: str, first: str, stop: str, seed: str, pipe: str, again: str) -> None:
    """Give the inputs from `first` to `stop` to the product; where it is done again, the first of them twice."""
    surface = found(home)[name]

    def say(event: str, number: int, **more: object) -> None:
        os.write(int(pipe), json.dumps({"event": event, "number": number, **more}).encode() + b"\n")

    if again == "1":
        one(surface, int(first), int(seed), lambda event, number, **more: say("warming", number, **more))
    for number in range(int(first), int(stop)):
        one(surface, number, int(seed), say)
    os._exit(0)  # threads and pools that an input has started end with it


def one(surface: Surface, number: int, seed: int, say: Callable[..., None]) -> None:
    """Make one input, and judge what becomes of it."""
    try:
        with made(surface, number, seed) as (given, folder):
            say("made", number, held=resident_mib(), size=size_of(folder))
            verdict = judged(surface, given, folder)
    except Exception as error:  # of the surface's own `make`
        verdict = Verdict("wrong", f"the input could not be made: {type(error).__name__}: {error}")
    say("used", number, **asdict(verdict))


if __name__ == "__main__":
    main(*sys.argv[1:])
