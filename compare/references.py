"""Recorded outputs of PyTorch, which stand in where it is not installed.

`compare/references/torch.npz` holds them, `torch.json` says with which versions, and the hash of the inputs that
each came from. Arrays over `LIMIT` bytes keep their first rows only; the check compares those.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from compare.dtypes import WIDE
from compare.files import Job, pack, unpack

FOLDER = Path(__file__).parent / "references"
LIMIT = 4_000
DTYPES = WIDE  # with bfloat16 and float16 the record would not be small


def recorded() -> list[str]:
    """Return the engines whose outputs are recorded."""
    return sorted(path.stem for path in FOLDER.glob("*.json") if path.with_suffix(".npz").exists())


def versions(engine: str) -> dict[str, str]:
    """Return the package versions with which `engine` was recorded."""
    return _index(engine)["versions"]


def outputs(engine: str, job: Job, sha256: str) -> dict[str, np.ndarray] | None:
    """Return the recorded outputs of a job, or None if there are none for inputs of this hash."""
    entry = _index(engine)["jobs"].get(f"{job.case} {job.dtype}")
    if entry is None or entry["sha256"] != sha256:
        return None
    return {name: _arrays(engine)[f"{job.case} {job.dtype} {name}"] for name in entry["outputs"]}


def trimmed(array: np.ndarray) -> np.ndarray:
    """Return the first rows of `array` that fit in `LIMIT` bytes, at least one."""
    if array.nbytes <= LIMIT:
        return array
    return array[: max(1, LIMIT // (array.nbytes // len(array)))]


def save(engine: str, found: dict[Job, tuple[str, dict[str, np.ndarray]]], versions: dict[str, str]) -> Path:
    """Write the outputs of every job, with the hash of its inputs; return the path."""
    arrays: dict[str, np.ndarray] = {}
    index = {}
    for job, (sha256, out) in found.items():
        index[f"{job.case} {job.dtype}"] = {"sha256": sha256, "outputs": sorted(out)}
        arrays |= {f"{job.case} {job.dtype} {name}": trimmed(array) for name, array in out.items()}
    path = FOLDER / f"{engine}.npz"
    np.savez_compressed(path, allow_pickle=False, **pack(arrays))
    text = json.dumps({"versions": versions, "jobs": index}, indent=1, sort_keys=True)
    path.with_suffix(".json").write_text(text + "\n")
    return path


@cache
def _index(engine: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{engine}.json").read_text())


@cache
def _arrays(engine: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{engine}.npz") as archive:
        return unpack(archive)
