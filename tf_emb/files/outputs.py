"""What can be said against an output before the work that it is for."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from tf_emb.files.shown import printable
from tf_emb.files.whole import sweep, try_writing

Name = str | os.PathLike[str]


def check_output(path: Name, *, inputs: Iterable[Name] = (), size: int = 0, argument: str = "path") -> None:
    """Refuse a file that could not be written, or that is one of the inputs, before any work is spent on it.

    A temporary file is created in its folder and removed: permissions, read-only file systems and quotas answer
    themselves. Temporary files there whose writers are dead are removed, too.

    Args:
        path: the file to write; it need not exist.
        inputs: files that are read, which `path` must not be, not through links either; names of no file are skipped.
        size: bytes that it will have, as far as is known.
        argument: the name of `path` in error messages.

    Raises:
        ValueError: it is a folder, a device, write-protected or an input; its folder is missing, cannot be written to,
            or has no room.
    """
    target = _real(path, argument)
    sweep(target.parent)
    _check_place(target, path, argument)
    for source in inputs:
        if _same(target, source):
            raise ValueError(
                f"`{argument}` must be another file than what is read; got {path}, which is {source}. Name a new file."
            )
    free = shutil.disk_usage(target.parent).free
    if size > free:
        raise ValueError(
            f"`{argument}` must have room: {size:,} bytes are needed in {target.parent}, and {free:,} are free. "
            "Name another folder."
        )


def check_folder(path: Name, argument: str = "path") -> None:
    """Refuse a folder that could not be created or written to, before any work is spent; nothing stays created.

    Raises:
        ValueError: it, or the nearest folder above it that exists, is a file or cannot be written to.
    """
    nearest = _real(path, argument)
    while not os.path.lexists(nearest):
        nearest = nearest.parent
    if not nearest.is_dir():
        raise ValueError(f"`{argument}` must be a folder; {nearest} is none. Name another.")
    _check_writable(nearest, path, argument)


def _real(path: Name, argument: str) -> Path:
    """Return a path without links.

    Raises:
        ValueError: no file can have such a name.
    """
    try:
        os.fsencode(path)
        return Path(os.path.realpath(path))
    except ValueError:  # the character 0, or half of a pair of UTF-16
        raise ValueError(f"`{argument}` must be the name of a file; got {printable(path)}. Correct it.") from None


def _check_place(target: Path, path: Name, argument: str) -> None:
    if target.is_dir():
        raise ValueError(f"`{argument}` must be a file; {path} is a folder. Add a file's name.")
    if target.exists() and not target.is_file():
        raise ValueError(f"`{argument}` must be a file; {path} is a device or a pipe. Name a file.")
    if not target.parent.is_dir():
        what = "is a file" if target.parent.exists() else "does not exist"
        raise ValueError(
            f"`{argument}` must lie in a folder; got {path}, and {target.parent} {what}. Create the folder."
        )
    if target.exists() and not target.stat().st_mode & 0o222:
        raise ValueError(f"`{argument}` must be writable; {path} is write-protected. Name another file.")
    _check_writable(target.parent, path, argument)


def _check_writable(folder: Path, path: Name, argument: str) -> None:
    try:
        try_writing(folder)
    except OSError as error:
        raise ValueError(
            f"`{argument}` must lie in a folder that can be written to; got {path} ({error.strerror}). Name another."
        ) from None


def _same(target: Path, source: Name) -> bool:
    try:
        os.fsencode(source)
        real = os.path.realpath(source)
        return os.path.samefile(target, real) if os.path.exists(real) and target.exists() else real == os.fspath(target)
    except (OSError, ValueError):  # the name of no file; whoever reads it says so
        return False
