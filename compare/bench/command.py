"""`python -m compare speed`: the command line."""

import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from compare.bench import harness as speed
from compare.bench.report import as_json, print_report, write

Subject = Annotated[str, typer.Option(help=f"What to measure: {', '.join(speed.SUBJECTS)}.")]
RowName = Annotated[str, typer.Option("--row", help="Only rows whose name holds this, as 'Bag SGD 1M'; else all.")]
Rounds = Annotated[int | None, typer.Option(min=1, help="Turns of each contender; 7, for word2vec 3.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of each contender.")]
Seed = Annotated[int, typer.Option(min=0, help="Of every draw.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the reports; logs/speed/<time> by default.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write speed.json here.")]
Quick = Annotated[bool, typer.Option("--quick", help="Small sizes, to see that it works; the numbers mean nothing.")]
Corpus = Annotated[Path | None, typer.Option(help="word2vec: text, .xz too; gensim's 300 news documents by default.")]
Dim = Annotated[int | None, typer.Option(min=1, help="word2vec: size of a vector; 100 by default.")]
Words = Annotated[int | None, typer.Option(min=1, help="word2vec: only the first so many words of the corpus.")]
SlowWords = Annotated[int | None, typer.Option(min=1, help="word2vec: words for PyTorch and the tutorial; 200,000.")]
SoftmaxWords = Annotated[int | None, typer.Option(min=1, help="word2vec: words for the full softmax; 2,000,000.")]
Program = Annotated[Path | None, typer.Option("--word2vec-c", help="word2vec: the program word2vec.c, a peer more.")]


def run_speed(
    subject: Subject = "layers", row: RowName = "", rounds: Rounds = None, threads: Threads = 2, seed: Seed = 0,
    out: Out = None, json: JsonFile = None, quick: Quick = False, corpus: Corpus = None, dim: Dim = None,
    words: Words = None, slow_words: SlowWords = None, softmax_words: SoftmaxWords = None, word2vec_c: Program = None,
) -> None:  # fmt: skip
    """Time trainings of ours beside its peers', in turn, and report the ratios."""
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    out = out or Path("logs") / "speed" / datetime.now().strftime("%Y%m%d-%H%M%S")
    if subject == "projector":
        from compare.bench.projector import subject as projector

        projector.command(out, json, rounds=rounds or 7, threads=threads, quick=quick, seed=seed)
        return
    if subject == "word2vec":
        from compare.bench.word2vec.plan import asked
        from compare.bench.word2vec.words import command

        given = {"corpus": corpus, "dim": dim, "words": words, "slow_words": slow_words,
                 "softmax_words": softmax_words, "program": word2vec_c}  # fmt: skip
        command(out, json, lambda: asked(given, threads, quick), row=row, rounds=rounds or 3, seed=seed)
        return
    files = Files(out, json, "python -m compare speed " + " ".join(sys.argv[1:]).removeprefix("speed "))
    stopped = False
    with tempfile.TemporaryDirectory(prefix="speed-") as work, errors.status("starting") as status:
        try:
            speed.run(
                Path(work), subject=subject, only=row, rounds=rounds or 7, threads=threads, quick=quick, seed=seed,
                on_row=lambda count, name: status.update(f"measuring {name}, of {count} rows"), on_result=files.write,
            )  # fmt: skip
        except (ValueError, RuntimeError) as error:
            print(f"compare: {error}", file=sys.stderr)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            stopped = True
    if files.result:
        print_report(files.result, console)
        console.print(f"\nReports: {', '.join(str(path) for path in files.paths.values())}", soft_wrap=True)
    if stopped:
        print(f"compare: stopped after {len(files.result.get('rows', []))} rows.", file=sys.stderr)
        raise typer.Exit(130)


class Files:
    """Where results go, after every row: `out`, and a copy of speed.json if one is asked for."""

    def __init__(self, out: Path, copy: Path | None, command: str) -> None:
        self.out, self.copy, self.command = out, copy, command
        self.result: dict[str, Any] = {}
        self.paths: dict[str, Path] = {}

    def write(self, result: dict[str, Any]) -> None:
        """Replace the files by what is measured so far."""
        self.result = result | {"command": self.command}
        self.paths = write(self.result, self.out)
        if self.copy is not None:
            self.copy.parent.mkdir(parents=True, exist_ok=True)
            self.copy.write_text(as_json(self.result))
