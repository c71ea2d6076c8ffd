"""`python -m compare bench word2vec`.

Every training has a process of its own, and contenders take turns, seed by seed. Whatever a contender does before it
trains is outside the clock for all: counting and encoding the text, making pairs, compiling.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from compare.bench.child import call
from compare.bench.options import JsonFile, Out, Quick, Resume, RowName, Threads, chosen
from compare.bench.session import session
from compare.bench.word2vec import plan
from compare.bench.word2vec.plan import OBJECTIVES, OURS, PROGRAM, SAMPLED, WHAT, Settings, Texts, Training
from compare.bench.word2vec.report import VIEW
from compare.bench.word2vec.scores import likelihoods, scores

PEERS = tuple(name for name in WHAT if name not in (OURS, SAMPLED))

Corpus = Annotated[
    Path | None, typer.Option(help="A text, compressed or not; by default gensim's 300 news documents (Lee corpus).")
]
Epochs = Annotated[
    list[int] | None,
    typer.Option("--epochs", min=1, help="Passes over the text; repeat for more groups. By default 1 and 5."),
]
Seeds = Annotated[int | None, typer.Option(min=1, help="Trainings of each contender, one seed each; by default 3.")]
FirstSeed = Annotated[int, typer.Option("--seed", min=0, help="The first seed.")]
Peer = Annotated[
    list[str] | None,
    typer.Option(
        help=f"Beside those that the bars need (gensim; torch for the full softmax), train only this peer, of "
        f"{', '.join(PEERS)}; repeat for more. By default all."
    ),
]
Dim = Annotated[int | None, typer.Option(min=1, help="Size of a vector; by default 100.")]
Words = Annotated[int | None, typer.Option(min=1, help="Only the first words of the corpus; by default all.")]
SlowWords = Annotated[
    int | None, typer.Option(min=1, help="Words that PyTorch and the tutorial train on; by default 200,000.")
]
SoftmaxWords = Annotated[
    int | None, typer.Option(min=1, help="Words that the full softmax trains on; by default 2,000,000.")
]
Program = Annotated[
    Path | None, typer.Option("--word2vec-c", help="The program word2vec.c, which joins the peers; by default none.")
]


def run(
    corpus: Corpus = None,
    row: RowName = "",
    epochs: Epochs = None,
    seeds: Seeds = None,
    seed: FirstSeed = 0,
    peer: Peer = None,
    threads: Threads = 2,
    dim: Dim = None,
    words: Words = None,
    slow_words: SlowWords = None,
    softmax_words: SoftmaxWords = None,
    word2vec_c: Program = None,
    resume: Resume = None,
    out: Out = None,
    json: JsonFile = None,
    quick: Quick = False,
) -> None:
    """Quality and speed of word2vec beside gensim and others."""
    given = {"corpus": corpus, "dim": dim, "words": words, "slow_words": slow_words, "softmax_words": softmax_words,
             "program": word2vec_c}  # fmt: skip
    with session("word2vec", out, json, resume, VIEW) as bench:
        settings = plan.settings(given, threads, quick)
        objectives = chosen(row, {of.name: of for of in OBJECTIVES})
        groups, count = epochs or ([1] if quick else [1, 5]), seeds or (1 if quick else 3)
        planned = plan.trainings(
            list(objectives.values()), settings, known(peer or [], settings), groups, range(seed, seed + count)
        )
        texts = Texts(settings, bench.work)
        text = {"text_words": texts.whole.words, "text_sha256": texts.whole.digest}
        bench.begin(asdict(settings) | text, free=("corpus", "program"))
        for key, training in bench.left(planned):
            bench.add(key, measure(training, texts, settings, bench.work))


def known(peers: list[str], settings: Settings) -> list[str]:
    """Return the peers that are asked for.

    Raises:
        ValueError: there is no such peer, or it is not here.
    """
    for name in peers:
        if name not in PEERS:
            raise ValueError(f"`--peer` must be one of {', '.join(PEERS)}; got {name!r}. Choose one.")
        if name == PROGRAM and not settings.program:
            raise ValueError(f"`--peer {PROGRAM}` needs the program. Name its file by --word2vec-c.")
    return peers


def measure(training: Training, texts: Texts, settings: Settings, work: Path) -> dict[str, Any]:
    """Train once; return what the training took, and the scores of its vectors."""
    vectors, objective, name = work / "vectors.bin", training.objective, training.contender
    task = asdict(plan.task(training, texts, settings, vectors))
    log = work / "training.log"
    took = call(name, "compare.bench.word2vec.contenders", task, threads=settings.threads, log=log)
    found: dict[str, float | None] = {}
    if not objective.likelihood:
        found = scores(vectors)
    elif name in (OURS, SAMPLED):
        first, last = texts.softmax
        found = likelihoods(vectors, first.path, last.path, task, prior=name == SAMPLED)
    return {
        "row": objective.name,
        "epochs": training.epochs,
        "seed": training.seed,
        "contender": name,
        **took,
        "scores": found,
    }
