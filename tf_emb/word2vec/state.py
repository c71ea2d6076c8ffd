"""The file that keeps a training: all that is needed to go on with it, under a checksum.

    the line "tf-emb training, format 3"
    8 bytes, little-endian: length of the header
    the header, JSON: everything but the arrays, and the name, dtype and shape of each of those
    the arrays, one after another, little-endian, in C order
    32 bytes: SHA-256 of all before

Nothing of the content is looked at before the checksum is right.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from tf_emb.corpus import Vocabulary
from tf_emb.files import appearing, printable
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.tables import Masks

FORMAT = 3  # 1 and 2 were archives of NumPy
KIND = b"tf-emb training, format "
PIECE = 1 << 20
DIGEST = 32  # bytes
LONGEST = 100  # bytes of the first line


@dataclass(frozen=True)
class State:
    """A true point of a training; the attributes are those of `Word2Vec` and its `Training`."""

    options: Options
    vocabulary: Vocabulary
    tables: Sequence[np.ndarray]
    frozen: Masks
    done: int
    sums: np.ndarray
    held_out_losses: list[float] = field(default_factory=list)
    best: Sequence[np.ndarray] | None = None
    ahead: frozenset[int] = frozenset()
    texts: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for broken in _broken(self):
            raise ValueError(broken)

    @property
    def finite(self) -> bool:
        """Whether every number in the tables is finite."""
        return all(bool(np.isfinite(table.sum(dtype=np.float64))) for table in (*self.tables, *(self.best or ())))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what is kept as arrays, by name."""
        words = json.dumps(self.vocabulary.words, ensure_ascii=False).encode("utf-8", "surrogatepass")
        best = {} if self.best is None else {"best input": self.best[0], "best output": self.best[1]}
        return {
            "words": np.frombuffer(words, np.uint8),
            "counts": np.asarray(self.vocabulary.counts, np.int64),
            "input": self.tables[0],
            "output": self.tables[1],
            "sums": self.sums,
            "frozen input": self.frozen[0],
            "frozen output": self.frozen[1],
            **best,
        }


def _broken(of: State) -> Iterator[str]:
    """Yield what cannot be in a training."""
    rows, dim, epochs = len(of.vocabulary), of.options.dim, of.options.epochs
    tables = [*of.tables, *(of.best or ())]
    if any(table.shape != (rows, dim) or table.dtype != np.float32 for table in tables) or len(tables) not in (2, 4):
        yield f"its tables are not float32 of {rows} by {dim}"
    if of.vocabulary.counts.shape != (rows,) or len(set(of.vocabulary.words)) != rows:
        yield "its words and their counts do not agree"
    if any(mask.shape != (rows,) or mask.dtype != bool for mask in of.frozen):
        yield "its frozen rows do not fit its words"
    if of.sums.shape != (epochs, 2) or of.sums.dtype != np.float64:
        yield f"its losses are not those of {epochs} epochs"
    chunks = [of.done, *of.ahead]
    if any(not isinstance(chunk, int) or chunk < 0 for chunk in chunks) or any(chunk <= of.done for chunk in of.ahead):
        yield "its chunks are not numbered from 0"
    if not all(isinstance(loss, float) for loss in of.held_out_losses):
        yield "its held-out losses are not numbers"


def save_state(path: str | os.PathLike[str], of: State) -> None:
    """Write a training to `path`, all of it or nothing."""
    with appearing(path) as temporary:
        write_state(temporary, of)


def write_state(path: Path, of: State) -> None:
    """Write a training to a file that nobody reads yet, and wait until it is on the disk."""
    arrays = {name: np.ascontiguousarray(array) for name, array in of.arrays().items()}
    header = {
        "options": of.options.as_dict(),
        "done": of.done,
        "ahead": sorted(of.ahead),
        "held out": of.held_out_losses,
        "texts": of.texts,
        "notes": of.notes,
        "arrays": [[name, array.dtype.str, array.shape] for name, array in arrays.items()],
    }
    text = json.dumps(header).encode()
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        first: list[Any] = [KIND + b"%d\n" % FORMAT, len(text).to_bytes(8, "little"), text]
        for part in [*first, *arrays.values()]:
            digest.update(part)
            file.write(part)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())


def load_state(path: str | os.PathLike[str]) -> State:
    """Return what was given to `save_state`.

    Raises:
        ValueError: `path` is not such a file, or has been cut short or altered.
        FileNotFoundError: there is no such file.
    """
    try:
        with open(path, "rb") as file:
            _check_kind(file.readline(LONGEST))
            start = file.tell()
            end = _checked_end(file, start)
            state = _state(file, start, end)
            if not state.finite:
                raise ValueError("its tables are not finite")
            return state
    except FileNotFoundError:
        raise
    except (OSError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        said = printable(error.strerror if isinstance(error, OSError) else error)
        raise ValueError(
            f"`path` must be a saved training; got {path} ({said}). Use another, or train again."
        ) from None


def _check_kind(line: bytes) -> None:
    if line.startswith(b"PK"):
        raise ValueError("an earlier version of tf-emb wrote it, in a format that had no checksum")
    if not line.startswith(KIND):
        raise ValueError("it begins as something else")
    if line != KIND + b"%d\n" % FORMAT:
        raise ValueError(f"it is of format {line[len(KIND) :][:20].strip().decode(errors='replace')}, not {FORMAT}")


def _checked_end(file: IO[bytes], start: int) -> int:
    """Return where the content ends, after comparing its checksum."""
    end = file.seek(0, os.SEEK_END) - DIGEST
    if end < start + 8:
        raise ValueError("it has been cut short")
    digest, left = hashlib.sha256(), end
    file.seek(0)
    while left:
        block = file.read(min(PIECE, left))
        digest.update(block)
        left -= len(block)
        if not block:
            raise ValueError("it has been cut short")
    if file.read(DIGEST) != digest.digest():
        raise ValueError("it has been cut short or altered: its checksum is another")
    return end


def _state(file: IO[bytes], start: int, end: int) -> State:
    file.seek(start)
    length = int.from_bytes(file.read(8), "little")
    if length > end - start - 8:
        raise ValueError("its header is longer than the file")
    header = json.loads(file.read(length))
    arrays = _arrays(file, header["arrays"], end - start - 8 - length)
    words = json.loads(arrays["words"].tobytes().decode("utf-8", "surrogatepass"))
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("its words are not text")
    best = (arrays["best input"], arrays["best output"]) if "best input" in arrays else None
    return State(
        Options(**header["options"]),
        Vocabulary(tuple(words), arrays["counts"]),
        (arrays["input"], arrays["output"]),
        (arrays["frozen input"], arrays["frozen output"]),
        header["done"],
        arrays["sums"],
        header["held out"],
        best,
        frozenset(header["ahead"]),
        dict(header["texts"]),
        dict(header["notes"]),
    )


def _arrays(file: IO[bytes], described: list[Any], size: int) -> dict[str, np.ndarray]:
    """Read arrays one after another; nothing is allocated unless their sizes add up to `size`."""
    kinds = [(str(name), np.dtype(dtype), tuple(map(int, shape))) for name, dtype, shape in described]
    lengths = [dtype.itemsize * _product(shape) for _, dtype, shape in kinds]
    if any(dtype.hasobject or min(shape, default=0) < 0 for _, dtype, shape in kinds) or sum(lengths) != size:
        raise ValueError("its arrays do not fill it")
    return {name: np.fromfile(file, dtype, _product(shape)).reshape(shape) for name, dtype, shape in kinds}


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for side in shape:
        product *= side
    return product
