"""Whether the tables of a training fit into memory, said before they are allocated."""

from pathlib import Path

from tf_emb.word2vec.options import Options

TABLES = 4  # the two tables, and a copy of each: while they are made, and whenever a checkpoint is taken
GIB = 1 << 30
LIMITS = (("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),)  # of a container, control groups version 2


def check_memory(rows: int, dim: int, places: int = 0, free: int | None = None) -> None:
    """Refuse tables that do not fit.

    Args:
        rows: number of words.
        dim: size of a vector.
        places: number of vectors that a step holds beside the tables, see `step_places`.
        free: bytes that there are; by default, as many as the system says, and nothing is refused where it does not.

    Raises:
        ValueError: there is not enough memory.
    """
    needed, free = 4 * dim * (TABLES * rows + places), available() if free is None else free
    if free is not None and needed > free:
        raise ValueError(
            f"`dim` must leave the tables room in memory; got {dim:,} for {rows:,} words: two tables, their copies "
            f"and a step take {needed / GIB:.1f} GiB, and {free / GIB:.1f} GiB are free. Use a smaller "
            "`dim`, or `max_vocab`."
        )


def step_places(options: Options) -> int:
    """Return how many vectors the steps of all threads hold: rows, their gradients, and the sums of these."""
    around = 2 * (options.block + options.window) + options.shared_noise
    return 3 * options.threads * options.blocks * around


def available() -> int | None:
    """Return the free memory in bytes, within the limit of the container; None if the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
    for most, used in LIMITS:
        try:
            free = min(free, int(Path(most).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no such group, or no limit: "max"
            continue
    return free
