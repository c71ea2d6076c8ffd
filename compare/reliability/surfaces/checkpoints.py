"""Checkpoints: saved trainings that are torn, altered, or written with a right checksum over what makes no sense."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from compare.reliability.surface import Surface
from tf_emb.corpus import Vocabulary
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.state import DIGEST, KIND, State, load_state, save_state

MADE: list[bytes] = []
FIRST = KIND + b"3\n"
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1, 2, 7, 10**9, 2**31, 2**63, 10**40, 0.5, float("nan"), float("inf")),
    *("", "x", "skipgram", "\x1b[2J", "\ud800", [], [1], [[]], {}, {"x": 1}, [None] * 4, "<f4", "|O", [3, -1]),
)


def valid(folder: Path) -> bytes:
    """Return a whole file: 20 words, dim 6, two epochs, one of two chunks out of order; it is made once."""
    if MADE:
        return MADE[0]
    draw = np.random.default_rng(0)
    words = Vocabulary(tuple(f"w{i}" for i in range(20)), np.arange(20, 0, -1))
    tables = [draw.normal(size=(20, 6)).astype(np.float32) for _ in range(4)]
    frozen = (np.zeros(20, bool), np.arange(20) == 3)
    texts = {"corpus": {"raw words": 210, "known words": 210, "sentences": 7, "digest": "0" * 64}, "held out": None}
    options = Options(dim=6, epochs=2)
    state = State(options, words, tables[:2], frozen, 1, np.ones((2, 2)), [3.5], tables[2:], frozenset({3}), texts)
    path = folder / "valid"
    save_state(path, state)
    data = path.read_bytes()
    path.unlink()
    MADE.append(data)
    return data


def torn(draw: np.random.Generator, folder: Path) -> Path:
    """Make a file that is cut, lengthened, or has bits, bytes or whole parts altered; one in fifty is left whole."""
    data = valid(folder)
    at, length = (int(n) for n in draw.integers(0, [len(data), 64]))
    damaged = [
        data[:at],
        data[:at] + bytes([data[at] ^ (1 << int(draw.integers(8)))]) + data[at + 1 :],
        data[:at] + draw.bytes(length) + data[at + length :],
        data[:at] + data[at + length :],
        data + draw.bytes(length),
        data[at:] + data[:at],
        bytes(len(data)),
    ]
    kind = int(draw.integers(len(damaged) * 7 + 1))
    return _written(folder, damaged[kind % len(damaged)] if kind < len(damaged) * 7 else data)


def signed(draw: np.random.Generator, folder: Path) -> Path:
    """Make a file whose checksum is right: one or two fields of its header are others, or its arrays are."""
    data = valid(folder)[:-DIGEST]
    start = len(FIRST) + 8
    length = int.from_bytes(data[len(FIRST) : start], "little")
    header, arrays = json.loads(data[start : start + length]), data[start + length :]
    for _ in range(int(draw.integers(1, 3))):
        if draw.random() < 0.25:
            at = int(draw.integers(len(arrays)))
            arrays = arrays[:at] + draw.bytes(int(draw.integers(8))) + arrays[at + int(draw.integers(8)) :]
        else:
            _alter(header, draw)
    text = json.dumps(header).encode()
    size = (len(text), 0, 2**40, 2**64 - 1)[int(draw.choice(4, p=[0.97, 0.01, 0.01, 0.01]))]
    whole = FIRST + size.to_bytes(8, "little") + text + arrays
    return _written(folder, whole + hashlib.sha256(whole).digest())


def _alter(node: Any, draw: np.random.Generator) -> None:
    """Replace, remove or rename one entry, at any depth."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    if not keys:
        return
    key = keys[int(draw.integers(len(keys)))]
    if isinstance(node[key], dict | list) and node[key] and draw.random() < 0.7:
        _alter(node[key], draw)
    elif draw.random() < 0.15:
        del node[key]
    else:
        node[key] = ODD[int(draw.integers(len(ODD)))]


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "v.bin.state"
    path.write_bytes(data)
    return path


def use(path: Path) -> None:
    """Load a training; what is accepted must be one that can go on."""
    state = load_state(path)
    rows, dim = len(state.vocabulary), state.options.dim
    if any(table.shape != (rows, dim) for table in state.tables) or not state.finite or state.done in state.ahead:
        raise AssertionError(f"accepted nonsense: {rows} words, tables {[table.shape for table in state.tables]}")


SURFACES = [Surface("checkpoints, torn", torn, use), Surface("checkpoints, signed", signed, use)]
