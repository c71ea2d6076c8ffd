"""A command that is sent a signal after some seconds, and what is left of it: run by hand, or by test_stopping.py."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def strike(number, seconds, temporary, *arguments, forgive=0.0):
    """Send a signal; return exit status, lines of standard error, processes and files that are left."""
    temporary.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "MARKED": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-m", "compare", *map(str, arguments)],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        time.sleep(seconds)
        child.send_signal(number)
        error = child.communicate(timeout=120)[1]
    for _ in range(50):
        if not (left := alive(temporary)):
            break
        time.sleep(forgive / 50)
    return child.returncode, error.splitlines(), left, sorted(path.name for path in temporary.iterdir())


def alive(temporary):
    """Return the processes that were started with this folder for temporary files."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARKED={temporary}\0".encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    work, times, longest, *command = sys.argv[1:]
    chance, right = random.Random(0), {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for attempt in range(int(times)):
            after = chance.uniform(0.3, float(longest))
            out = Path(work) / f"out-{number}-{attempt}"
            status, lines, left, files = strike(
                number, after, Path(work) / "tmp", *(part.replace("OUT", str(out)) for part in command), forgive=3
            )
            wanted = -9 if number == signal.SIGKILL else 128 + number
            well = not left and ((status == wanted and (number == signal.SIGKILL or (len(lines) == 1 and not files)))
                                 or (status == 0 and not lines and not files))  # fmt: skip
            right[number.name] = right.get(number.name, 0) + well
            if not well:
                print(number.name, f"{after:.2f} s:", status, lines[-3:], left, files)
    print(command[:2], {name: f"{count} of {times}" for name, count in right.items()})
