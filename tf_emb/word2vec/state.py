"""A training as a file, so that it can be resumed where it stopped."""

import json
import os
from typing import Any

import numpy as np

from tf_emb.corpus import Vocabulary
from tf_emb.files import appearing
from tf_emb.word2vec.frozen import masks
from tf_emb.word2vec.options import Options

FORMAT = 2  # 1 had no "frozen", "held out" and "best"


def save_state(path: str | os.PathLike[str], of: dict[str, Any]) -> None:
    """Write a training to `path`, all of it or nothing.

    Args:
        path: written in .npz format, whatever its suffix.
        of: "options", "vocabulary", "tables", "frozen", "done", "sums", "held out" and "best".
    """
    header = {"format": FORMAT, "options": of["options"].as_dict(), "done": of["done"],
              "held out": of["held out"]}  # fmt: skip
    arrays = {
        "header": np.frombuffer(json.dumps(header).encode(), np.uint8),
        "words": np.frombuffer(json.dumps(of["vocabulary"].words).encode(), np.uint8),
        "counts": of["vocabulary"].counts,
        "input": of["tables"][0],
        "output": of["tables"][1],
        "sums": of["sums"],
        "frozen input": of["frozen"][0],
        "frozen output": of["frozen"][1],
    }
    if of["best"] is not None:
        arrays |= {"best input": of["best"][0], "best output": of["best"][1]}
    with appearing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_state(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what was given to `save_state`.

    Raises:
        ValueError: `path` is not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            header = json.loads(arrays["header"].tobytes())
            words = json.loads(arrays["words"].tobytes())
            if header["format"] not in (1, FORMAT):
                raise ValueError(f"format {header['format']}")
            vocabulary = Vocabulary(tuple(words), arrays["counts"])
            return {
                "options": Options(**header["options"]),
                "vocabulary": vocabulary,
                "tables": (arrays["input"], arrays["output"]),
                "frozen": _pair(arrays, "frozen") or masks(vocabulary, ()),
                "done": header["done"],
                "sums": arrays["sums"],
                "held out": header.get("held out", []),
                "best": _pair(arrays, "best"),
            }
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ValueError(
            f"`path` must be a saved training; got {path} ({type(error).__name__}: {error}). Train again."
        ) from None


def _pair(arrays: Any, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the arrays of both tables, or None if the file has none."""
    found = f"{name} input" in arrays
    return (arrays[f"{name} input"], arrays[f"{name} output"]) if found else None
