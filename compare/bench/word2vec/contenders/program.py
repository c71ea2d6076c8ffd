"""The program word2vec.c, or one with its flags. Its vocabulary is counted outside the clock; it has no seed.

Inside the clock it also allocates its tables and writes the vectors: it cannot do that separately.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from compare.bench.word2vec.contenders import refuse
from compare.bench.word2vec.task import Prepared, Task

LOSSES = {"negative-sampling": (0, 1), "hierarchical-softmax": (1, 0)}


def prepare(task: Task) -> Prepared:
    """Let the program write its vocabulary."""
    if task.loss not in LOSSES or task.max_vocab or task.program is None:
        raise refuse(task)
    folder = tempfile.TemporaryDirectory(prefix="word2vec-")
    vocabulary, vectors = Path(folder.name) / "vocabulary.txt", Path(folder.name) / "vectors.bin"
    run(task, {"save-vocab": vocabulary})
    counts = [int(line.rsplit(" ", 1)[1]) for line in vocabulary.read_text(encoding="utf-8").splitlines()]
    words = sum(1 for _ in Path(task.text).read_text(encoding="utf-8").split()) * task.epochs

    def save(path: Path) -> None:
        shutil.copy(vectors, path)
        folder.cleanup()

    return Prepared(
        train=lambda: run(task, training(task) | {"read-vocab": vocabulary, "output": vectors}),
        save=save,
        raw_words=words,
        version=f"{Path(task.program).name}, {len(counts):,} words",
        child=True,
    )


def training(task: Task) -> dict[str, object]:
    """Return the flags of a training."""
    hierarchical, sampled = LOSSES[task.loss]
    return {
        "size": task.dim,
        "window": task.window,
        "sample": task.sample,
        "hs": hierarchical,
        "negative": task.negatives * sampled,
        "threads": task.threads,
        "iter": task.epochs,
        "cbow": int(task.model == "cbow"),
        "binary": 1,
    }


def run(task: Task, flags: dict[str, object]) -> None:
    """Run the program.

    Raises:
        RuntimeError: it failed.
    """
    asked = {"train": task.text, "min-count": task.min_count, "debug": 0} | flags
    command = [str(task.program), *(str(part) for name, value in asked.items() for part in (f"-{name}", value))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{task.program} ended, exit status {done.returncode}: {done.stderr.strip()[-200:]}")
