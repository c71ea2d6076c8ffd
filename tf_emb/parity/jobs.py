"""The files that the processes of a run exchange: where they are, and how arrays are packed and hashed."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_emb.parity.dtypes import as_numpy

TAG = "@bfloat16"


@dataclass(frozen=True)
class Job:
    """One case at one dtype: the unit of work of an engine's process."""

    case: str
    dtype: str

    def file(self, work: Path, name: str) -> Path:
        """Return the path of `name`.npz: inputs, want, allowed, diverging, or an engine's outputs."""
        return work / self.case / self.dtype / f"{name}.npz"

    def save(self, work: Path, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write arrays; a reader never sees half a file."""
        with whole(self.file(work, name)) as draft, draft.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **pack(arrays))

    def read(self, work: Path, name: str) -> dict[str, np.ndarray]:
        """Read what `save` wrote."""
        with np.load(self.file(work, name)) as archive:
            return unpack(archive)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the place of `path` once it is complete, or is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def todo(work: Path) -> tuple[str, list[Job]]:
    """Return the package of the suite and the jobs that `draw` left in WORK/jobs.json."""
    given = json.loads((work / "jobs.json").read_text())
    return given["suite"], [Job(*job) for job in given["jobs"]]


def pack(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what an `.npz` can hold: bfloat16, which would come back as raw bytes, as integers under a tagged name."""
    packed = {}
    for name, array in arrays.items():
        narrow = array.dtype.name == "bfloat16"
        packed[encode(name) + (TAG if narrow else "")] = array.view(np.uint16) if narrow else array
    return packed


def unpack(archive: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Undo `pack`."""
    return {
        decode(key.removesuffix(TAG)): archive[key].view(as_numpy("bfloat16")) if key.endswith(TAG) else archive[key]
        for key in archive
    }


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of names, dtypes, shapes and bytes."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def encode(name: str) -> str:
    """Return `name` without slashes: "dE/dW'" must not become a folder inside the archive."""
    return name.replace("/", "\u2215")


def decode(name: str) -> str:
    """Undo `encode`."""
    return name.replace("\u2215", "/")
