"""From one file of vectors to another."""

import os

from tf_emb.vectors.files import check_path, load_vectors, save_vectors
from tf_emb.vectors.keyed import rows_of


def convert_vectors(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> tuple[int, int, bool]:
    """Read vectors in one format and write them in another; the suffixes tell which, see `save_vectors`.

    Returns:
        How many rows, how many numbers a row, and whether counts were lost because `target` has no place for them.

    Raises:
        ValueError: a suffix is unknown, `source` is not of its format, or that of `target` cannot carry a label.
        OSError: a file cannot be read or written.
    """
    keeps_counts = check_path(target) in (".npz", ".safetensors")
    rows = rows_of(load_vectors(source))
    save_vectors(target, *rows)
    return (*rows.table.shape, rows.counts is not None and not keeps_counts)
