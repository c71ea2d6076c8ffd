"""What can be said of sizes before anything is allocated: whole numbers, and memory."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

LARGEST = 2**31 - 1  # of TensorFlow's int32


def check_count(name: str, value: Any, remedy: str) -> None:
    """Refuse what is no integer from 1 to LARGEST.

    Raises:
        ValueError: it is none; the message ends with the remedy.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"`{name}` must be an integer; got {value!r}. {remedy}")
    if value < 1:
        raise ValueError(f"`{name}` must be 1 or more; got {value}. {remedy}")
    if value > LARGEST:
        raise ValueError(f"`{name}` must be at most {LARGEST:,}; got {value if value < 10**99 else 'more'}. {remedy}")


def check_memory(size: int, what: str, remedy: str) -> None:
    """Refuse what needs more memory than there is.

    Args:
        size: bytes.
        what: of which they are, as the message begins.
        remedy: as the message ends.

    Raises:
        ValueError: `size` is more than `available()`.
    """
    free = available()
    if size > free:
        raise ValueError(f"{what} must fit in memory: about {_bytes(size)}, and {_bytes(free)} are free. {remedy}")


def available() -> int:
    """Return the bytes of memory that are free or can be freed, as far as the system says; otherwise 2^62."""
    limits = [1 << 62]
    with suppress(OSError, ValueError, IndexError):
        line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
        limits.append(1024 * int(line.split()[1]))
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    with suppress(OSError, ValueError, AttributeError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(0, min(limits))


def _bytes(size: int) -> str:
    power = min(4, max(0, (len(str(size)) - 1) // 3)) if size < 10**18 else 5
    return (
        "more than 10^18 bytes"
        if power == 5
        else f"{size / 1000**power:.3g} {('bytes', 'KB', 'MB', 'GB', 'TB')[power]}"
    )
