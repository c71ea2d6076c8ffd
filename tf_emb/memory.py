"""Free memory, and what does not fit into it, said before it is asked for."""

import os
from contextlib import suppress
from pathlib import Path

UNKNOWN = 1 << 62  # bytes, where the system says nothing
UNITS = ("bytes", "KB", "MB", "GB", "TB")


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
    """Return the bytes of memory that are free or can be freed, in this container, as far as the system says."""
    limits = [UNKNOWN]
    with suppress(OSError, ValueError, IndexError, StopIteration):
        line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
        limits.append(1024 * int(line.split()[1]))
    with suppress(OSError, ValueError):  # no such group, or no limit: "max"
        group = Path("/sys/fs/cgroup")
        limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    with suppress(OSError, ValueError, AttributeError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(0, min(limits))


def _bytes(size: int) -> str:
    if size >= 10**18:
        return "more than 10^18 bytes"
    power = min(len(UNITS) - 1, (len(str(size)) - 1) // 3)
    return f"{size / 1000**power:.3g} {UNITS[power]}"
