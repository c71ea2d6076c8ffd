"""What becomes of one input, and whether it is right.

Right is an input that is accepted, or refused in one line of our own, within `SECONDS` and within `MIB` beyond its
size, with no file left behind.
"""

import io
import linecache
import os
import tempfile
import time
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer

from compare.reliability.surface import Surface
from tf_emb.files import printable

ROOT = Path(__file__).parents[2]
OURS = tuple(str(ROOT / package) + os.sep for package in ("tf_emb", "compare"))
SECONDS, MIB = 5.0, 1024.0
KEPT = "__autograph_generated_file"  # TensorFlow's, which it removes when the process ends
LONGEST = 5000  # characters of a message; a path may have 4,096
USAGE: type[Exception] = typer.BadParameter.__mro__[1]  # click's, of whichever click typer brings
TOLD = (ValueError, OSError, ImportError, USAGE)


@dataclass(frozen=True)
class Verdict:
    """What became of one input.

    Attributes:
        kind: accepted, refused or wrong.
        said: the message of a refusal, or what is wrong.
        seconds: that `use` took.
        mib: by which memory grew at its peak, beyond the size of the input.
        error: what was raised, as a traceback.
    """

    kind: str
    said: str = ""
    seconds: float = 0.0
    mib: float = 0.0
    error: str = ""


def generator(surface: Surface, number: int, seed: int) -> np.random.Generator:
    """Return the generator of the input with this number."""
    return np.random.default_rng([zlib.crc32(surface.name.encode()), number, seed])


def judged(surface: Surface, given: object, folder: Path) -> Verdict:
    """Give an input to the product, and say what came. It was made in `folder`, which becomes the current one."""
    size, before, error, trace = size_of(folder), listing(folder), None, ""
    forget_peak()
    held, began = resident_mib(), time.perf_counter()
    try:
        with current(folder):
            surface.use(given)
    except BaseException as raised:  # whatever comes is judged
        error, trace = raised, traceback.format_exc()
    seconds, grown = time.perf_counter() - began, max(0.0, peak_mib() - held - size)
    wrong = [
        *complaints(error),
        *([f"took {seconds:.1f} s"] if seconds > SECONDS else []),
        *([f"memory grew by {grown:,.0f} MiB"] if grown > MIB else []),
        *(f"left {printable(name)!r} behind" for name in sorted(listing(folder) - before)[:1]),
    ]
    if wrong:
        return Verdict("wrong", "; ".join(wrong), seconds, grown, trace)
    told = error is not None and not (isinstance(error, typer.Exit) and error.exit_code == 0)
    return Verdict("refused" if told else "accepted", message(error) if told else "", seconds, grown, trace)


def complaints(error: BaseException | None) -> list[str]:
    """Return what is wrong with an exception: nothing if it is one line of our own, or None."""
    if error is None or isinstance(error, typer.Exit):
        return []
    said = message(error)
    name = type(error).__name__
    if not isinstance(error, TOLD):
        return [f"{name}: {shortened(said)}"]
    if printable(said) != said or not said.strip():
        return [f"{name} whose message is not one line of text: {shortened(printable(said))!r}"]
    if len(said) > LONGEST and not isinstance(error, USAGE):  # which repeats what was typed
        return [f"{name} with a message of {len(said):,} characters: {shortened(said)}"]
    return [] if of_our_own(error) else [f"{name} of another's words: {shortened(said)}"]


def message(error: BaseException | None) -> str:
    """Return what the user is told."""
    return str(getattr(error, "format_message", error.__str__)())


def of_our_own(error: BaseException) -> bool:
    """Return whether we chose to raise it: by a `raise` in our files, or as click's or the system's with a file's name.

    An error that arises in a line of ours, such as int("x"), was not foreseen, and neither was one from below.
    """
    if isinstance(error, USAGE) or (isinstance(error, OSError) and error.filename is not None):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not frames[-1].filename.startswith(OURS):
        return False
    return linecache.getline(frames[-1].filename, frames[-1].lineno or 0).lstrip().startswith("raise ")


def shortened(text: str) -> str:
    """Return text in at most 200 characters, without line breaks."""
    line = printable(" ".join(text[:2000].split()))
    return line if len(line) <= 200 else f"{line[:199]}…"


@contextmanager
def made(surface: Surface, number: int, seed: int) -> Iterator[tuple[object, Path]]:
    """Yield an input and its folder, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="reliability-", ignore_cleanup_errors=True) as parent:
        folder = Path(parent) / "input"
        folder.mkdir()
        yield surface.make(generator(surface, number, seed), folder), folder


@contextmanager
def current(folder: Path) -> Iterator[None]:
    """Make a folder the current one, and one beside it that of temporary files."""
    kept, before = os.getcwd(), tempfile.tempdir
    temporary = folder.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    tempfile.tempdir = str(temporary)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(kept)
        tempfile.tempdir = before


def listing(folder: Path) -> set[str]:
    """Return the names of all files, and of the temporary ones; folders that hold nothing are none."""
    found = set()
    for parent, _, files in os.walk(folder.parent):
        found |= {os.path.relpath(os.path.join(parent, name), folder) for name in files if not name.startswith(KEPT)}
    return found


def size_of(folder: Path) -> float:
    """Return the size in MiB of what lies in a folder; of a file with holes, what is on the disk."""
    total = 0
    for parent, _, files in os.walk(folder):
        total += sum(os.lstat(os.path.join(parent, name)).st_blocks * 512 for name in files)
    return total / 2**20


def forget_peak() -> None:
    """Let the peak of memory begin anew, where Linux allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def resident_mib(process: int | str = "self", field: str = "VmRSS") -> float:
    """Return the memory of a process in MiB; 0 where it cannot be read or the process is gone."""
    with suppress(OSError):
        for line in io.StringIO(Path(f"/proc/{process}/status").read_text()):
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def peak_mib() -> float:
    """Return the peak of this process's memory since `forget_peak`."""
    return resident_mib(field="VmHWM")
