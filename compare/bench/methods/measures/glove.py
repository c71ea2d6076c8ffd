"""GloVe beside Stanford's program on the same text and settings: analogies, WordSim-353, and seconds on two threads.

`paths["glove-program"]` is a folder with vocab_count, cooccur, shuffle and glove (stanfordnlp/GloVe, `make`); without
it nothing is measured. The settings are those of its demo.sh, at 100 dims.
"""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from compare.bench.methods.figure import Figure

THREADS = 2


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield both qualities and the seconds in total, counting included; on gensim's Lee corpus unless one is given."""
    if "glove-program" not in paths:
        return
    at = {"dim": 20 if quick else 100, "window": 15, "min_count": 5, "x_max": 10, "epochs": 3 if quick else 15}
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(paths["corpus"]) if "corpus" in paths else lee(Path(folder) / "lee.txt")
        runs = [(_ours(corpus, at, s), _stanford(corpus, at, s, Path(paths["glove-program"]), folder)) for s in seeds]
    data, peer = f"{corpus.name}, {at['dim']} dims, {at['epochs']} passes", "Stanford's GloVe program"
    scored = [(of[0], theirs[0]) for of, theirs in runs]
    for measured, (ours, theirs) in _qualities(scored).items():
        yield Figure("GloVe", data, measured, ours, peer, theirs, margin=1.0, vectors=runs[0][0][0])
    seconds = [[of[side][1] for of in runs] for side in (0, 1)]
    yield Figure(
        "GloVe", data, f"seconds, {THREADS} threads", seconds[0], peer, seconds[1], higher=False, vectors=runs[0][0][0]
    )


def lee(path: Path) -> Path:
    """Write the corpus that gensim ships, one document per line."""
    from tf_emb.corpus import lee_background

    path.write_text("\n".join(map(" ".join, lee_background())) + "\n", encoding="utf-8")
    return path


def _ours(corpus: Path, at: Mapping[str, int], seed: int) -> tuple[Any, float]:
    import tensorflow as tf

    from tf_emb.corpus import prepare
    from tf_emb.methods.glove import train_glove

    with contextlib.suppress(RuntimeError):  # TensorFlow has been initialised
        tf.config.threading.set_intra_op_parallelism_threads(1)
    began = time.perf_counter()
    encoded = prepare(corpus, min_count=at["min_count"])
    found = train_glove(
        encoded, at["dim"], window=at["window"], x_max=at["x_max"], epochs=at["epochs"], threads=THREADS, seed=seed
    )
    return found, time.perf_counter() - began


def _stanford(corpus: Path, at: Mapping[str, int], seed: int, program: Path, folder: str) -> tuple[Any, float]:
    from gensim.models import KeyedVectors

    def call(name: str, source: str | Path | None, to: str | None, **flags: Any) -> None:
        words = [word for flag, value in flags.items() for word in (f"-{flag.replace('_', '-')}", str(value))]
        with contextlib.ExitStack() as stack:
            read = stack.enter_context(open(Path(folder) / source, "rb")) if source else None
            written = stack.enter_context(open(Path(folder) / to, "wb")) if to else subprocess.DEVNULL
            command = [str((program / name).resolve()), *words]
            subprocess.run(command, stdin=read, stdout=written, stderr=subprocess.DEVNULL, cwd=folder, check=True)

    began, text = time.perf_counter(), corpus.resolve()
    call("vocab_count", text, "vocabulary.txt", min_count=at["min_count"], verbose=0)
    call("cooccur", text, "cells", window_size=at["window"], vocab_file="vocabulary.txt", memory=2.0, verbose=0)
    call("shuffle", "cells", "shuffled", memory=2.0, seed=seed + 1, verbose=0)
    call(
        "glove",
        None,
        None,
        input_file="shuffled",
        vocab_file="vocabulary.txt",
        save_file="vectors",
        binary=0,
        vector_size=at["dim"],
        x_max=at["x_max"],
        iter=at["epochs"],
        threads=THREADS,
        seed=seed + 1,
    )
    seconds = time.perf_counter() - began
    # The program adds a row for unknown words, which is not in the vocabulary.
    found = KeyedVectors.load_word2vec_format(str(Path(folder) / "vectors.txt"), no_header=True)
    return found, seconds


def _qualities(runs: Sequence[tuple[Any, Any]]) -> dict[str, tuple[list[float], list[float]]]:
    """Return both sides' percentages by measure, for the test sets that the vocabulary covers."""
    from gensim.test.utils import datapath

    from tf_emb.evaluate import analogies, word_pairs

    found: dict[str, tuple[list[float], list[float]]] = {}
    for run in runs:
        pairs = [word_pairs(vectors, datapath("wordsim353.tsv")) for vectors in run]
        asked = [analogies(vectors, datapath("questions-words.txt")).total for vectors in run]
        if pairs[0].covered >= 50:
            for side, of in zip(found.setdefault("WordSim-353, Spearman x 100", ([], [])), pairs, strict=True):
                side.append(100 * of.spearman)
        if asked[0].covered >= 50:
            for side, total in zip(found.setdefault("analogies, %", ([], [])), asked, strict=True):
                side.append(100 * total.accuracy)
    return found
