"""`tf-emb similar`, `convert` and `eval`: commands on files of vectors."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_emb.files import printable

if TYPE_CHECKING:
    from rich.table import Table

    from tf_emb.evaluate import Analogies, Section, WordPairs
    from tf_emb.vectors import Vectors

Errors = Annotated[
    str,
    typer.Option(
        metavar="HOW", help="What becomes of labels that are not UTF-8: strict, replace, ignore, backslashreplace."
    ),
]
_SEARCHED = 100_000  # rows whose spelling is compared; in most files the most frequent words


def similar(
    vectors: Annotated[Path, typer.Argument(help="A file written by `train`, `convert` or word2vec.")],
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Words whose neighbours to print.")],
    minus: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="A word to subtract; repeat for more.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many neighbours to print.")] = 10,
    errors: Errors = "strict",
) -> None:
    """Print the words nearest to the mean of the WORDs, by cosine.

    The vectors are divided by their length, and those of --minus subtracted:
    `tf-emb similar v.bin king woman --minus man`.
    """
    from tf_emb.vectors import load_vectors

    loaded = load_vectors(vectors, errors=errors)
    for what, word in [("WORD", word) for word in words] + [("--minus", word) for word in minus or []]:
        if word not in loaded:
            raise ValueError(
                f"`{what}` must be one of the {len(loaded)} words of {printable(vectors)}; got {word!r}."
                f"{suggestion(word, loaded)}"
            )
    asked = loaded.most_similar(list(words), list(minus or []), topn=top)
    found = [(neighbour, cosine) for neighbour, cosine in asked if not math.isnan(cosine)]
    if asked and not found:
        raise ValueError(
            "`WORD` must have a direction; the sum of these vectors, or each other one, is zero. Name other words."
        )
    for neighbour, cosine in found:
        print(f"{cosine:7.4f}  {printable(neighbour)}")


def suggestion(word: str, vectors: "Vectors") -> str:
    """Return a sentence that suggests words of similar spelling, or nothing."""
    alike = spelled_alike(word, vectors.labels[:_SEARCHED])
    return f" Is it {' or '.join(map(repr, alike))}?" if alike else ""


def spelled_alike(word: str, labels: Sequence[str]) -> list[str]:
    """Return up to three of `labels`: those that differ only in case, then those of the nearest spelling."""
    from difflib import get_close_matches

    same = [label for label in labels if label.casefold() == word.casefold()]
    return list(dict.fromkeys([*same, *get_close_matches(word, labels)]))[:3]


def convert(
    source: Annotated[Path, typer.Argument(metavar="A", help="The vectors to read.")],
    target: Annotated[Path, typer.Argument(metavar="B", help="The file to write; not A.")],
    errors: Errors = "strict",
) -> None:
    """Read vectors from A and write them to B; the suffixes name the formats.

    .txt and .vec are word2vec's text, .bin is word2vec's binary, .glove GloVe's text, .npz and .safetensors are
    arrays; .gz, .bz2, .xz or .zst may follow. float32 is kept bit for bit; .npz and .safetensors keep counts.
    """
    from tf_emb.vectors import convert_vectors

    rows, dim, lost = convert_vectors(source, target, errors=errors)
    print(f"{rows} vectors of {dim} numbers written to {printable(target)}")
    if lost:
        print(f"The counts of {printable(source)} were left out: the format has no place for them.")


def evaluate(
    vectors: Annotated[Path, typer.Argument(help="A file written by `train`, `convert` or word2vec.")],
    pairs: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Word pairs with scores: two words and a number per line; repeat for more."),
    ] = None,
    analogies: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Analogies: ': section' lines, else four words per line; repeat for more."),
    ] = None,
    vocab: Annotated[int, typer.Option(min=1, help="Search analogies among the first so many words.")] = 30_000,
    errors: Errors = "strict",
) -> None:
    """Compare vectors with human judgement: word pairs and analogies.

    Without --pairs and --analogies: WordSim-353, SimLex-999 and questions-words, which gensim ships.
    """
    from rich.console import Console

    from tf_emb import evaluate as measured
    from tf_emb.corpus import gensim_file
    from tf_emb.vectors import load_vectors

    if not pairs and not analogies:
        pairs = [gensim_file("wordsim353.tsv"), gensim_file("simlex999.txt")]
        analogies = [gensim_file("questions-words.txt")]
    loaded = load_vectors(vectors, errors=errors)
    scored = [(path.name, measured.word_pairs(loaded, path)) for path in pairs or []]
    console = Console(markup=False, highlight=False)  # names are plain text, even with brackets
    if scored:
        console.print(pairs_table(scored))
    for path in analogies or []:
        result = measured.analogies(loaded, path, restrict_vocab=vocab)
        console.print(analogies_table(f"{printable(path.name)}, among {min(vocab, len(loaded)):,} words", result))


def pairs_table(scored: "list[tuple[str, WordPairs]]") -> "Table":
    """Return a table with one row per file."""
    table = _table("word pairs", "Spearman", "Pearson", "pairs covered")
    for name, result in scored:
        figures = (_figure(value, "{:.3f}") for value in (result.spearman, result.pearson))
        table.add_row(printable(name), *figures, f"{result.covered:,} of {result.pairs:,}")
    return table


def analogies_table(title: str, result: "Analogies") -> "Table":
    """Return a table with one row per section, and their sum."""
    table = _table(title, "correct", "questions covered")
    for section in result.sections:
        table.add_row(*_cells(section))
    table.add_section()
    table.add_row(*_cells(result.total))
    return table


def _cells(section: "Section") -> tuple[str, str, str]:
    return printable(section.name), _figure(section.accuracy, "{:.1%}"), f"{section.covered:,} of {section.questions:,}"


def _table(first: str, *others: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    for other in others:
        table.add_column(other, justify="right", no_wrap=True)
    return table


def _figure(value: float, form: str) -> str:
    return "-" if math.isnan(value) else form.format(value)
