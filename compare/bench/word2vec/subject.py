"""The subject "word2vec": trainings of ours and of our peers on the same text, all judged by one evaluator."""

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from compare.bench.harness import machine
from compare.bench.word2vec import plan
from compare.bench.word2vec.bars import bars
from compare.bench.word2vec.plan import Item, Settings, Texts
from compare.bench.word2vec.rows import GENSIM, OURS, PROGRAM, SAMPLED, Row
from compare.bench.word2vec.scores import likelihoods, scores
from compare.bench.word2vec.trainings import train

Result = dict[str, Any]


def run(
    settings: Settings, rows: Sequence[Row], *, epochs: Sequence[int], seeds: int, peers: Sequence[str] = (),
    before: Result | None = None, on_training: Callable[[int, int, Item], None] = lambda number, count, item: None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Result:  # fmt: skip
    """Train and judge; return what `quality.json` holds.

    Args:
        settings: what all trainings have in common.
        rows: of the comparison.
        epochs: of the trainings; each number is a group of its own.
        seeds: how many trainings each contender has in a group.
        peers: contenders beyond gensim, and word2vec.c where it is given.
        before: what a run that was stopped had so far: its trainings are not repeated.
        on_training: called with the number, from 1, of all, and the item of every training before it begins.
        on_result: called with all that is measured so far, after every training: a run that is stopped loses one.

    Raises:
        ValueError: the corpus cannot be read, or `before` is of other settings.
        RuntimeError: a contender broke.
    """
    planned = list(plan.items(rows, lambda row: judged(row, settings, peers), epochs, range(seeds)))
    with tempfile.TemporaryDirectory(prefix="quality-") as work:
        texts = Texts(settings, Path(work))
        result: Result = {
            "subject": "word2vec", "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "settings": settings.as_dict(), "text": {"words": texts.whole.words, "sha256": texts.whole.digest},
            "machine": machine(), "trainings": [],
        }  # fmt: skip
        if before is not None:
            check_same(result, before)
            result["started"], result["trainings"] = before["started"], before["trainings"]
        known = {key(of) for of in result["trainings"]}
        for number, item in enumerate(planned, 1):
            if item.key not in known:
                on_training(number, len(planned), item)
                result["trainings"].append(measure(item, texts, settings, Path(work)))
                on_result(finished(result))
    return finished(result)


def judged(row: Row, settings: Settings, peers: Iterable[str]) -> list[str]:
    """Return who trains in a row beside us: the peers that bars need, and those that are asked for."""
    asked = {GENSIM, PROGRAM, *peers} | (set(row.peers) if row.likelihood else set())
    return [name for name in plan.present(row, settings) if name in asked]


def measure(item: Item, texts: Texts, settings: Settings, work: Path) -> dict[str, Any]:
    """Train once and judge what came out."""
    vectors = work / "vectors.bin"
    task = plan.task(item, texts, settings, vectors)
    said = train(task, work / "training.log")
    found: dict[str, float | None] = {}
    if not item.row.likelihood:
        found = scores(vectors)
    elif item.contender in (OURS, SAMPLED):
        first, last = texts.softmax
        found = likelihoods(vectors, first.path, last.path, task.as_dict(), prior=item.contender == SAMPLED)
    return {"row": item.row.name, "epochs": item.epochs, "seed": item.seed, "contender": item.contender, **said,
            "scores": found}  # fmt: skip


def key(training: dict[str, Any]) -> tuple[str, int, int, str]:
    """Return the `Item.key` of a training."""
    return training["row"], training["epochs"], training["seed"], training["contender"]


def finished(result: Result) -> Result:
    """Return a result with what follows from its trainings."""
    trainings = result["trainings"]
    versions = list(dict.fromkeys(of["version"] for of in trainings))
    return result | {"versions": versions, "bars": [bar.as_dict() for bar in bars(trainings)]}


def check_same(result: Result, before: Result) -> None:
    """Raise unless a run that goes on is asked for what it was.

    Raises:
        ValueError: it is not.
    """
    asked, had = ({**of["settings"], **of["text"]} for of in (result, before))
    ignored = {"corpus", "program"}  # the text tells the first; the second may be given later
    other = [f"{name} {had.get(name)!r}, not {value!r}" for name, value in asked.items()
             if name not in ignored and had.get(name) != value]  # fmt: skip
    if other:
        raise ValueError(f"`--resume` must go on with the same settings; that run had {', '.join(other)}.")


def read(path: Path) -> Result:
    """Return what a run that was stopped wrote.

    Raises:
        ValueError: the file is no such thing.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        subject, _ = result["subject"], [key(of) for of in result["trainings"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"`--resume` must be a quality.json of word2vec; got {path} ({error!r}).") from None
    if subject != "word2vec":
        raise ValueError(f"`--resume` must be a quality.json of word2vec; got {path}, of {subject}.")
    return result
