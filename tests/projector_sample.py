"""Labels and tables that the tests of the projector share."""

from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.projector import log_projection

LABELS = ["the", "猫", "007", "1e5", "", "a\tb", "c\nd\re", "zoë"]
SHOWN = ["the", "猫", "007\u200b", "1e5\u200b", "(blank)", r"a\tb", r"c\nd\re", "zoë"]
BIG = [f"x{'猫' * 300}{i}" for i in range(1300)]  # more than one of the page's pieces of metadata
PROTOTYPES = ["constructor", "__proto__", "toString"]  # every JavaScript object has these


def table(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def quiet(line: str) -> None:
    pass


def log(logdir: Path, vectors: Any, labels: Any, **options: Any) -> Path:
    """Log without views, without normalising, and without a word, unless asked to."""
    return log_projection(logdir, vectors, labels, **{"views": (), "normalize": False, "say": quiet, **options})


def first_line_is_text() -> np.ndarray:
    """Return bytes of which the first line, but not the whole, is UTF-8."""
    values = np.full((len(LABELS), 3), 2.0, np.float32)
    values.view(np.uint8)[1, 0] = ord("\n")
    values[2, 0] = 1 / 3
    return values


RUNS: dict[str, dict[str, np.ndarray]] = {
    "nested": {"center": table(8, 60), "context": -table(8, 3)},
    "text": {
        "zeros": np.zeros((8, 4), np.float32),
        "twos": np.full((8, 5), 2.0, np.float32),
        "line": first_line_is_text(),
    },
    "names": {name: table(8, dim) for dim, name in enumerate(["a/b", "a_b", "c#d&e+f%20g", "", "猫 (1)"], start=3)},
    "big": {"wide": table(len(BIG), 3)},
}
RUNS["names"]["猫 (1)"][0, :4] = [-0.0, 1e-45, np.finfo(np.float32).max, np.finfo(np.float32).tiny]
