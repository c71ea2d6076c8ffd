"""Our word2vec measured alone: how its speed scales, where its time goes, how near it is to the machine's limits.

Each part runs in a process of its own, on ids that were made before. `scaling`: words a second over the length of a
corpus and the size of a vocabulary. `operations`: time by type of operation. `roofline`: peaks, needs, and what is
reached.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from compare.bench.word2vec.machine import corpora
from compare.bench.word2vec.machine.child import call
from compare.bench.word2vec.machine.operations import print_operations
from compare.bench.word2vec.machine.roofline import print_roofline
from compare.bench.word2vec.machine.scaling import print_scaling

PARTS = ("scaling", "operations", "roofline")


def extra(
    *, corpus: Any = None, threads: int = 2, quick: bool = False, seed: int = 0, rounds: int = 3,
    only: Sequence[str] = PARTS, on_part: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:  # fmt: skip
    """Measure our word2vec; return plain dicts, one a part.

    Args:
        corpus: a text, or an `EncodedCorpus`; None for ids drawn by Zipf's law.
        threads: of `scaling`; `roofline` has one thread and this many, `operations` always one.
        quick: small sizes, for tests; the numbers mean nothing.
        seed: of every draw.
        rounds: turns of everything that is measured.
        only: parts, of `PARTS`.
        on_part: called with the name of each part before it is measured.

    Raises:
        ValueError: an argument is out of its range.
        RuntimeError: a part broke.
    """
    if rounds < 1 or threads < 1:
        raise ValueError(f"`rounds` and `threads` must be 1 or more; got {rounds} and {threads}. 3 and 2 are usual.")
    if not only or set(only) - set(PARTS):
        raise ValueError(f"`only` must name parts among {', '.join(PARTS)}; got {', '.join(only) or 'none'}.")
    result: dict[str, Any] = {"quick": quick, "seed": seed}
    with tempfile.TemporaryDirectory(prefix="speed-") as work:
        on_part("corpus")
        corpora.save(corpora.read(corpus, quick, seed), Path(work))
        for part in only:
            on_part(part)
            result[part] = _part(part, Path(work), threads, {"rounds": rounds, "quick": quick, "seed": seed})
    return result


def _part(part: str, work: Path, threads: int, options: dict[str, Any]) -> Any:
    if part == "roofline":
        return [call(part, work, threads=count, **options) for count in sorted({1, threads})]
    return call(part, work, threads=1 if part == "operations" else threads, **options)


def print_extra(result: dict[str, Any], console: Console) -> None:
    """Print the tables of every part that was measured."""
    show: dict[str, Callable[[Any, Console], None]] = {
        "scaling": print_scaling, "operations": print_operations, "roofline": print_roofline,
    }  # fmt: skip
    for part in (part for part in PARTS if part in result):
        show[part](result[part], console)
        console.print()
    if result["quick"]:
        console.print(Text("--quick: sizes for a test of the machinery; these numbers mean nothing.", "yellow"))
