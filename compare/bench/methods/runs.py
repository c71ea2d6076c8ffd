"""The vectors of every method, as runs of TensorBoard's Embedding Projector."""

import re
from pathlib import Path

from compare.bench.methods.figure import Figure
from tf_emb.projector import log_projection


class Runs:
    """Logs the first vectors of every system on each of its data, one folder per system.

    Attributes:
        logdir: what `tensorboard --logdir` takes.
        logged: the run of each system and data.
    """

    def __init__(self, logdir: Path) -> None:
        self.logdir = logdir
        self.logged: dict[tuple[str, str], Path] = {}

    def log(self, figure: Figure) -> str | None:
        """Return the run that shows the figure's system on its data, relative to `logdir`; None if there is none."""
        key = (figure.system, figure.data)
        if figure.vectors is not None and key not in self.logged:
            # The page computes UMAP and t-SNE itself, and PCA of all rows is exact and quick.
            self.logged[key] = log_projection(
                self.logdir / slug(figure.system),
                figure.vectors,
                name=figure.data,
                sprites=figure.pictures,
                views=("pca",),
                say=lambda line: None,
            )
        return self.logged[key].relative_to(self.logdir).as_posix() if key in self.logged else None


def slug(system: str) -> str:
    """Return the name of a folder: "image network, softmax" becomes "image-network-softmax"."""
    return re.sub(r"\W+", "-", system.lower()).strip("-") or "system"
