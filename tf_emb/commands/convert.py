"""`tf-emb convert`."""

from pathlib import Path
from typing import Annotated

import typer


def convert(
    source: Annotated[Path, typer.Argument(metavar="A", help="The vectors to read.")],
    target: Annotated[Path, typer.Argument(metavar="B", help="The file to write.")],
) -> None:
    """Read vectors from A and write them to B; the suffixes name the formats.

    .txt and .vec are word2vec's text, .bin is word2vec's binary, .glove GloVe's text, .npz and .safetensors are
    arrays; .gz, .bz2, .xz or .zst may follow. float32 is kept bit for bit; .npz and .safetensors keep counts.
    """
    from tf_emb.vectors import convert_vectors

    rows, dim, lost = convert_vectors(source, target)
    print(f"{rows} vectors of {dim} numbers written to {target}")
    if lost:
        print(f"The counts of {source} were left out: the format has no place for them.")
