"""Files that are compressed, as their suffix says or as their first bytes show, and are not inflated without bound."""

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
SIGNATURES = {b"\x1f\x8b\x08": ".gz", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}
SIGNATURES |= {b"BZh%d1AY&SY" % level: ".bz2" for level in range(1, 10)}
# Text of words is compressed 3 to 20 times, a file of zeros more than 1,000 times. No text of any use is refused.
MOST_TIMES, MOST_WITHOUT = 200, 1 << 28


@contextmanager
def opened(
    path: str | os.PathLike[str],
    mode: Literal["rb", "wb"] = "rb",
    suffix: str | None = None,
    argument: str = "path",
    most: int = MOST_WITHOUT,
) -> Iterator[IO[bytes]]:
    """Open a file through the compressor that its suffix names, or that its first bytes show, or uncompressed.

    Reading ends with an error where the file inflates to more than 200 times its size and more than `most` bytes.

    Args:
        path: the file.
        mode: "rb" or "wb".
        suffix: names the compressor; that of `path` by default.
        argument: the name of `path` in error messages.
        most: bytes that any file may inflate to.

    Raises:
        ValueError: the file is damaged or cut short, or inflates without end.
        OSError: the file cannot be opened, read or written.
        ModuleNotFoundError: the suffix is .zst, and the extra `zst` is not installed.
    """
    suffix = Path(path).suffix.lower() if suffix is None else suffix
    damages: tuple[type[Exception], ...] = (EOFError, zlib.error, lzma.LZMAError)
    try:
        with open(path, mode) as raw:
            suffix = suffix if suffix in COMPRESSED or mode == "wb" else _shown_by(raw)
            zstd = _zstandard() if suffix == ".zst" else None
            damages = (*damages, zstd.ZstdError) if zstd else damages
            with _coded(raw, mode, suffix, zstd) as coded:
                yield _bounded(coded, raw, path, argument, most) if mode == "rb" and suffix in COMPRESSED else coded
    except damages as error:
        raise (_damaged(path, suffix, error, argument) if suffix in COMPRESSED else error) from None
    except OSError as error:
        if error.errno is None and suffix in COMPRESSED:  # how gzip and bz2 refuse other files
            raise _damaged(path, suffix, error, argument) from None
        raise


def check_compressor(suffix: str) -> None:
    """Refuse a compressor that is not installed.

    Raises:
        ModuleNotFoundError: `suffix` is .zst, and the extra `zst` is not installed.
    """
    if suffix == ".zst":
        _zstandard()


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


def _shown_by(raw: Any) -> str:
    """Return the suffix of the compressor whose signature a file begins with, or "" for none."""
    first = raw.peek(16)[:16]
    return next((suffix for signature, suffix in SIGNATURES.items() if first.startswith(signature)), "")


def _bounded(coded: Any, raw: IO[bytes], path: object, argument: str, most: int) -> IO[bytes]:
    return io.BufferedReader(_Bounded(coded, raw, path, argument, most), 1 << 17)


class _Bounded(io.RawIOBase):
    """What is inflated from `raw`, until it is out of all proportion."""

    def __init__(self, coded: Any, raw: IO[bytes], path: object, argument: str, most: int) -> None:
        self._coded, self._raw, self._path, self._argument, self._most = coded, raw, path, argument, most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._coded.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:  # to know where the end is, all must be inflated
            block = bytearray(1 << 17)
            while self.readinto(block):
                pass
            offset, whence = self._coded.tell() + offset, io.SEEK_SET
        return int(self._coded.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        got = self._coded.read(len(buffer))
        buffer[: len(got)] = got
        size, inflated = self._raw.tell(), self._coded.tell()
        if inflated > self._most and inflated > MOST_TIMES * size:
            raise ValueError(
                f"`{self._argument}` must not inflate to more than {MOST_TIMES} times its size; got {self._path}, of "
                f"which {size:,} bytes became {inflated:,}. Decompress it first if that is right."
            )
        return len(got)
