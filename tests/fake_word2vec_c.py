"""A program with the flags of word2vec.c, which writes down how it was called; its vectors are random."""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np

FLAGS = {"train", "output", "size", "window", "sample", "hs", "negative", "threads", "iter", "min-count", "alpha",
         "binary", "cbow", "save-vocab", "read-vocab", "debug"}  # fmt: skip


def install(folder):
    """Write an executable that runs this file; return its path, and that of what it writes down."""
    program, calls = folder / "word2vec.c", folder / "calls.jsonl"
    program.write_text(f'#!/bin/sh\nCALLS="{calls}" exec "{sys.executable}" "{Path(__file__)}" "$@"\n')
    program.chmod(0o755)
    return program, calls


def main():
    names, values = sys.argv[1::2], sys.argv[2::2]
    flags = {name.removeprefix("-"): value for name, value in zip(names, values, strict=True)}
    if not flags.keys() <= FLAGS:
        sys.exit(f"unknown flags: {sorted(flags.keys() - FLAGS)}")
    with open(os.environ["CALLS"], "a") as file:
        file.write(json.dumps(flags) + "\n")
    text = Path(flags["train"]).read_text()
    found = [(word, n) for word, n in Counter(text.split()).most_common() if n >= int(flags["min-count"])]
    if "save-vocab" in flags:
        Path(flags["save-vocab"]).write_text("".join(f"{word} {n}\n" for word, n in [("</s>", 1), *found]))
    if "output" in flags:
        words = [line.split()[0] for line in Path(flags["read-vocab"]).read_text().splitlines()]
        dim = int(flags["size"])
        table = np.random.default_rng(0).normal(size=(len(words), dim)).astype(np.float32)
        with open(flags["output"], "wb") as file:
            file.write(f"{len(words)} {dim}\n".encode())
            for word, row in zip(words, table, strict=True):
                file.write(word.encode() + b" " + row.tobytes() + b"\n")


if __name__ == "__main__":
    main()
