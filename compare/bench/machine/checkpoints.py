"""What checkpoints cost a training: the same chunks with and without them, in turns.

Processor time is compared beside the wall clock: a checkpoint is written by a thread of its own, while others train.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from compare.bench.machine.corpora import Corpus, Trained, with_length
from compare.bench.rounds import ratio, rotated
from compare.bench.tables import Table

WORDS, QUICK_WORDS = 20_000_000, 20_000
EVERY = 30.0  # seconds, the default of `tf-emb train`
MARGIN = 0.02


def measure(corpus: Corpus, *, threads: int, rounds: int, quick: bool, seed: int) -> dict[str, Any]:
    """Return the seconds of every turn with and without checkpoints, and the verdict."""
    of = with_length(corpus, QUICK_WORDS if quick else WORDS)
    trained = Trained(of, threads=threads, seed=seed)
    turns: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for number in range(rounds):
        for kept in rotated([False, True], number):
            turns[kept].append(turn(trained, of, kept))
    clocks = {name: ratio(*([one[name] for one in turns[kept]] for kept in (True, False))) for name in ("cpu", "wall")}
    written = [one["written"] for one in turns[True]]
    dim = trained.options.dim
    shape = {"words": of.words, "vocabulary": len(of.counts), "dim": dim, "threads": threads, "rounds": rounds}
    return shape | clocks | {"written": written, "held": clocks["cpu"]["median"] <= 1 + MARGIN}


def turn(trained: Trained, of: Corpus, kept: bool) -> dict[str, Any]:
    """Train once, with checkpoints or without; return the seconds of both clocks, and the checkpoints written."""
    from tf_emb.corpus import EncodedCorpus
    from tf_emb.word2vec import Checkpoints
    from tf_emb.word2vec.progress import Training

    trained.reset()
    model, ids = trained.model, np.asarray(of.ids)
    text = EncodedCorpus(ids, model.vocabulary, of.words, of.words, int((ids < 0).sum()))
    with TemporaryDirectory() as folder:
        checkpoints = Checkpoints(model, Path(folder) / "state", EVERY)
        model.training = Training(text.ids, of.words, trained.options)
        wall, cpu = time.perf_counter(), time.process_time()
        with checkpoints if kept else nullcontext():
            model.training.run(trained.trainer, [checkpoints] if kept else [])
        return {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "written": checkpoints.written,
        }


def tables(results: Sequence[dict[str, Any]]) -> Iterator[RenderableType]:
    """Yield a table with a row for each number of threads, and the verdict."""
    table = Table("threads", "processor time with / without", "wall clock", "checkpoints", left=[])
    shown = "{median:.3f} ({least:.3f}..{most:.3f})"
    for of in results:
        clocks = [shown.format(**of[name]) for name in ("cpu", "wall")]
        table.row(str(of["threads"]), *clocks, ", ".join(map(str, of["written"])))
    yield table
    first, held = results[0], all(of["held"] for of in results)
    said, style = ("holds", "green") if held else ("DOES NOT HOLD", "bold red")
    yield Text(f"{said}: checkpoints cost at most {MARGIN:.0%} of the processor time.", style)
    yield Text(
        f"{first['words']:,} words, vocabulary {first['vocabulary']:,}, dim {first['dim']}, skip-gram with negative "
        f"sampling, a checkpoint every {EVERY:.0f} s and sooner at the start; medians of {first['rounds']} rounds; "
        "(least..most)."
    )
