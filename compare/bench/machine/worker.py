"""The process of one part of the measurement, with a limit of threads."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from compare.bench.machine.corpora import load
from compare.bench.machine.trained import limit_threads


def work(part: str, folder: str, **options: Any) -> Iterator[dict[str, Any]]:
    """Yield what `measure` of a part returns.

    Args:
        part: a module beside this one.
        folder: holds the corpus, see `corpora.save`.
        **options: threads, rounds, quick and seed.
    """
    corpus = load(Path(folder))
    limit_threads(options["threads"])
    yield import_module(f"compare.bench.machine.{part}").measure(corpus, **options)
