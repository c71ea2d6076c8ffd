"""`python -m compare.bench.word2vec.machine`: the command line."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from compare.bench.word2vec import machine as word2vec

WIDTH = 100  # columns, where the terminal says less: the tables need them
Corpus = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A text; ids drawn by Zipf's law else.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of training.")]
Rounds = Annotated[int, typer.Option(min=1, help="Turns of everything that is measured.")]
Seed = Annotated[int, typer.Option(min=0, help="Of every draw.")]
Only = Annotated[list[str] | None, typer.Option(help=f"A part, of {', '.join(word2vec.PARTS)}; repeat it for more.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write what was measured here.")]
Quick = Annotated[bool, typer.Option("--quick", help="Small sizes, to see that it works; the numbers mean nothing.")]


def run(
    corpus: Corpus = None, threads: Threads = 2, rounds: Rounds = 3, seed: Seed = 0, only: Only = None,
    json_file: JsonFile = None, quick: Quick = False,
) -> None:  # fmt: skip
    """Measure how the speed of word2vec scales, where its time goes, and how near it is to the machine's limits."""
    errors = Console(stderr=True, highlight=False)
    try:
        with errors.status("starting") as status:
            result = word2vec.extra(
                corpus=corpus, threads=threads, quick=quick, seed=seed, rounds=rounds, only=only or word2vec.PARTS,
                on_part=lambda name: status.update(f"measuring: {name}"),
            )  # fmt: skip
    except (ValueError, RuntimeError) as error:
        print(f"compare: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    word2vec.print_extra(result, console)


if __name__ == "__main__":
    typer.run(run)
