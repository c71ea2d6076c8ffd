"""The heading of NumPy's .npy format, read without trust."""

from typing import IO, TypeAlias

import numpy as np

Heading: TypeAlias = tuple[tuple[int, ...], bool, np.dtype]  # shape, whether it is in the order of columns, dtype


def read_heading(file: IO[bytes]) -> Heading:
    """Read the heading of a .npy file, and nothing behind it.

    Raises:
        ValueError: there is none of versions 1 and 2, or the shape is none; in one line.
        EOFError: a member of an archive is cut short.
    """
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, by_columns, dtype = read(file)
    except EOFError:
        raise
    except Exception as error:  # it evaluates a literal of Python: there is hardly one that cannot come
        raise ValueError(f"no heading of NumPy's: {first_line(error)}") from None
    if any(length < 0 or isinstance(length, bool) for length in shape):
        raise ValueError(f"no shape: {shape[:9]}")
    return shape, by_columns, dtype


def first_line(error: BaseException) -> str:
    """Return the beginning of the first line of an error that another library raised."""
    return repr(str(error).partition("\n")[0][:120]).strip("'\"") or type(error).__name__
