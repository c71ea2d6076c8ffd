"""A training as a file, so that one that was stopped can go on where it was."""

import json
import os
from typing import Any

import numpy as np

from tf_emb.corpus import Vocabulary
from tf_emb.files import appearing
from tf_emb.word2vec.options import Options

FORMAT = 1


def save_state(path: str | os.PathLike[str], of: dict[str, Any]) -> None:
    """Write a training to `path`, as a whole or not at all.

    Args:
        path: an .npz file by content, whatever its suffix.
        of: "options", "vocabulary", "tables", "done" and "sums".
    """
    header = {"format": FORMAT, "options": of["options"].as_dict(), "done": of["done"]}
    arrays = {
        "header": np.frombuffer(json.dumps(header).encode(), np.uint8),
        "words": np.frombuffer(json.dumps(of["vocabulary"].words).encode(), np.uint8),
        "counts": of["vocabulary"].counts,
        "input": of["tables"][0],
        "output": of["tables"][1],
        "sums": of["sums"],
    }
    with appearing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_state(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `save_state` was given.

    Raises:
        ValueError: `path` is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            header = json.loads(arrays["header"].tobytes())
            words = json.loads(arrays["words"].tobytes())
            if header["format"] != FORMAT:
                raise ValueError(f"format {header['format']}")
            return {
                "options": Options(**header["options"]),
                "vocabulary": Vocabulary(tuple(words), arrays["counts"]),
                "tables": (arrays["input"], arrays["output"]),
                "done": header["done"],
                "sums": arrays["sums"],
            }
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ValueError(
            f"`path` must be a training that was saved; got {path} ({type(error).__name__}: {error}). Train anew."
        ) from None
