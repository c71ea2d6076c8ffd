"""Files that appear only when they are complete, and folders for the time being; what a killed process left is removed.

A temporary file is opened exclusively, under a name that nobody can guess, and is locked for as long as its writer
lives. The kernel drops the lock of a process that dies, however it dies: a file of such a name that can be locked has
no writer, and the next one who writes into the same folder removes it.
"""

import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and so nothing that was left can be told from what is being written
    fcntl = None

PREFIX, SUFFIX = ".tf-emb-", ".part"
LOCK = "lock"  # in a folder for the time being
LOCKED = ".lock"  # beside a file that one process alone may write


@contextmanager
def appearing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary name beside `path` to write to; the file is renamed to `path` at the end, or deleted on errors.

    Where `path` is a symbolic link, the file that it leads to is replaced. The file is on the disk before it has its
    name, and keeps the permissions of the one before it. Nothing of `path` is in the temporary name: TensorBoard reads
    whatever has "tfevents" in its name.

    Raises:
        ValueError: `path` is a folder, a device or a pipe, which cannot be replaced.
        OSError: the folder cannot be written to, or has no room.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise ValueError(f"`path` must be a file, or not there yet; got {path}, which is neither. Name a file.")
    sweep(target.parent)
    temporary, descriptor = _exclusive(target.parent)
    try:
        yield temporary
        if target.exists():
            shutil.copymode(target, temporary)
        os.fsync(descriptor)
        os.replace(temporary, target)
        _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """Yield a new folder among the temporary ones (see TMPDIR), and remove it; first, what the dead left of `purpose`.

    Args:
        purpose: a word, which begins the folder's name.
    """
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"tf-emb-{purpose}-*"):
        _remove_folder_of_the_dead(left)
    folder = Path(tempfile.mkdtemp(prefix=f"tf-emb-{purpose}-"))
    descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    _lock(descriptor)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a locked temporary file in a folder that is being filled, which `was_left` knows by it if we are killed."""
    temporary, descriptor = _exclusive(folder)
    try:
        yield
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)


def was_left(folder: Path) -> bool:
    """Return whether a process died that held a temporary file in `folder`, and none that lives does."""
    try:
        found = list(folder.glob(f"{PREFIX}*{SUFFIX}"))
    except OSError:
        return False
    return bool(found) and all(map(_has_no_writer, found))


def sweep(folder: Path) -> None:
    """Remove the temporary files in `folder` whose writers are dead; one that cannot be removed stays."""
    with suppress(OSError):
        for left in folder.glob(f"{PREFIX}*{SUFFIX}"):
            _remove_file_of_the_dead(left)


def try_writing(folder: Path) -> None:
    """Create a file in `folder` and remove it.

    Raises:
        OSError: that is not possible.
    """
    temporary, descriptor = _exclusive(folder)
    temporary.unlink(missing_ok=True)
    os.close(descriptor)


def _exclusive(folder: Path) -> tuple[Path, int]:
    """Create a file that did not exist, locked; return its name and descriptor."""
    while True:
        path = folder / f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        _lock(descriptor)
        if path.exists():  # else it was swept in the moment between the two
            return path, descriptor
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if fcntl is not None:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _has_no_writer(path: Path) -> bool:
    """Return whether `path` is a regular file of ours (not a link) that nobody holds a lock on."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        of = os.fstat(descriptor)
        if not stat.S_ISREG(of.st_mode) or of.st_uid != os.geteuid():
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _remove_file_of_the_dead(path: Path) -> None:
    if _has_no_writer(path):
        with suppress(OSError):
            path.unlink()


def _remove_folder_of_the_dead(path: Path) -> None:
    if not path.is_symlink() and _has_no_writer(path / LOCK):
        shutil.rmtree(path, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def locked(path: str | os.PathLike[str], argument: str = "path") -> Iterator[None]:
    """Claim `path` for one process, by a lock on a file beside it; a process that dies, however it dies, has no claim.

    Args:
        path: what the process is going to write, through links too.
        argument: the name of `path` in the error message.

    Raises:
        ValueError: another process has claimed it.
        OSError: the folder cannot be written to.
    """
    target = Path(os.path.realpath(path))
    lock = target.with_name(f".{target.name}{LOCKED}")
    descriptor = _claimed(lock, f"`{argument}` must not be in use; got {path}")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _claimed(lock: Path, rule: str) -> int:
    """Return the descriptor of a file that this process alone has locked."""
    while True:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace")
            os.close(descriptor)
            raise ValueError(f"{rule}, which process {holder} writes to. Wait for it, or name another file.") from None
        except OSError:
            pass  # a file system without locks
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(lock)):  # else its last owner has just removed it
                os.truncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
                return descriptor
        os.close(descriptor)
