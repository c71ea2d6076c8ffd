"""`tf-emb similar`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tf_emb.vectors import Vectors

_SEARCHED = 100_000  # rows whose spelling is compared; in most files the most frequent words


def similar(
    vectors: Annotated[Path, typer.Argument(help="A file written by `train`, `convert` or word2vec.")],
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Words whose neighbours to print.")],
    minus: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="A word to subtract; repeat for more.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many neighbours to print.")] = 10,
) -> None:
    """Print the words nearest to the mean of the WORDs, by cosine.

    The vectors are divided by their length, and those of --minus subtracted:
    `tf-emb similar v.bin king woman --minus man`.
    """
    from tf_emb.vectors import load_vectors

    loaded = load_vectors(vectors)
    for what, word in [("WORD", word) for word in words] + [("--minus", word) for word in minus or []]:
        if word not in loaded:
            raise ValueError(
                f"`{what}` must be one of the {len(loaded)} words of {vectors}; got {word!r}.{suggestion(word, loaded)}"
            )
    for neighbour, cosine in loaded.most_similar(list(words), list(minus or []), topn=top):
        print(f"{cosine:7.4f}  {neighbour}")


def suggestion(word: str, vectors: "Vectors") -> str:
    """Return a sentence that suggests words of similar spelling, or nothing."""
    alike = spelled_alike(word, vectors.labels[:_SEARCHED])
    return f" Is it {' or '.join(map(repr, alike))}?" if alike else ""


def spelled_alike(word: str, labels: Sequence[str]) -> list[str]:
    """Return up to three of `labels`: those that differ only in case, then those of the nearest spelling."""
    from difflib import get_close_matches

    same = [label for label in labels if label.casefold() == word.casefold()]
    return list(dict.fromkeys([*same, *get_close_matches(word, labels)]))[:3]
