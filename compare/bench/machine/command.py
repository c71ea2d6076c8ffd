"""`python -m compare bench machine`: our word2vec alone, on ids that are prepared before.

`scaling`: words per second over the length of a corpus and the size of a vocabulary. `operations`: time by type of
operation. `roofline`: peaks, needs, and what is reached. `checkpoints`: what they cost. Each runs in a process of its
own.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from compare.bench.child import call
from compare.bench.machine import checkpoints, corpora, operations, roofline, scaling
from compare.bench.options import JsonFile, Out, Quick, Resume, Rounds, Seed, Threads
from compare.bench.session import Result, View, session
from compare.bench.tables import footer

PARTS = {"scaling": scaling, "operations": operations, "roofline": roofline, "checkpoints": checkpoints}

Corpus = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="A text; by default ids are drawn at random by Zipf's law."),
]
Only = Annotated[list[str] | None, typer.Option(help=f"Only this part, of {', '.join(PARTS)}; repeat for more.")]


def run(
    corpus: Corpus = None,
    only: Only = None,
    threads: Threads = 2,
    rounds: Rounds = 3,
    seed: Seed = 0,
    resume: Resume = None,
    out: Out = None,
    json: JsonFile = None,
    quick: Quick = False,
) -> None:
    """Our word2vec alone: scaling, operations, roofline, checkpoints."""
    with session("machine", out, json, resume, View(tables)) as bench:
        parts = planned(only or list(PARTS), threads)
        text = corpora.read(corpus, quick, seed)
        options = {"rounds": rounds, "seed": seed, "quick": quick}
        shape = {"words": text.words, "vocabulary": len(text.counts)}
        bench.begin({"corpus": str(corpus) if corpus else None, **shape, "threads": threads, **options}, {"corpus"})
        corpora.save(text, bench.work)
        del text
        for key, (part, count) in bench.left(parts):
            bench.add(key, {"part": part, "result": measure(part, bench.work, threads=count, **options)})


def planned(only: Sequence[str], threads: int) -> dict[str, tuple[str, int]]:
    """Return parts with their threads: `operations` has one, others one and then `threads`.

    Raises:
        ValueError: `only` names no part.
    """
    if wrong := [part for part in only if part not in PARTS]:
        raise ValueError(f"`--only` must be one of {', '.join(PARTS)}; got {wrong[0]!r}. Choose one.")
    counts = {
        "scaling": [threads],
        "operations": [1],
        "roofline": sorted({1, threads}),
        "checkpoints": sorted({1, threads}),
    }
    return {
        f"{part}, {n} thread{'s' if n > 1 else ''}": (part, n) for part in PARTS if part in only for n in counts[part]
    }


def measure(part: str, work: Path, **options: Any) -> dict[str, Any]:
    """Return what a part measures on the corpus in `work`, in a process of its own."""
    arguments = {"part": part, "folder": str(work), **options}
    return call(part, __name__, arguments, threads=options["threads"], log=work / f"{part}.log")


def work(part: str, folder: str, **options: Any) -> Iterator[dict[str, Any]]:
    """Yield what a part measures on the corpus in `folder`, with TensorFlow set up as `tf-emb train` does."""
    import tensorflow as tf

    corpus = corpora.load(Path(folder))
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(options["threads"])
    yield PARTS[part].measure(corpus, **options)


def tables(result: Result) -> Iterator[RenderableType]:
    """Yield the tables of every part that was measured."""
    found = {part: [of["result"] for of in result["measured"] if of["part"] == part] for part in PARTS}
    for of in found["scaling"]:
        yield from (*scaling.tables(of), Text())
    for of in found["operations"]:
        yield from (*operations.tables(of), Text())
    if found["roofline"]:
        yield from (*roofline.tables(found["roofline"]), Text())
    if found["checkpoints"]:
        yield from (*checkpoints.tables(found["checkpoints"]), Text())
    yield from footer(result)
