"""Whether the tables of a training fit into memory, said before they are allocated."""

from tf_emb.memory import check_memory
from tf_emb.word2vec.options import Options

TABLES = 4  # the two tables, and a copy of each: while they are made, and whenever a checkpoint is taken


def check_tables(rows: int, dim: int, places: int = 0) -> None:
    """Refuse float32 tables that do not fit.

    Args:
        rows: number of words.
        dim: size of a vector.
        places: number of vectors that a step holds beside the tables, see `step_places`.

    Raises:
        ValueError: there is not enough memory.
    """
    what = f"Two tables of {rows:,} words by `dim` = {dim:,}, their copies and a step"
    check_memory(4 * dim * (TABLES * rows + places), what, "Use a smaller `dim`, or `max_vocab`.")


def step_places(options: Options) -> int:
    """Return how many vectors the steps of all threads hold: rows, their gradients, and the sums of these."""
    around = 2 * (options.block + options.window) + options.shared_noise
    return 3 * options.threads * options.blocks * around
