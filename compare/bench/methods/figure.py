"""One measured quality beside a peer's, a row of the table of `python -m compare bench methods`, and its vectors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tf_emb.projector import log_projection

if TYPE_CHECKING:
    from tf_emb.vectors import Vectors


@dataclass(frozen=True)
class Figure:
    """A quality, ours and a peer's, on the same data.

    Attributes:
        system: "node2vec", "autoencoder" ...: what is measured.
        data: on which data, such as "BlogCatalog, 50 % labelled".
        measure: "Micro-F1", "perplexity" ..., with its unit if it has one.
        ours: one number per seed.
        peer: what ours is compared with: a program with its version, or a publication with its table.
        theirs: one number per seed, or a single one if it is deterministic or published.
        higher: whether more is better.
        margin: how much worse ours may be, in the unit of the measure; if negative, how much better it must be.
        vectors: what ours produced with the first seed, to look at; needed once per system and data.
        pictures: a picture for every row of `vectors`, see `sprites` of `tf_emb.projector.log_projection`.
    """

    system: str
    data: str
    measure: str
    ours: Sequence[float]
    peer: str
    theirs: Sequence[float]
    higher: bool = True
    margin: float = 0.0
    vectors: "Vectors | None" = field(default=None, repr=False, compare=False)
    pictures: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def held(self) -> bool:
        """Whether the mean of ours is at most `margin` worse than the mean of theirs."""
        ours, theirs = sum(self.ours) / len(self.ours), sum(self.theirs) / len(self.theirs)
        return (ours - theirs if self.higher else theirs - ours) >= -self.margin


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
