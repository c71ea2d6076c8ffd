"""Recorded outputs, which stand in for an engine where it is not installed.

`<folder>/<engine>/<case>.npz` holds the outputs of one case at every recorded dtype, the versions that gave them, and
the hash of the inputs that each came from. Of an array larger than `LIMIT` bytes only the first rows are kept, and the
check compares those.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.parity.dtypes import WIDE
from tf_emb.parity.jobs import Job, pack, unpack, whole
from tf_emb.parity.recorded import arrays_of

LIMIT = 4_000
DTYPES = WIDE  # bfloat16 and float16 would double the size of the record
ABOUT = "about"

Outputs = dict[Job, tuple[str, dict[str, np.ndarray]]]


@dataclass(frozen=True)
class StandIns:
    """The record in `folder`; None stands for an empty one."""

    folder: Path | None

    def engines(self) -> list[str]:
        """Return the engines that have recorded outputs."""
        return sorted({path.parent.name for path in self._files("*")})

    def cases(self, engine: str) -> list[str]:
        """Return the cases recorded for `engine`."""
        return sorted(path.stem for path in self._files(engine))

    def versions(self, engine: str) -> dict[str, str]:
        """Return the package versions with which `engine` was recorded; where its files differ, all of them."""
        found: dict[str, set[str]] = {}
        for path in self._files(engine):
            for package, version in _read(path)[0]["versions"].items():
                found.setdefault(package, set()).add(version)
        return {package: ", ".join(sorted(versions)) for package, versions in found.items()}

    def outputs(self, engine: str, job: Job, sha256: str) -> dict[str, np.ndarray] | None:
        """Return the recorded outputs of a job, or None if there are none for inputs of this hash."""
        path = self._path(engine, job.case)
        if path is None or not path.exists():
            return None
        about, arrays = _read(path)
        if about["inputs"].get(job.dtype) != sha256:
            return None
        prefix = f"{job.dtype} "
        return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}

    def save(self, engine: str, found: Outputs, versions: dict[str, str]) -> list[Path]:
        """Write one file for each case among the jobs of `found`, which maps a job to (hash of inputs, outputs)."""
        return [self._save(engine, case, found, versions) for case in sorted({job.case for job in found})]

    def _save(self, engine: str, case: str, found: Outputs, versions: dict[str, str]) -> Path:
        mine = {job.dtype: entry for job, entry in found.items() if job.case == case}
        about = {"versions": versions, "inputs": {dtype: sha256 for dtype, (sha256, _) in mine.items()}}
        arrays = {f"{dtype} {name}": trimmed(array) for dtype, (_, out) in mine.items() for name, array in out.items()}
        path = self._path(engine, case)
        if path is None:
            raise ValueError("`recorded` of the suite must be a folder to record in; got None. Give it one.")
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = {ABOUT: np.array(json.dumps(about, sort_keys=True))} | pack(arrays)
        with whole(path) as draft, draft.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **entries)
        _read.cache_clear()
        return path

    def _path(self, engine: str, case: str) -> Path | None:
        return None if self.folder is None else self.folder / engine / f"{case}.npz"

    def _files(self, engine: str) -> list[Path]:
        return [] if self.folder is None else sorted(self.folder.glob(f"{engine}/*.npz"))


def trimmed(array: np.ndarray) -> np.ndarray:
    """Return the first rows of `array` that fit in `LIMIT` bytes, at least one."""
    if array.nbytes <= LIMIT:
        return array
    return array[: max(1, LIMIT // (array.nbytes // len(array)))]


@cache
def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what a file of the record says about itself, and its arrays.

    Raises:
        ValueError: the file is damaged, or something else.
    """
    try:
        entries = arrays_of(path)
        about = json.loads(str(entries.pop(ABOUT)))
        for kind in ("versions", "inputs"):
            if not all(isinstance(text, str) for text in [*about[kind].keys(), *about[kind].values()]):
                raise ValueError(f"{kind} must be text")
        arrays = unpack(entries)
        if strange := [name for name in arrays if name.partition(" ")[0] not in about["inputs"]]:
            raise ValueError(f"array {strange[0]!r} belongs to no dtype")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = " ".join(str(error).encode("unicode_escape").decode().split())[:200]
        raise ValueError(
            f"a recorded output must be a file of `python -m compare references --record`; {path} is damaged or "
            f"something else ({type(error).__name__}: {why}). Restore it, or record it anew."
        ) from None
    return about, arrays
