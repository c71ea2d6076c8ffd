"""What can be said against a picture or a Parquet file before the vectors are read and the views computed."""

import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from tf_emb.files import check_output
from tf_emb.projector.views import needs

PICTURES = (".png", ".svg", ".pdf")
Name = str | os.PathLike[str]


def check_picture(path: Name, inputs: Iterable[Name] = (), argument: str = "path") -> None:
    """Refuse a picture that `plot_projection` could not write.

    Args:
        path: the file to write.
        inputs: files that it must not be.
        argument: the name of `path` in error messages.

    Raises:
        ValueError: its suffix is another, or it cannot be written.
        ImportError: matplotlib is not installed.
    """
    _check(path, PICTURES, ("a picture", "matplotlib"), inputs, argument)


def check_parquet(path: Name, inputs: Iterable[Name] = (), argument: str = "path") -> None:
    """Refuse a file that `export_parquet` could not write; as `check_picture`.

    Raises:
        ValueError: its suffix is another, or it cannot be written.
        ImportError: pyarrow is not installed.
    """
    _check(path, (".parquet",), ("Parquet", "pyarrow"), inputs, argument)


def _check(
    path: Name, suffixes: tuple[str, ...], library: tuple[str, str], inputs: Iterable[Name], argument: str
) -> None:
    if Path(path).suffix not in suffixes:
        *others, last = suffixes
        listed = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"`{argument}` must end in {listed}; got {Path(path).name!r}. Rename it.")
    if find_spec(library[1]) is None:
        raise ImportError(needs(*library))
    check_output(path, inputs=inputs, argument=argument)
