"""`python -m compare quality`: the command line."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from compare.bench.word2vec import rows
from compare.bench.word2vec import subject as word2vec
from compare.bench.word2vec.plan import asked
from compare.bench.word2vec.report import as_json, last_line, print_report, write

WIDTH = 100  # columns, where the terminal says less: the tables need them
SUBJECTS = ("word2vec", "methods")
PEERS = tuple(name for name in rows.WHAT if name not in (rows.OURS, rows.SAMPLED, rows.PROGRAM))

Subject = Annotated[str, typer.Option(help=f"What to measure: {', '.join(SUBJECTS)}.")]
Corpus = Annotated[
    Path | None, typer.Option(help="Text, .xz and the like too; gensim's 300 news documents by default.")
]
RowName = Annotated[str, typer.Option("--row", help="Only rows whose name holds this, as 'CBOW'; else all.")]
Epochs = Annotated[
    list[int] | None, typer.Option("--epochs", min=1, help="Passes; repeat for more. 1 and 5 by default.")
]
Seeds = Annotated[int | None, typer.Option(min=1, help="Trainings of each contender; 3 by default.")]
Threads = Annotated[int, typer.Option(min=1, help="Of each training.")]
Dim = Annotated[int | None, typer.Option(min=1, help="Size of a vector; 100 by default.")]
Words = Annotated[int | None, typer.Option(min=1, help="Only the first so many words of the corpus.")]
SlowWords = Annotated[int | None, typer.Option(min=1, help="Words that PyTorch and the tutorial train on; 200,000.")]
SoftmaxWords = Annotated[int | None, typer.Option(min=1, help="Words of the full softmax's row; 2,000,000.")]
Program = Annotated[Path | None, typer.Option("--word2vec-c", help="The program word2vec.c, which joins the peers.")]
Peers = Annotated[list[str] | None, typer.Option("--peer", help=f"Judge this one too: {', '.join(PEERS)}; repeat.")]
Data = Annotated[list[str] | None, typer.Option("--data", help="NAME=PATH, for methods; repeat for more.")]
Resume = Annotated[
    Path | None, typer.Option(help="A quality.json: go on with that run; what it has measured whole is kept.")
]
Out = Annotated[Path | None, typer.Option(help="Folder of the reports; logs/quality/<time> by default.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write quality.json here.")]
Quick = Annotated[bool, typer.Option("--quick", help="Small sizes, to see that it works; the numbers mean nothing.")]


def run_quality(
    subject: Subject = "word2vec", corpus: Corpus = None, row: RowName = "", epochs: Epochs = None,
    seeds: Seeds = None, threads: Threads = 2, dim: Dim = None, words: Words = None, slow_words: SlowWords = None,
    softmax_words: SoftmaxWords = None, word2vec_c: Program = None, peer: Peers = None, data: Data = None,
    resume: Resume = None, out: Out = None, json: JsonFile = None, quick: Quick = False,
) -> None:  # fmt: skip
    """Train ours and its peers on the same text, judge all by one evaluator, and hold ours to its bars."""
    out = out or (resume.parent if resume else Path("logs") / "quality" / datetime.now().strftime("%Y%m%d-%H%M%S"))
    if subject not in SUBJECTS:
        refuse(f"`--subject` must be one of {', '.join(SUBJECTS)}; got {subject!r}. Choose one.")
    if subject == "methods":
        from compare.bench.methods import subject as every_method

        every_method.command(out, json, only=row, seeds=seeds or 3, data=data or [], quick=quick, resume=resume)
        return
    given = {"corpus": corpus, "dim": dim, "words": words, "slow_words": slow_words, "softmax_words": softmax_words,
             "program": word2vec_c}  # fmt: skip
    files = Files(out, json)
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    console.width = max(console.width, WIDTH)
    stopped = False
    with errors.status("reading the text") as status:
        try:
            word2vec.run(
                asked(given, threads, quick), rows.named(row), epochs=epochs or ([1] if quick else [1, 5]),
                seeds=seeds or (1 if quick else 3), peers=known(peer or []),
                before=word2vec.read(resume) if resume else None, on_result=files.write,
                on_training=lambda number, count, item: status.update(
                    f"{item.row.name}, {item.epochs} ep.: {item.contender}, seed {item.seed} ({number} of {count})"
                ),
            )  # fmt: skip
        except (ValueError, OSError, RuntimeError) as error:
            refuse(str(error))
        except KeyboardInterrupt:
            stopped = True
    files.report(console)
    if stopped:
        print("compare: stopped; add --resume and the path of quality.json to go on.", file=sys.stderr)
        raise typer.Exit(130)


def known(peers: list[str]) -> list[str]:
    """Return the peers that are asked for.

    Raises:
        ValueError: one has no such name.
    """
    for name in peers:
        if name not in PEERS:
            raise ValueError(f"`--peer` must be one of {', '.join(PEERS)}; got {name!r}. Choose one.")
    return peers


class Files:
    """Where results go, after every training: `out`, and a copy of quality.json if one is asked for."""

    def __init__(self, out: Path, copy: Path | None) -> None:
        self.out, self.copy = out, copy
        self.result: dict[str, Any] = {}
        self.paths: dict[str, Path] = {}

    def write(self, result: dict[str, Any]) -> None:
        """Replace the files by what is measured so far."""
        self.result = result | {"command": "python -m compare " + " ".join(sys.argv[1:])}
        self.paths = write(self.result, self.out)
        if self.copy is not None:
            self.copy.parent.mkdir(parents=True, exist_ok=True)
            self.copy.write_text(as_json(self.result), encoding="utf-8")

    def report(self, console: Console) -> None:
        """Print what is there."""
        if self.result:
            print_report(self.result, console)
            console.print(f"\nReports: {', '.join(str(path) for path in self.paths.values())}", soft_wrap=True)
            print(last_line(self.result))


def refuse(message: str) -> None:
    """End with one line and exit status 2."""
    print(f"compare: {message}", file=sys.stderr)
    raise typer.Exit(2)
