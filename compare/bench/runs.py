"""What every method made, as runs of TensorBoard's Embedding Projector."""

import re
from pathlib import Path

from compare.bench.figure import Figure
from tf_emb.projector import log_projection


class Runs:
    """Logs the first vectors of every system on each of its data, a folder a system.

    Attributes:
        logdir: what `tensorboard --logdir` takes.
        logged: run by system and data.
    """

    def __init__(self, logdir: Path) -> None:
        self.logdir = logdir
        self.logged: dict[tuple[str, str], Path] = {}

    def log(self, figure: Figure) -> str | None:
        """Return the run with the vectors of the figure's system and data, below `logdir`; None where there is none."""
        key = (figure.system, figure.data)
        if figure.vectors is not None and key not in self.logged:
            # The page computes UMAP and t-SNE itself, and PCA of all rows is exact and quick.
            self.logged[key] = log_projection(
                self.logdir / slug(figure.system),
                figure.vectors,
                name=figure.data,
                sprites=figure.pictures,
                views=("pca",),
                say=_silent,
            )
        return self.logged[key].relative_to(self.logdir).as_posix() if key in self.logged else None

    def how_to_look(self) -> str:
        """Return one line, "" where nothing was logged."""
        return f"Vectors: tensorboard --logdir {self.logdir}" if self.logged else ""


def slug(system: str) -> str:
    """Return a folder's name: "image network, softmax" becomes "image-network-softmax"."""
    return re.sub(r"\W+", "-", system.lower()).strip("-") or "system"


def _silent(line: str) -> None:
    """Say nothing: the report names the runs."""
