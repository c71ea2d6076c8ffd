"""Files that are compressed as their suffix says, and files that appear only when they are complete."""

import bz2
import gzip
import lzma
import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


@contextmanager
def opened(
    path: str | os.PathLike[str], mode: Literal["rb", "wb"] = "rb", suffix: str | None = None, argument: str = "path"
) -> Iterator[IO[bytes]]:
    """Open a file through the compressor that its suffix names, or uncompressed.

    Args:
        path: the file.
        mode: "rb" or "wb".
        suffix: names the compressor; that of `path` by default.
        argument: the name of `path` in error messages.

    Raises:
        ValueError: the file is damaged or cut short.
        OSError: the file cannot be opened, read or written.
        ModuleNotFoundError: the suffix is .zst, and the extra `zst` is not installed.
    """
    suffix = Path(path).suffix.lower() if suffix is None else suffix
    zstd = _zstandard() if suffix == ".zst" else None
    damages: tuple[type[Exception], ...] = (EOFError, zlib.error, lzma.LZMAError)
    if zstd:
        damages = (*damages, zstd.ZstdError)
    try:
        with open(path, mode) as raw, _coded(raw, mode, suffix, zstd) as file:
            yield file
    except damages as error:
        raise (_damaged(path, suffix, error, argument) if suffix in COMPRESSED else error) from None
    except OSError as error:
        if error.errno is None and suffix in COMPRESSED:  # how gzip and bz2 refuse other files
            raise _damaged(path, suffix, error, argument) from None
        raise


def _coded(raw: IO[bytes], mode: Literal["rb", "wb"], suffix: str, zstd: Any) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile("", mode, 6, raw, mtime=0)  # mtime=0: the same bytes whenever they are written
    if suffix == ".bz2":
        return bz2.BZ2File(raw, mode)
    if suffix == ".xz":
        return lzma.LZMAFile(raw, mode)
    return zstd.ZstdFile(raw, mode) if zstd else raw


def _zstandard() -> Any:
    """Return the backport of Python 3.14's module."""
    try:
        from backports import zstd
    except ImportError:
        raise ModuleNotFoundError("A .zst file needs the extra `zst`: pip install 'tf-emb[zst]'.") from None
    return zstd


def _damaged(path: object, suffix: str, error: Exception, argument: str) -> ValueError:
    return ValueError(
        f"`{argument}` must be a whole {suffix} file by its suffix; got {path} ({error}). Fetch it again, or rename it."
    )


@contextmanager
def appearing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary name beside `path` to write to; the file is renamed to `path` at the end, or deleted on errors.

    Nothing of `path` is in the temporary name: TensorBoard reads whatever has "tfevents" in its name.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
