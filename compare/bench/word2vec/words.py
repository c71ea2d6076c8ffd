"""The subject "word2vec": raw words a second of whole trainings, ours beside those of peers.

Every training has a process of its own; what a peer does before it trains is outside the clock for all: counting and
encoding the text, making pairs, compiling. A ratio is taken within a round; reported are the median and the extremes.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from compare.bench.harness import machine, ratio
from compare.bench.word2vec import machine as word2vec
from compare.bench.word2vec import plan
from compare.bench.word2vec.plan import Item, Settings, Texts
from compare.bench.word2vec.rows import OURS, SAMPLED, WHAT, Row, named
from compare.bench.word2vec.trainings import train
from compare.bench.word2vec.words_report import print_report, write


def run(
    settings: Settings, rows: Sequence[Row], rounds: int, seed: int, work: Path,
    on_training: Callable[[str], None] = lambda name: None,
    on_result: Callable[[dict[str, Any]], None] = lambda result: None,
) -> dict[str, Any]:  # fmt: skip
    """Train in turn; return what `speed.json` holds.

    Args:
        settings: what all trainings have in common.
        rows: of the comparison.
        rounds: trainings of each contender, each with a seed of its own.
        seed: of the first round.
        work: a folder for the text.
        on_training: called with what is trained, before each.
        on_result: called with all that is measured so far, after every training: a run that is stopped loses one.

    Raises:
        ValueError: the corpus cannot be read.
        RuntimeError: a contender broke.
    """
    texts = Texts(settings, work)
    trainings: list[dict[str, Any]] = []
    result = {"subject": "word2vec", "started": datetime.now().astimezone().isoformat(timespec="seconds"),
              "rounds": rounds, "threads": settings.threads, "quick": settings.quick, "settings": settings.as_dict(),
              "text": {"words": texts.whole.words, "sha256": texts.whole.digest}, "machine": machine()}  # fmt: skip
    for item in plan.items(rows, lambda row: timed(row, settings), [1], range(seed, seed + rounds)):
        on_training(f"{item.row.name}: {item.contender}, round {item.seed - seed + 1} of {rounds}")
        said = train(plan.task(item, texts, settings), work / "training.log")
        trainings.append(as_turn(item) | said)
        on_result(result | summary(trainings))
    return result | summary(trainings)


def timed(row: Row, settings: Settings) -> list[str]:
    """Return who is timed beside us; our negative sampling beside our full softmax is a matter of quality."""
    return [name for name in plan.present(row, settings) if name != SAMPLED]


def as_turn(item: Item) -> dict[str, Any]:
    """Return what names a training."""
    return {"row": item.row.name, "seed": item.seed, "contender": item.contender}


def summary(trainings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the rows, what ran, and all trainings."""
    by_row: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for of in trainings:
        by_row.setdefault(of["row"], {}).setdefault(of["contender"], []).append(of)
    rows = [{"name": name, "contenders": {who: described(who, of) for who, of in contenders.items()},
             "ratios": ratios(contenders)} for name, contenders in by_row.items()]  # fmt: skip
    return {"rows": rows, "versions": list(dict.fromkeys(of["version"] for of in trainings)), "trainings": trainings}


def described(name: str, turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what was measured of one contender."""
    speeds = {unit: [turn[unit] for turn in turns] for unit in ("words_per_second", "words_per_cpu_second")}
    medians = {f"median_{unit}": statistics.median(values) for unit, values in speeds.items()}
    return {"what": WHAT[name], "version": turns[0]["version"], **speeds, **medians,
            "raw_words": turns[0]["raw_words"], "prepare_seconds": [turn["prepare_seconds"] for turn in turns],
            "grown_mib": max(turn["grown_mib"] for turn in turns)}  # fmt: skip


def ratios(contenders: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return our words a second over every peer's, of the rounds that both have: above 1 we are faster."""
    speeds = {name: {turn["seed"]: turn["words_per_second"] for turn in turns} for name, turns in contenders.items()}
    ours, found = speeds.pop(OURS, {}), {}
    for name, theirs in speeds.items():
        if seeds := [seed for seed in ours if seed in theirs]:
            found[name] = ratio([ours[seed] for seed in seeds], [theirs[seed] for seed in seeds])
    return found


def command(
    out: Path, copy: Path | None, settings: Callable[[], Settings], *, row: str, rounds: int, seed: int
) -> None:
    """Measure, report and write: what `python -m compare speed --subject word2vec` does.

    All rows are followed by what only ours is measured for: `compare.bench.word2vec.machine`.
    """
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    console.width = max(console.width, 100)
    files = Files(out, copy)
    stopped = False
    with tempfile.TemporaryDirectory(prefix="speed-") as work, errors.status("reading the text") as status:
        try:
            of = settings()
            run(of, named(row), rounds, seed, Path(work), status.update, files.write)
            if not row:
                files.write(files.result | {"alone": alone(of, rounds, seed, status.update)})
        except (ValueError, OSError, RuntimeError) as error:
            print(f"compare: {error}", file=sys.stderr)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            stopped = True
    files.report(console)
    if stopped:
        print(f"compare: stopped after {len(files.result.get('trainings', []))} trainings.", file=sys.stderr)
        raise typer.Exit(130)


def alone(of: Settings, rounds: int, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Return what only ours is measured for."""
    return word2vec.extra(
        corpus=of.corpus, threads=of.threads, quick=of.quick, seed=seed, rounds=rounds,
        on_part=lambda part: say(f"ours alone: {part}"),
    )  # fmt: skip


class Files:
    """Where results go, after every training: `out`, and a copy of speed.json if one is asked for."""

    def __init__(self, out: Path, copy: Path | None) -> None:
        self.out, self.copy = out, copy
        self.command = "python -m compare speed " + " ".join(sys.argv[1:]).removeprefix("speed ")
        self.result: dict[str, Any] = {}
        self.paths: dict[str, Path] = {}

    def write(self, result: dict[str, Any]) -> None:
        """Replace the files by what is measured so far."""
        self.result = result | {"command": self.command}
        self.paths = write(self.result, self.out)
        if self.copy is not None:
            self.copy.parent.mkdir(parents=True, exist_ok=True)
            self.copy.write_bytes(self.paths["speed.json"].read_bytes())

    def report(self, console: Console) -> None:
        """Print what is there."""
        if not self.result:
            return
        print_report(self.result, console)
        if "alone" in self.result:
            console.print()
            word2vec.print_extra(self.result["alone"], console)
        console.print(f"\nReports: {', '.join(map(str, self.paths.values()))}", soft_wrap=True)
